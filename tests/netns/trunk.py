#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A switch in user space, for kernels without 802.1Q: one trunk, a netdev for each VLAN on it.

  trunk.py TRUNK ID=NETDEV [ID=NETDEV…] [--priority P]

What comes in by a netdev leaves by the trunk with its VLAN's tag, and the other way without;
ID 0 is the trunk's untagged frames. Other VLANs' frames end here, each counted. With --priority
untagged frames get a priority tag (VLAN id 0) instead of none. Prints "joined" when it is
ready; SIGTERM prints one line of JSON, the frames from the trunk by VLAN id, and ends.
"""
import argparse
import collections
import json
import select
import signal
import socket
import struct
import sys

ETH_P_ALL = 3
ETH_P_8021Q = b"\x81\x00"
PACKET_OUTGOING = 4
SOL_PACKET = 263
PACKET_AUXDATA = 8
TP_STATUS_VLAN_VALID = 0x10
SO_RCVBUFFORCE = 33
AUXDATA = struct.Struct("IIIHHHH")  # struct tpacket_auxdata


def open_netdev(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    s.bind((name, 0))
    s.setblocking(False)
    return s


def receive(s):
    """The next frame as it was on the wire, or None; the kernel tells the tag apart."""
    while True:
        try:
            frame, extra, _, address = s.recvmsg(65535, 256)
        except OSError:
            return None
        if address[2] == PACKET_OUTGOING:
            continue
        for level, kind, data in extra:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, _ = AUXDATA.unpack_from(data)
                if status & TP_STATUS_VLAN_VALID:
                    frame = frame[:12] + ETH_P_8021Q + tci.to_bytes(2, "big") + frame[12:]
        return frame


def send(s, frame):
    try:
        s.send(frame)
    except OSError:
        pass  # the other end is down or its queue is full: a wire loses that


class Switch:
    def __init__(self, args):
        self.trunk = open_netdev(args.trunk)
        self.netdevs = {}
        for item in args.vlan:
            vlan, name = item.split("=")
            self.netdevs[int(vlan)] = open_netdev(name)
        self.priority = args.priority
        self.count = collections.Counter()
        self.ended = False
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "ended", True))

    def run(self):
        print("joined", flush=True)
        vlans = {s: vlan for vlan, s in self.netdevs.items()}
        while not self.ended:
            ready, _, _ = select.select([self.trunk, *vlans], [], [], 0.05)
            for s in ready:
                for _ in range(64):
                    frame = receive(s)
                    if frame is None:
                        break
                    if s is self.trunk:
                        self.from_trunk(frame)
                    else:
                        send(self.trunk, self.tagged(frame, vlans[s]))
        print(json.dumps(self.count), flush=True)

    def from_trunk(self, frame):
        vlan = 0
        if frame[12:14] == ETH_P_8021Q:
            vlan = int.from_bytes(frame[14:16], "big") & 0xfff
            frame = frame[:12] + frame[16:]
        self.count[vlan] += 1
        if vlan in self.netdevs:
            send(self.netdevs[vlan], frame)

    def tagged(self, frame, vlan):
        if not vlan and self.priority is None:
            return frame
        tci = vlan | (self.priority or 0) << 13
        return frame[:12] + ETH_P_8021Q + tci.to_bytes(2, "big") + frame[12:]


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("trunk")
    p.add_argument("vlan", nargs="+", metavar="ID=NETDEV")
    p.add_argument("--priority", type=int)
    Switch(p.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
