#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads a pcapng file block by block, strictly:  pcapng.py FILE

A line a packet: interface, direction, bytes on the wire, captured bytes, comment. tcpdump, which
reads it otherwise, takes only files whose interfaces are all of one kind.
"""
import struct
import sys

DIRECTIONS = {1: "in", 2: "out"}


def blocks(data):
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        assert size % 4 == 0 and at + size <= len(data), f"block at {at} is cut off"
        assert struct.unpack_from("<I", data, at + size - 4)[0] == size, f"block at {at}: its end"
        yield kind, data[at + 8 : at + size - 4]
        at += size


def options(data):
    found = {}
    while data:
        code, size = struct.unpack_from("<HH", data)
        if code == 0:
            assert len(data) == 4, "options go on after their end"
            return found
        found[code] = data[4 : 4 + size]
        data = data[4 + (size + 3 & ~3) :]
    raise AssertionError("options have no end")


def main():
    names, stamp = [], 0
    for place, (kind, body) in enumerate(blocks(open(sys.argv[1], "rb").read())):
        assert (kind == 0x0A0D0D0A) == (place == 0), "a section stands first, and only there"
        if kind == 0x0A0D0D0A:
            assert body[:8] == struct.pack("<IHH", 0x1A2B3C4D, 1, 0), "byte order or version"
        elif kind == 1:
            link, _, _ = struct.unpack_from("<HHI", body)
            assert link in (1, 101) and options(body[8:])[9] == b"\x09", "link type or resolution"
            names.append(options(body[8:])[2].decode())
        elif kind == 6:
            i, high, low, caught, wire = struct.unpack_from("<IIIII", body)
            found = options(body[20 + (caught + 3 & ~3) :])
            assert caught <= wire, "more bytes than there were"
            stamp = high << 32 | low
            assert 1_600_000_000 < stamp / 1e9 < 10_000_000_000, "no time of day"
            direction = DIRECTIONS[struct.unpack("<I", found[2])[0] & 3]
            print(names[i], direction, wire, caught, found.get(1, b"").decode())
        else:
            assert kind == 5, f"a block of type {kind}"


main()
