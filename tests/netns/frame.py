#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sends frames that no kernel would.

  frame.py NETDEV --to MAC [--tag TCI]… [--type ETHERTYPE] [--cut N] [--count N] [--payload HEX]

Each --tag puts an 802.1Q tag in, outermost first; --cut ends the frame after N bytes. The payload
may be udp:SRC:DST, an IPv4 datagram of 26 bytes between those addresses.
"""
import argparse
import socket
import struct
import sys


def checksum(header):
    total = sum(struct.unpack("!10H", header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def datagram(source, destination):
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    body = struct.pack("!HHHH", 4000, 4001, 26, 0) + bytes(18)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 46, 0, 0, 64, 17, 0) + addresses
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + body


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    number = lambda text: int(text, 0)
    p.add_argument("netdev")
    p.add_argument("--to", required=True)
    p.add_argument("--tag", type=number, action="append", default=[])
    p.add_argument("--type", type=number, default=0x0800)
    p.add_argument("--cut", type=number)
    p.add_argument("--count", type=number, default=1)
    p.add_argument("--payload", default="")
    args = p.parse_args()
    if args.payload.startswith("udp:"):
        payload = datagram(*args.payload.split(":")[1:])
    else:
        payload = bytes.fromhex(args.payload)
    frame = bytes.fromhex(args.to.replace(":", "")) + bytes.fromhex("020000000099")
    for tci in args.tag:
        frame += struct.pack("!HH", 0x8100, tci)
    frame += args.type.to_bytes(2, "big") + payload
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((args.netdev, 0))
    for _ in range(args.count):
        s.send(frame[:args.cut])


if __name__ == "__main__":
    sys.exit(main())
