#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Policies of a tailnet and what is asked under each: what tailnet_policy.sh goes through.

  policies.py names
  policies.py headscale NAME [KEY=ADDRESS…]    the policy as a file for headscale
  policies.py control NAME [KEY=ADDRESS…]      what headscale makes of it, as a MapResponse
  policies.py probes SOURCE [KEY=ADDRESS…]     lines for probe.py ask
  policies.py canary NAME                      a port of the router that this policy alone opens
  policies.py compare FOLDER A B [NAME…]       what A let through beside what B did, a table

Keys: c1 and c2, two clients, gw, the router, each with a 6 behind it for IPv6. c1 is of user lab@,
c2 has tag:cli, gw tag:gw. Most policies were recorded together with what a real headscale made of
them for a router with 192.168.50.0/24 (tests/vectors/tailnet); here its LAN is 192.168.10.0/24.
"""
import json
import pathlib
import sys

VECTORS = pathlib.Path(__file__).parent.parent / "vectors/tailnet"
RECORDED = [
    "empty-acls", "user-to-lan-ports", "grant-ip+subnet-as-src",
    "proto-icmp+proto-gre-sctp-num", "hosts-and-group", "autogroup-tagged-member",
    "wildcard-dst-port",
]
LAST = "allow-all-star"  # under it each canary answers
# What the recorded names and addresses are here.
HERE = [
    ("fd7a:115c:a1e0::1-fd7a:115c:a1e0::3", "{c16}"),
    ("100.64.0.1-100.64.0.3", "{c1}"),
    ("fd7a:115c:a1e0::1f", "{gw6}"),
    ("100.64.0.31", "{gw}"),
    ("192.168.50.", "192.168.10."),
]

SOURCES = {"user": ["{c1}", "{c16}"], "tag": ["{c2}", "{c26}"], "all": ["*"]}


def rule(source, to, first, last=None, proto=None):
    ports = {"First": first, "Last": first if last is None else last}
    r = {"SrcIPs": SOURCES[source], "DstPorts": [{"IP": to, "Ports": ports}]}
    return r | ({"IPProto": proto} if proto else {})


def accept(source, to, proto=None):
    r = {"action": "accept", "src": [source], "dst": [to]}
    return r | ({"proto": proto} if proto else {})


# Forms of rule that no recording has: name -> (acls for headscale, the same as filter rules).
OWN = {
    "prefixes-and-ranges": (
        [accept("tag:cli", "box:8000-8100"), accept("lab@", "box6:22"), accept("lab@", "half:80"),
         accept("tag:cli", "net6:5000-5010"), accept("lab@", "box:53", "udp")],
        [rule("tag", "192.168.10.8-192.168.10.11", 8000, 8100), rule("user", "fd00:10::10", 22),
         rule("user", "192.168.10.0/25", 80), rule("tag", "fd00:10::/64", 5000, 5010),
         rule("user", "192.168.10.10/32", 53, proto=[17])],
    ),
    "one-family-one-protocol": (
        [accept("lab@", "net6:*", "tcp"), accept("tag:cli", "net:*", "udp"),
         accept("tag:cli", "net6:*", "ipv6-icmp")],
        [rule("user", "fd00:10::/64", 0, 65535, [6]),
         rule("tag", "192.168.10.0/24", 0, 65535, [17]), rule("tag", "fd00:10::/64", 0, 65535, [58])],
    ),
}
HOSTS = {"box": "192.168.10.10/32", "half": "192.168.10.0/25", "net": "192.168.10.0/24",
         "box6": "fd00:10::10/128", "net6": "fd00:10::/64"}

LAN, LAN2, LAN6, GATEWAY_LAN = "192.168.10.10", "192.168.10.200", "fd00:10::10", "192.168.10.1"
# From each client: kind, where, ports.
FROM_CLIENT = [
    ("tcp", "{gw}", (22, 443, 9000)), ("tcp", LAN, (22, 80, 443, 8050, 9000)),
    ("tcp", LAN2, (80, 8050)), ("tcp", GATEWAY_LAN, (22,)),
    ("tcp", "{gw6}", (22, 443)), ("tcp", LAN6, (22, 80, 5005)),
    ("udp", "{gw}", (53, 443)), ("udp", LAN, (53, 80)), ("udp", "{gw6}", (53,)),
    ("udp", LAN6, (53, 5005)), ("big", LAN, (53,)), ("ping", "{gw}", (0,)), ("ping", LAN, (0,)), ("ping", LAN2, (0,)),
    ("ping", "{gw6}", (0,)), ("ping", LAN6, (0,)), ("ack", LAN, (9000,)),
    ("sctp", "{gw}", (5000, 5001)), ("sctp", LAN, (5000,)), ("ip47", "{gw}", (0,)),
    ("ip47", LAN, (0,)), ("ip2", "{gw}", (0,)),
]
FROM_LAN = [
    ("tcp", "{c1}", (22, 9000)), ("udp", "{c1}", (53,)), ("ping", "{c1}", (0,)),
    ("tcp", "{c2}", (22,)), ("tcp", "{c16}", (22,)), ("udp", "{c26}", (53,)), ("ping", "{c26}", (0,)),
]
SHORT = {"{gw}": "gw", "{gw6}": "gw6", LAN: "lan", LAN2: "lan2", LAN6: "lan6", GATEWAY_LAN: "gwlan",
         "{c1}": "c1", "{c16}": "c16", "{c2}": "c2", "{c26}": "c26"}


def names():
    return RECORDED + list(OWN) + [LAST]


def canary(name):
    """A port of the router that this policy alone opens: it answers once the policy is in force."""
    return 20000 + names().index(name)


def recordings(name):
    """Several joined by + are all in force at once, for rules only ever allow."""
    for part in name.split("+"):
        text = (VECTORS / f"policy-{part}.json").read_text()
        for there, here in HERE:
            text = text.replace(there, here)
        yield json.loads(text)


def filled(value, addresses):
    text = json.dumps(value)
    for key, address in addresses.items():
        text = text.replace("{%s}" % key, address)
    return text


def headscale(name):
    if name in OWN:
        policy = next(recordings(RECORDED[0]))["policy"] | {"acls": OWN[name][0], "hosts": HOSTS}
    else:
        policy, *more = (r["policy"] for r in recordings(name))
        policy["acls"] = sum((p["acls"] for p in more), policy.get("acls", []))
    door = {"action": "accept", "proto": "tcp", "src": ["lab@", "tag:cli"],
            "dst": [f"{GATEWAY_LAN}:{canary(name)}"]}
    policy["acls"] = policy.get("acls", []) + [door]
    policy["autoApprovers"]["routes"]["fd00:10::/64"] = ["tag:gw"]
    return policy


def control(name):
    rules = OWN[name][1] if name in OWN else sum(
        (r["PacketFilters"]["base"] for r in recordings(name)), [])
    rules = rules + [rule(who, GATEWAY_LAN, canary(name), proto=[6]) for who in ("user", "tag")]
    return {"PacketFilters": {"*": None, "base": rules}}


def probes(source):
    for kind, to, ports in FROM_LAN if source == "lan" else FROM_CLIENT:
        for port in ports:
            yield f"{source}:{kind}:{SHORT[to]}:{port}", f"{kind} {to} {port}"


def outcomes(folder, router, name):
    """probe -> '+' or '-'; what has no answer came through when its token was seen."""
    seen = "".join((folder / f"catch-{node}.log").read_text() for node in ("gw", "lan")).split()
    out = {}
    for source in ("c1", "c2", "lan"):
        for line in (folder / f"{router}-{name}-{source}").read_text().splitlines():
            probe, outcome = line.split()
            if outcome == "?":
                outcome = "+" if f"{router}-{name}/{probe}" in seen else "-"
            out[probe] = outcome
    return out


def compare(folder, a, b, only):
    wrong = 0
    tables = {n: (outcomes(folder, a, n), outcomes(folder, b, n)) for n in only or names()}
    for i, name in enumerate(tables):
        print(f"{chr(ord('A') + i)} = {name}")
    print(f"+ passes, - does not, through {a} and {b} alike; x: through {a} alone, y: through {b}")
    print(" " * 26 + " ".join(chr(ord("A") + i) for i in range(len(tables))))
    for probe in next(iter(tables.values()))[0]:
        row = []
        for was, now in tables.values():
            cell = was[probe] if was[probe] == now[probe] else "x" if was[probe] == "+" else "y"
            row.append(cell)
            wrong += cell in "xy"
        print(f"{probe:26}" + " ".join(row))
    cells = sum(len(was) for was, _ in tables.values())
    passing = sum(list(was.values()).count("+") for was, _ in tables.values())
    print(f"{cells} probes, {passing} pass through {a}, {wrong} differ through {b}")
    return 1 if wrong else 0


def main(what, *words):
    if what == "names":
        print("\n".join(names()))
    elif what == "canary":
        print(canary(words[0]))
    elif what == "compare":
        return compare(pathlib.Path(words[0]), words[1], words[2], words[3:])
    else:
        addresses = dict(w.split("=") for w in words[1:])
        if what == "probes":
            for probe, line in probes(words[0]):
                print(probe, json.loads(filled(line, addresses)))
        else:
            print(filled({"headscale": headscale, "control": control}[what](words[0]), addresses))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
