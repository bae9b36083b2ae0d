#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A bad wire: joins two netdevs and does to the WireGuard packets what wires do.

  wire_bridge.py LEFT RIGHT [--drop P] [--dup P] [--reorder P] [--corrupt P] [--options]

P is a share between 0 and 1, of WireGuard transport packets (type 4) only, so that handshakes
pass. A reordered packet is held back until --distance later ones have gone by, or 20 ms.
A corrupted one has one bit of its ciphertext turned. With --options each WireGuard packet of
every type gets IPv4 options or an IPv6 destination options header outside. Every WireGuard packet of every type is
also recorded (the last --record of them); SIGUSR1 sends the whole record once more, each
packet in its own direction. SIGTERM prints one line of JSON with what was done, and ends.
"""
import argparse
import collections
import json
import random
import select
import signal
import socket
import sys
import time

ETH_P_ALL = 3
PACKET_OUTGOING = 4
WG_PORT = 51820


def udp_offset(frame):
    """Where the UDP header of an IPv4 or IPv6 frame begins, or 0."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and len(frame) > 34 and frame[23] == 17:
        return 14 + (frame[14] & 15) * 4
    if kind == b"\x86\xdd" and len(frame) > 54 and frame[20] == 17:
        return 54
    return 0


def wireguard_type(frame):
    """1 to 4 for a WireGuard message, else 0."""
    at = udp_offset(frame)
    if not at or len(frame) < at + 12:
        return 0
    ports = (int.from_bytes(frame[at:at + 2], "big"), int.from_bytes(frame[at + 2:at + 4], "big"))
    if WG_PORT not in ports or frame[at + 9:at + 12] != b"\0\0\0":
        return 0
    return frame[at + 8] if 1 <= frame[at + 8] <= 4 else 0


def udp_checksum(frame, at):
    """The UDP checksum over what the frame now holds."""
    if frame[12:14] == b"\x08\x00":
        addresses = bytes(frame[26:34])
        end = 14 + int.from_bytes(frame[16:18], "big")
    else:
        addresses = bytes(frame[22:54])
        end = 54 + int.from_bytes(frame[18:20], "big")
    body = bytes(frame[at:at + 6]) + b"\0\0" + bytes(frame[at + 8:end])
    data = addresses + b"\0\x11" + len(body).to_bytes(2, "big") + body
    data += b"\0" * (len(data) & 1)
    total = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return (~total & 0xffff) or 0xffff


def corrupted(frame):
    """One bit of the ciphertext turned, the UDP checksum right again."""
    frame = bytearray(frame)
    at = udp_offset(frame)
    end = at + int.from_bytes(frame[at + 4:at + 6], "big")
    where = random.randrange(at + 8 + 16, end)
    frame[where] ^= 1 << random.randrange(8)
    frame[at + 6:at + 8] = udp_checksum(frame, at).to_bytes(2, "big")
    return bytes(frame)


def with_options(frame):
    """Eight bytes of options that say nothing, between the IP and the UDP header."""
    f = bytearray(frame)
    if f[12:14] == b"\x86\xdd":
        f[18:20] = (int.from_bytes(f[18:20], "big") + 8).to_bytes(2, "big")
        f[20] = 60
        return bytes(f[:54]) + b"\x11\0\1\4\0\0\0\0" + bytes(f[54:])
    end = 14 + (f[14] & 15) * 4
    f[14] += 2
    f[16:18] = (int.from_bytes(f[16:18], "big") + 8).to_bytes(2, "big")
    f[24:26] = b"\0\0"
    head = bytes(f[14:end]) + b"\1" * 8
    total = sum(int.from_bytes(head[i:i + 2], "big") for i in range(0, len(head), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    head = head[:10] + (~total & 0xffff).to_bytes(2, "big") + head[12:]
    return bytes(f[:14]) + head + bytes(f[end:])


class Side:
    def __init__(self, netdev):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
        self.socket.bind((netdev, 0))
        self.socket.setblocking(False)
        self.other = None
        self.held = []  # [frame, packets still to pass it, deadline]

    def send(self, frame):
        try:
            self.socket.send(frame)
        except OSError:
            pass  # the other end is down or its queue is full: a wire loses that


class Bridge:
    def __init__(self, args):
        self.args = args
        self.left, self.right = Side(args.left), Side(args.right)
        self.left.other, self.right.other = self.right, self.left
        self.record = collections.deque(maxlen=args.record)
        self.count = collections.Counter()
        self.replay = self.ended = False
        signal.signal(signal.SIGUSR1, lambda *_: setattr(self, "replay", True))
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "ended", True))

    def run(self):
        print("joined", flush=True)
        sides = {s.socket: s for s in (self.left, self.right)}
        while not self.ended:
            ready, _, _ = select.select(list(sides), [], [], 0.01)
            for s in ready:
                self.drain(sides[s])
            for side in sides.values():
                self.release(side, 0)
            if self.replay:
                self.send_record()
        print(json.dumps(self.count), flush=True)

    def drain(self, side):
        for _ in range(64):
            try:
                frame, address = side.socket.recvfrom(65535)
            except OSError:
                return
            if address[2] != PACKET_OUTGOING:
                self.forward(frame, side.other)

    def forward(self, frame, out):
        kind = wireguard_type(frame)
        if kind:
            self.record.append((frame, out))
            self.count["wireguard"] += 1
            if self.args.options:
                frame = with_options(frame)
        if kind != 4:
            out.send(frame)
            return
        a = self.args
        if random.random() < a.drop:
            self.count["dropped"] += 1
            return
        if random.random() < a.corrupt:
            self.count["corrupted"] += 1
            frame = corrupted(frame)
        if random.random() < a.reorder:
            self.count["reordered"] += 1
            out.held.append([frame, random.randint(1, a.distance), time.monotonic() + 0.02])
            return
        out.send(frame)
        if random.random() < a.dup:
            self.count["duplicated"] += 1
            out.send(frame)
        self.release(out, 1)

    def release(self, out, passed):
        """Packets held back go once enough others have passed, or their time is over."""
        now = time.monotonic()
        kept = []
        for entry in out.held:
            entry[1] -= passed
            if entry[1] <= 0 or now >= entry[2]:
                out.send(entry[0])
            else:
                kept.append(entry)
        out.held = kept

    def send_record(self):
        self.replay = False
        for frame, out in list(self.record):
            out.send(frame)
            self.count["replayed"] += 1
        print("replayed", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("left")
    p.add_argument("right")
    for name in ("drop", "dup", "reorder", "corrupt"):
        p.add_argument("--" + name, type=float, default=0.0)
    p.add_argument("--options", action="store_true")
    p.add_argument("--distance", type=int, default=20)
    p.add_argument("--record", type=int, default=2000)
    Bridge(p.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
