# SPDX-License-Identifier: BSD-3-Clause
"""The tables of perf/report, as lines of Markdown, from the CSVs and bars in a directory."""
import csv

BURSTS = "1,2,3,4,6,8,12,16,24,32,48,64"
ORDER = ["avx512", "avx2", "ipsecmb", "portable", "auto", "limit-avx512", "limit2-avx512",
         "limit-avx2"]
PEERS = ["1", "1000", "10000"]


def rows_of(out, name):
    with open(out / f"{name}.csv", newline="") as f:
        return list(csv.DictReader(f))


def clk(r):
    return float(r["clk_per_packet"])


def plain(r):
    """A pipeline row of one peer, IPv4 outside, full bursts."""
    return r["peers"] == "1" and r["outer"] == "4" and r["burst"] == "32"


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(str(c) for c in row) + " |"


def names_in(rows):
    return [n for n in ORDER if any(r["backend"] == n for r in rows)]


def aead_table(rows, direction, burst):
    """Sizes down, backends across: clk, and how many times faster than ipsec-mb."""
    names = names_in(rows)
    of = {(r["bytes"], r["backend"]): r for r in rows
          if r["direction"] == direction and r["burst"] == burst}
    for size in dict.fromkeys(b for b, _ in of):
        cells = []
        for n in names:
            r = of[size, n]
            ratio = r["x_ipsecmb"]
            more = f" ({float(ratio):.2f}x)" if ratio != "-" and not n.startswith(("limit", "ipsecmb")) else ""
            cells.append(f"{clk(r):.0f}{more}")
        yield [size, *cells, *over(of, size)]


def over(of, size):
    """avx512 over its two limits."""
    for limit in ("limit-avx512", "limit2-avx512"):
        two = [of.get((size, n)) for n in ("avx512", limit)]
        yield f"{clk(two[0]) / clk(two[1]):.2f}" if all(two) else "-"


def burst_table(rows, direction):
    names = [n for n in names_in(rows) if not n.startswith("limit")]
    of = {(int(r["burst"]), r["backend"]): clk(r) for r in rows
          if r["direction"] == direction and r["bytes"] == "64"}
    for burst in sorted({b for b, _ in of}):
        yield [burst, *(f"{of[burst, n]:.0f}" for n in names)]


def pipeline_table(rows, case):
    names = names_in(rows)
    of = {(r["bytes"], r["backend"]): r for r in rows if r["case"] == case and plain(r)}
    for size in dict.fromkeys(b for b, _ in of):
        cells = []
        for n in names:
            r = of[size, n]
            to = r["to_ipsecmb"] if n != "ipsecmb" else ""
            cells.append(f"{clk(r):.0f}" + (f" ({float(to):.2f})" if to else ""))
        best = of[size, names[0]]
        yield [size, *cells, f"{float(best['mpps']):.2f}", f"{float(best['gbps']):.1f}"]


def peers_table(rows):
    """64 bytes, by case and backend, with and without company."""
    for case in ("encrypt", "decrypt"):
        for name in dict.fromkeys([names_in(rows)[0], "ipsecmb"]):
            of = {r["peers"]: r for r in rows if r["case"] == case and r["bytes"] == "64"
                  and r["backend"] == name and r["outer"] == "4" and r["burst"] == "32"}
            yield [case, name, *(f"{clk(of[p]):.0f}" for p in PEERS)]


def limit_table(rows):
    for r in rows:
        yield [r["limit"], r["chacha_block_clk"], r["poly_block_clk"],
               *(f"{float(v):.0f}" for k, v in r.items() if k.startswith("clk_"))]


def bars_block(out, name):
    file = out / f"bars-{name}.txt"
    if file.is_file():
        yield from ["", f"What was promised, `perf/run {name} --bars`:", "", "```", *file.read_text().splitlines(), "```"]


def aead_part(out, rows):
    names = names_in(rows)
    yield from ["", "### Seal and open", "", "![clk by size](performance/aead-size.svg)", "",
                "![times faster than ipsec-mb](performance/aead-ratio.svg)"]
    for direction in ("seal", "open"):
        yield from ["", f"clk per packet, {direction}, bursts of 64 (times faster than ipsecmb); "
                    "the last two columns are avx512 over its limits. `perf/run aead --csv`:", ""]
        yield from table(["bytes", *names, "/ limit", "/ limit2"], aead_table(rows, direction, "64"))
    yield from ["", "### Short bursts", "", "![clk by burst](performance/aead-burst.svg)"]
    for direction in ("seal", "open"):
        yield from ["", f"clk per packet of 64 bytes, {direction}. "
                    f"`perf/run aead --csv --bytes 64 --burst {BURSTS}`:", ""]
        yield from table(["burst", *(n for n in names if not n.startswith("limit"))],
                         burst_table(rows, direction))
    yield from bars_block(out, "aead")


def limit_part(rows):
    sizes = [k[4:] + " B" for k in rows[0] if k.startswith("clk_")]
    yield from ["", "### The component limit", "", "clk of one block, and the sum of a packet's "
                "blocks by its size. `perf/run limit`:", ""]
    yield from table(["limit", "ChaCha20", "Poly1305", *sizes], limit_table(rows))


def pipeline_part(out, rows):
    names = names_in(rows)
    yield from ["", "### The whole path", "", "![clk by size](performance/pipeline-size.svg)"]
    for case in ("encrypt", "decrypt"):
        yield from ["", f"clk per packet, {case}, one peer, IPv4 outside, bursts of 32 (share of "
                    f"ipsecmb's); rates of {names[0]}. `perf/run pipeline --csv`:", ""]
        yield from table(["inner bytes", *names, "Mpps", "Gbit/s"], pipeline_table(rows, case))
    yield from ["", "clk per packet of 64 bytes, to peers in random order. "
                "`perf/run pipeline --csv --bytes 64`:", ""]
    yield from table(["case", "backend", "1 peer", "1000", "10,000"], peers_table(rows))
    yield from bars_block(out, "pipeline")


def tables(out, facts):
    yield from ["### Machine", ""]
    yield from table(["", ""], facts.items())
    yield from aead_part(out, rows_of(out, "aead"))
    yield from limit_part(rows_of(out, "limit"))
    yield from pipeline_part(out, rows_of(out, "pipeline"))
