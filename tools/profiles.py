#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Put drivers-config/*.conf into lib/port as C strings. Usage: profiles.py OUT FILE..."""
import os
import sys


def c_string(text):
    lines = text.encode("ascii").decode().splitlines()
    quoted = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return "\n".join(f'\t"{line}\\n"' for line in quoted)


def main(out, files):
    with open(out, "w", encoding="utf-8") as f:
        for path in sorted(files):
            name = os.path.splitext(os.path.basename(path))[0]
            with open(path, encoding="ascii") as profile:
                f.write(f'{{"{name}",\n{c_string(profile.read())}}},\n')


main(sys.argv[1], sys.argv[2:])
