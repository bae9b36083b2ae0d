#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""[Peer] sections for `wg syncconf`, on stdout:  peers.py COUNT [SEED]

Peer i has a key of its own, which SEED and i decide, the address 172.16.0.0 + i and one of IPv6.
"""
import base64
import hashlib
import ipaddress
import sys


def main():
    count = int(sys.argv[1])
    seed = sys.argv[2] if len(sys.argv) > 2 else ""
    v4 = ipaddress.IPv4Address("172.16.0.0")
    v6 = ipaddress.IPv6Address("fd77::")
    for i in range(count):
        key = hashlib.sha256(f"{seed} {i}".encode()).digest()
        print("[Peer]")
        print("PublicKey =", base64.b64encode(key).decode())
        print(f"AllowedIPs = {v4 + i}/32, {v6 + i}/128\n")


main()
