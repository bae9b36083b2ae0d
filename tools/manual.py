#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Man pages and completions from what the built programs say of themselves (--describe):

    tools/manual.py OUTPUT TEMPLATE PROGRAM...

A template is prose with lines @OPTIONS program@, @COMMANDS@, @KEYS@, @DROPS@ (man pages) and
@WORDS@, @OPTIONS program@, @COMMANDS@ (completions), each of which is replaced by its table. The
template's name tells which: NAME.8.in is a man page, NAME.bash.in and NAME.zsh.in are completions.
"""
import json
import pathlib
import re
import subprocess
import sys


def roff(text):
    """Text as it stands, whatever roff would make of it."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return re.sub(r"^\.", r"\\&.", text, flags=re.M)


def man_options(rows):
    for o in rows:
        names = ", ".join(f"\\fB{roff(n)}\\fR" for n in (o["brief"], o["name"]) if n)
        yield ".TP"
        yield names + (f" \\fI{roff(o['value'])}\\fR" if o["value"] else "")
        yield sentence(o["help"]) + (f" With {listing(o['commands'])} only." if o["commands"] else "")


def listing(names):
    return " and ".join(f"\\fB{roff(n)}\\fR" for n in names.split())


def sentence(text):
    return roff(text[0].upper() + text[1:] + ("" if text.endswith(".") else "."))


def man_commands(rows):
    for c in rows:
        yield ".TP"
        yield f"\\fB{c['name']}\\fR {roff(c['words'])}".rstrip()
        yield sentence(c["help"])


def man_keys(rows):
    section = None
    for k in rows:
        if k["section"] != section:
            section = k["section"]
            yield f".SS [{section}{' ' + k['argument'] if k['argument'] else ''}]"
            yield sentence(k["section_help"])
        yield ".TP"
        yield f"\\fB{k['key']}\\fR = \\fI{roff(k['expects'])}\\fR"
        yield sentence(k["help"])
        if k["example"] and not k["example"].startswith("("):
            yield f"Example: \\fB{roff(k['key'] + ' = ' + k['example'])}\\fR"


def man_drops(rows):
    for d in rows:
        yield ".TP"
        yield f"\\fB{roff(d['name'])}\\fR"
        yield sentence(d["why"])


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def bash_options(rows):
    """NAME[,BRIEF] VALUE COMMANDS, a line each, for the script to look into."""
    for o in rows:
        names = ",".join(n for n in (o["name"], o["brief"]) if n)
        value = re.sub(r"[^A-Z]+", "-", o["value"]) if o["value"] else "."
        yield f"\t{names} {value} {(o['commands'] or '').replace(' ', ',') or '.'}"


def zsh_options(rows):
    for o in rows:
        for name in (o["brief"], o["name"]):
            if name:
                what = o["help"].replace("[", "(").replace("]", ")").replace(":", "\\:")
                yield "\t" + quoted(f"{name}[{what}]" + (f":{o['value']}:{zsh_values(o)}" if o["value"] else ""))


def zsh_values(option):
    if option["value"] in ("FILE", "PATH"):
        return "_files"
    words = words_of(option)
    return f"({words})" if words else " "


def words_of(option):
    """The values that an option has as peer|port, or lists in its help: "error, warn or info"."""
    if "|" in (option["value"] or ""):
        return option["value"].replace("|", " ")
    found = re.search(r"(?:^|: )(\w+(?:, \w+)* or \w+)$", option["help"])
    return " ".join(re.split(r", | or ", found.group(1))) if found else ""


def bash_words(rows):
    for o in rows:
        if o["value"] and words_of(o):
            yield f"\t{o['name']} {words_of(o)}"


MAN = {"OPTIONS": man_options, "COMMANDS": man_commands, "KEYS": man_keys, "DROPS": man_drops}
BASH = {"OPTIONS": bash_options, "WORDS": bash_words, "DROPS": lambda rows: ["\t" + d["name"] for d in rows],
        "COMMANDS": lambda rows: ["\t" + c["name"] for c in rows]}
ZSH = {"OPTIONS": zsh_options,
       "COMMANDS": lambda rows: ["\t" + quoted(f"{c['name']}:{c['help']}") for c in rows]}


def dialect(template):
    return BASH if ".bash" in template else ZSH if ".zsh" in template else MAN


def table(said, kind, program):
    """The rows that a marker names: of the program it names, or of the one that has such rows."""
    key = "options" if kind == "WORDS" else kind.lower()
    for name, described in said.items():
        if key in described and program in ("", name):
            return described[key]
    raise SystemExit(f"manual.py: no program here tells of {kind} {program}")


def expand(line, said, makers):
    found = re.fullmatch(r"@(OPTIONS|WORDS|COMMANDS|KEYS|DROPS) ?(\w*)@", line)
    if found:
        yield from makers[found.group(1)](table(said, found.group(1), found.group(2)))
    else:
        version = next(iter(said.values()))["version"]
        yield line.replace("@VERSION@", version)


def main():
    output, template, *programs = sys.argv[1:]
    said = {}
    for p in programs:
        out = subprocess.run([p, "--describe"], stdout=subprocess.PIPE, check=True).stdout
        described = json.loads(out)
        said[described["program"]] = described
    makers = dialect(pathlib.Path(template).name)
    lines = []
    for line in pathlib.Path(template).read_text().splitlines():
        lines += expand(line, said, makers)
    pathlib.Path(output).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
