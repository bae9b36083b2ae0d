#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Single packets that no ordinary program sends, and whether they arrive as they were sent.

  packet.py send KIND SRC DST [SECONDS]   sends one of KIND twice a second
  packet.py catch KIND SRC DST NETDEV     waits for it; its bytes are as sent, but for the hop count
  packet.py kinds 4|6                     the names of all kinds of a family
  packet.py too-big SRC DST PEER MTU      a router's lie: a message of DST's to PEER exceeded MTU
"""
import socket
import struct
import sys
import time

UDP = 17
MARK = b"headgate-test-"
ETH_P_ALL = 3


def checksum(data):
    data += b"\0" * (len(data) & 1)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pad_options(next_header, n_bytes):
    """A hop-by-hop or destination options header of nothing but PadN."""
    return bytes([next_header, n_bytes // 8 - 1, 1, n_bytes - 4]) + bytes(n_bytes - 4)


def fragment(next_header, offset, more):
    return struct.pack("!BBHI", next_header, 0, offset | more, 0x1234567)


# Name: protocol of the first header, and the headers in front of UDP.
CHAINS = {
    "hop-by-hop": (0, pad_options(UDP, 8)),
    "destination": (60, pad_options(UDP, 24)),
    "routing": (43, bytes([UDP, 2, 4, 0]) + bytes(20)),
    "ah": (51, bytes([UDP, 4, 0, 0]) + bytes(20)),
    "several": (0, pad_options(60, 8) + pad_options(43, 16) + bytes([UDP, 0, 253, 0]) + bytes(4)),
    "long": (60, pad_options(60, 8) * 20 + pad_options(UDP, 8)),
    "first-fragment": (44, fragment(UDP, 0, 1)),
    "later-fragment": (44, fragment(UDP, 640, 0)),
    "atomic-fragment": (44, fragment(UDP, 0, 0)),
    "unknown": (253, b""),
    "broken": (60, bytes([60, 200]) + bytes(6)),
}

# Name: protocol, options, the field of flags and fragment offset.
V4 = {
    "no-operation": (UDP, b"\1" * 8, 0),
    "router-alert": (UDP, bytes([148, 4, 0, 0]), 0),
    "record-route": (UDP, bytes([7, 11, 4]) + bytes(8) + b"\0", 0x4000),
    "all-options": (UDP, b"\1" * 40, 0),
    "broken-option": (UDP, bytes([7, 0, 0, 0]), 0),
    "first-fragment": (UDP, b"", 0x2000),
    "later-fragment": (UDP, b"", 80),
    "unknown": (253, b"", 0),
    "ah": (51, b"", 0),
}


def udp(name):
    body = MARK + name.encode() + bytes(48)
    return struct.pack("!HHHH", 4444, 5555, 8 + len(body), 0) + body


def packet_v6(name, src, dst):
    proto, chain = CHAINS[name]
    body = chain + udp(name)
    addresses = socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst)
    return struct.pack("!IHBB", 6 << 28, len(body), proto, 64) + addresses + body


def packet_v4(name, src, dst):
    proto, options, field = V4[name]
    body = udp(name)
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(body), 0x4242, field, 64,
                       proto, 0)
    head += socket.inet_aton(src) + socket.inet_aton(dst) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def make(name, src, dst):
    return packet_v6(name, src, dst) if ":" in src else packet_v4(name, src, dst)


def raw_socket(dst):
    family = socket.AF_INET6 if ":" in dst else socket.AF_INET
    return socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)


def send(name, src, dst, seconds=1.0):
    end = time.monotonic() + float(seconds)
    with raw_socket(dst) as s:
        while time.monotonic() < end:
            s.sendto(make(name, src, dst), (dst, 0))
            time.sleep(0.2)


def without_hops(packet):
    """Hop count and, in IPv4, the checksum that covers it set to zero."""
    p = bytearray(packet)
    if p[0] >> 4 == 6:
        p[7] = 0
    else:
        p[8] = p[10] = p[11] = 0
    return bytes(p)


def catch(name, src, dst, netdev):
    expected = without_hops(make(name, src, dst))
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL)) as s:
        s.bind((netdev, 0))
        s.settimeout(6)
        print("listening", flush=True)
        while True:
            got = s.recv(65535)
            if MARK + name.encode() + b"\0" not in got:
                continue
            # Record route is filled in by no router of ours; a wrong checksum would show.
            if got[0] >> 4 == 4 and checksum(got[: (got[0] & 15) * 4]):
                sys.exit("its header checksum is wrong")
            if without_hops(got) != expected:
                sys.exit(f"changed:\n{got.hex()}\n{expected.hex()}")
            print("caught", flush=True)
            return


def too_big(src, dst, peer, mtu):
    quote = struct.pack("!IHBB", 6 << 28, 1408, UDP, 60)
    quote += socket.inet_pton(socket.AF_INET6, dst) + socket.inet_pton(socket.AF_INET6, peer)
    quote += struct.pack("!HHHH", 51820, 51820, 1408, 0) + struct.pack("<IIQ", 4, 0x7F7F7F7F, 9)
    quote += bytes(1000)
    # The kernel fills in the checksum of raw ICMPv6 sockets.
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
        s.bind((src, 0))
        s.sendto(struct.pack("!BBHI", 2, 0, 0, int(mtu)) + quote, (dst, 0))


def kinds(family):
    print("\n".join(CHAINS if family == "6" else V4))


def main():
    verbs = {"send": send, "catch": catch, "kinds": kinds, "too-big": too_big}
    if len(sys.argv) < 3 or sys.argv[1] not in verbs:
        sys.exit(__doc__)
    verbs[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
