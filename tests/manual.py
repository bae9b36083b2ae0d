#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Man pages and completions are whole:  tests/manual.py DIRECTORY PROGRAM...

mandoc finds nothing to complain of in a page, what the programs declare (--describe) stands in it,
and bash completes it. Exit 77 when mandoc is missing.
"""
import json
import pathlib
import shutil
import subprocess
import sys

PAGES = ("headgated.8", "headgate.1", "headgate.conf.5")


def text_of(page):
    """As a person reads it, its lines joined."""
    out = subprocess.run(["mandoc", "-T", "ascii", page], capture_output=True, text=True)
    plain = []
    for c in out.stdout:  # "x\bx" is a bold x
        if c == "\b":
            plain.pop()
        else:
            plain.append(c)
    return " ".join("".join(plain).split())


def lint(page):
    out = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True)
    yield from out.stdout.splitlines()


def names(described):
    """(page, what must stand in it) of all that a program declares."""
    page = "headgated.8" if described["program"] == "headgated" else "headgate.1"
    for o in described["options"]:
        for name in (o["name"], o["brief"], o["value"]):
            if name:
                yield page, name
    for c in described.get("commands", []):
        yield page, c["name"] + (" " + c["words"] if c["words"] else "")
    for d in described.get("drops", []):
        yield page, d["name"]
        yield page, d["why"][1:]
    for k in described.get("keys", []):
        yield "headgate.conf.5", f"{k['key']} = {k['expects']}"
        yield "headgate.conf.5", k["help"][1:]


def complete(script, *words):
    """What bash offers for the last of the words."""
    line = " ".join("'%s'" % w for w in words)
    code = f"""source '{script}'
        COMP_WORDS=({line}) COMP_CWORD={len(words) - 1} COMPREPLY=()
        _{words[0]}
        printf '%s\\n' "${{COMPREPLY[@]}}" """
    out = subprocess.run(["bash", "-u", "-c", code], capture_output=True, text=True)
    return out.stderr.split() + out.stdout.split()


def check_completion(script, described):
    program = described["program"]
    for o in described["options"]:
        command = (o["commands"] or "").split()[:1]
        if o["name"] not in complete(script, program, *command, o["name"][:4]):
            yield f"{program} {o['name'][:4]}: does not complete to {o['name']}"
        for other in {c["name"] for c in described.get("commands", [])} - set((o["commands"] or "").split()):
            if o["commands"] and o["name"] in complete(script, program, other, o["name"]):
                yield f"{program} {other}: offers {o['name']}, which does not go with it"
        if "|" in (o["value"] or "") and complete(script, program, o["name"], "") != o["value"].split("|"):
            yield f"{program} {o['name']}: does not offer {o['value']}"
    for c in described.get("commands", []):
        if c["name"] not in complete(script, program, c["name"][:2]):
            yield f"{program} {c['name'][:2]}: does not complete to {c['name']}"
    if program == "headgated" and complete(script, program, "--log-level", "w") != ["warn"]:
        yield "headgated --log-level w: does not complete to warn"


def main():
    if not shutil.which("mandoc"):
        print("mandoc is missing")
        return 77
    here, found = pathlib.Path(sys.argv[1]), []
    pages = {p: text_of(here / p) for p in PAGES}
    for p in PAGES:
        found += lint(here / p)
        found += [f"{p}: a marker was left" for kind in ("@OPTIONS", "@COMMANDS", "@KEYS", "@DROPS") if kind in pages[p]]
    for program in sys.argv[2:]:
        described = json.loads(subprocess.run([program, "--describe"], stdout=subprocess.PIPE, check=True).stdout)
        found += [f"{page} does not tell of {what}" for page, what in names(described) if what not in pages[page]]
        found += check_completion(here / "headgate", described)
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
