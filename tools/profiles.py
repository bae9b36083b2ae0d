#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Turn drivers-config/*.conf into the rows of lib/port's table. Usage: profiles.py OUT FILE..."""
import os
import sys

KEYS = {
    "rx_descriptors": int, "tx_descriptors": int, "max_queues": int,
    "virtual": lambda v: {"yes": True, "no": False}[v],
    "netdev_argument": str, "devargs": str, "note": str,
}


def parse(path):
    row = {}
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        key, _, value = (part.strip() for part in line.partition("="))
        if key not in KEYS:
            sys.exit(f"{path}:{number}: unknown key '{key}'; known: {', '.join(KEYS)}")
        try:
            row[key] = KEYS[key](value)
        except (ValueError, KeyError):
            sys.exit(f"{path}:{number}: bad value '{value}' for {key}")
    return row


def c_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else '"%s"' % value.replace('"', '\\"')


def main(out, files):
    with open(out, "w", encoding="utf-8") as f:
        for path in sorted(files):
            name = os.path.splitext(os.path.basename(path))[0]
            fields = "".join(f", .{k} = {c_value(v)}" for k, v in parse(path).items())
            f.write(f'{{.driver = "{name}"{fields.replace(".virtual", ".is_virtual")}}},\n')


main(sys.argv[1], sys.argv[2:])
