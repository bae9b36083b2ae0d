#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sends IPv4 datagrams with whatever source: inject.py NETDEV SOURCE DESTINATION [COUNT]

Straight into the netdev, which may be a tunnel's, past all routes and rules.
"""
import socket
import struct
import sys


def checksum(header):
    total = sum(struct.unpack("!10H", header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


netdev, source, destination = sys.argv[1:4]
count = int(sys.argv[4]) if len(sys.argv) > 4 else 1
head = struct.pack("!BBHHHBBH", 0x45, 0, 48, 0, 0, 64, 17, 0)
head += socket.inet_aton(source) + socket.inet_aton(destination)
head = head[:10] + checksum(head).to_bytes(2, "big") + head[12:]
packet = head + struct.pack("!HHHH", 4000, 4001, 28, 0) + bytes(20)
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
for _ in range(count):
    s.sendto(packet, (netdev, 0x0800))
