#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Looks for keys where none may be:  secrets.py KEYS FILE...

KEYS holds base64 keys, one a line. Each is looked for in every file: as base64, as hexadecimal in
either case, and as bytes. Prints what was found and exits 1, else says how much it looked at.

    secrets.py telemetry SOCKET   prints all that DPDK's telemetry answers under /headgate
"""
import base64
import json
import pathlib
import socket
import sys


def forms(key):
    raw = base64.b64decode(key)
    # without its last characters, which a cut-off line may have lost
    return {key[:40].encode(): "base64", raw.hex()[:60].encode(): "hex",
            raw.hex().upper()[:60].encode(): "HEX", raw[:24]: "bytes"}


def look(keys, files):
    found = 0
    for name in files:
        data = pathlib.Path(name).read_bytes()
        for number, key in enumerate(keys, 1):
            for form, kind in forms(key).items():
                if form in data:
                    print(f"{name}: key {number} as {kind}")
                    found += 1
    print(f"{len(keys)} keys, {len(files)} files, {sum(pathlib.Path(f).stat().st_size for f in files)} bytes")
    return 1 if found or not keys else 0


def telemetry(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(path)
    s.recv(4096)

    def ask(command):
        s.send(command.encode())
        return s.recv(1 << 20).decode()

    for command in json.loads(ask("/"))["/"]:
        if command.startswith("/headgate"):
            print(ask(command))


if __name__ == "__main__":
    if sys.argv[1] == "telemetry":
        telemetry(sys.argv[2])
    else:
        sys.exit(look(pathlib.Path(sys.argv[1]).read_text().split(), sys.argv[2:]))
