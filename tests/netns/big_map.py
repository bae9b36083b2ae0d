#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Map messages with many nodes that nobody runs, for tests/netns/tailnet_large.sh.

  big_map.py whole N FILE…   all of N nodes, and the nodes in the files (JSON)
  big_map.py change N ROUND  each of N nodes has another endpoint
"""
import hashlib
import json
import sys


def key(kind, *what):
    return kind + hashlib.sha256(repr(what).encode()).hexdigest()


def node(n):
    address = f"100.{80 + (n >> 16)}.{n >> 8 & 255}.{n & 255}/32"
    return {
        "ID": 10000 + n, "StableID": f"big{n}", "Name": f"big{n}.tail.test.", "User": 1,
        "Key": key("nodekey:", "node", n), "Machine": key("mkey:", "machine", n),
        "DiscoKey": key("discokey:", "disco", n), "Addresses": [address],
        "AllowedIPs": [address], "Endpoints": [f"198.51.100.{1 + n % 250}:{1024 + n % 60000}"],
        "HomeDERP": 1, "MachineAuthorized": True, "Online": True,
        "Hostinfo": {"OS": "linux", "Hostname": f"big{n}", "OSVersion": "6.1.0", "Services": [
            {"Proto": "peerapi4", "Port": 1000}, {"Proto": "peerapi6", "Port": 1}],
            "NetInfo": {"WorkingUDP": True, "PreferredDERP": 1,
                        "DERPLatency": {"1-v4": 0.001}}},
    }


def main():
    kind, n = sys.argv[1], int(sys.argv[2])
    if kind == "whole":
        peers = [json.load(open(name)) for name in sys.argv[3:]] + [node(i) for i in range(n)]
        message = {"Peers": sorted(peers, key=lambda p: p["ID"])}
    else:
        endpoint = f"198.51.100.251:{1024 + int(sys.argv[3])}"
        message = {"PeersChangedPatch": [
            {"NodeID": 10000 + i, "Endpoints": [endpoint]} for i in range(n)]}
    json.dump(message, sys.stdout, separators=(",", ":"))


main()
