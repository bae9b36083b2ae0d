#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A flow of numbered UDP packets, and the account of what became of them.

  flow.py sink --port P            waits for a flow, then prints one line of JSON:
                                   received, unique, duplicates, reordered, longest_gap_ms
  flow.py source --to A --port P --rate N --seconds S    prints how many it sent

The sink prints "listening" first. It ends once its flow has been silent for --quiet seconds,
or after --wait seconds without any packet.
"""
import argparse
import json
import socket
import struct
import sys
import time

HEAD = struct.Struct("!QQ")  # number, flow
SO_RCVBUFFORCE = 33


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def sink(args):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    s.bind(("::", args.port))
    print("listening", flush=True)

    seen = set()
    duplicates = reordered = 0
    highest = -1
    gap = 0.0
    last = None
    sources = []
    stamps = open(args.stamps, "w") if args.stamps else None
    s.settimeout(args.wait)
    while True:
        try:
            data, address = s.recvfrom(2048)
        except socket.timeout:
            break
        now = time.monotonic()
        number, _ = HEAD.unpack_from(data)
        if last is not None:
            gap = max(gap, now - last)
        last = now
        if stamps:
            print(f"{time.time():.6f}", file=stamps, flush=True)
        if number in seen:
            duplicates += 1
        elif number < highest:
            reordered += 1
        seen.add(number)
        highest = max(highest, number)
        if address[0] not in sources:
            sources.append(address[0])
        s.settimeout(args.quiet)
    print(json.dumps({
        "received": len(seen) + duplicates, "unique": len(seen), "duplicates": duplicates,
        "reordered": reordered, "longest_gap_ms": int(gap * 1000), "sources": sources,
    }))


def source(args):
    s = socket.socket(family_of(args.to), socket.SOCK_DGRAM)
    if args.bind:
        s.bind((args.bind, 0))
    body = bytes(max(0, args.size - HEAD.size))
    count = int(args.rate * args.seconds)
    refused = 0
    start = time.monotonic()
    for number in range(count):
        ahead = start + number / args.rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        try:
            s.sendto(HEAD.pack(number, 0) + body, (args.to, args.port))
        except OSError:
            refused += 1
    print(count - refused)


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = p.add_subparsers(dest="role", required=True)
    k = sub.add_parser("sink")
    k.add_argument("--port", type=int, default=7000)
    k.add_argument("--quiet", type=float, default=2.0)
    k.add_argument("--wait", type=float, default=20.0)
    k.add_argument("--stamps", default="", help="a file for when each packet came")
    c = sub.add_parser("source")
    c.add_argument("--to", required=True)
    c.add_argument("--port", type=int, default=7000)
    c.add_argument("--rate", type=float, default=500.0)
    c.add_argument("--seconds", type=float, default=3.0)
    c.add_argument("--size", type=int, default=200)
    c.add_argument("--bind", default="")
    args = p.parse_args()
    return sink(args) if args.role == "sink" else source(args)


if __name__ == "__main__":
    sys.exit(main())
