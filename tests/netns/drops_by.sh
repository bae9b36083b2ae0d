#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Why was it dropped: by reason, by the port it came in by, by the peer it concerns, and how many a
# second.
#
#   a-lan ── a-gw [headgate] ───────────── b-gw [wireguard-go] ── b-lan
#       to 10.0.0.77, nobody's             also 172.16.9.9: not allowed; and garbage to a's port
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
on b-gw ip addr add 172.16.9.9/32 dev lo
expect pings a-lan "$(host4 b)"

counts() { # peer|port OWNER REASON -> count
	headgate_ctl a drops --by "$1" --json | python3 -c '
import json, sys
owner, reason = sys.argv[1:]
print(sum(d["count"] for d in json.load(sys.stdin) if d["name"] == reason and
          owner in (d.get("port"), d.get("public_key"), d.get("interface"))))' "$2" "$3"
}
counts_all() { # peer|port OWNER REASON COUNT
	[ "$(counts "$1" "$2" "$3")" -ge "$4" ]
}
garbage() { # to the ListenPort, no WireGuard message
	on b-gw bash -c "for i in {1..20}; do echo garbage >/dev/udp/$(wan4 a)/51820; done"
}
rate() { # REASON -> packets a second, over the last ten
	headgate_ctl a drops --json | python3 -c '
import json, sys
print(max(int(d["per_second_10s"] * 10) for d in json.load(sys.stdin) if d["name"] == sys.argv[1]))
' "$1"
}
has_rate() { [ "$(rate "$1")" -gt 0 ]; }

proves "what a peer sends from elsewhere is that peer's, and came out of the tunnel"
refuse on b-gw ping -q -n -c 5 -i 0.2 -W 1 -I 172.16.9.9 "$(host4 a)"
expect counts_all peer "$(public_key b)" wg-inner-source 5
expect counts_all port hg0 wg-inner-source 5
expect [ "$(counts port wan wg-inner-source)" -eq 0 ]

proves "what nobody sealed is no peer's, and came in by the port"
garbage
expect_within 5 counts_all port wan wg-type 20
expect [ "$(counts peer "$(public_key b)" wg-type)" -eq 0 ]

proves "what has no peer came in by the LAN"
refuse on a-lan ping -q -n -c 3 -i 0.2 -W 1 10.0.0.77
expect counts_all port lan no-peer 3

proves "a count has a rate, people see names and telemetry the same"
expect_within 5 has_rate wg-type
expect [ "$(rate wg-replay)" -eq 0 ]
headgate_ctl a drops --by port >"$run/by-port"
expect grep -Eq '20 .* wg-type +wan' "$run/by-port"
headgate_ctl a drops --by peer >"$run/by-peer"
# Not -E: a + in the key is a letter.
expect grep -q "5 .* wg-inner-source  *hg0 .*$(public_key b)" "$run/by-peer"
refuse headgate_ctl a drops --by weather

proves "a peer that was removed leaves no name"
expect wg set hg0 peer "$(public_key b)" remove
expect [ "$(counts peer "$(public_key b)" wg-inner-source)" -eq 0 ]
headgate_ctl a drops --by peer >"$run/by-peer"
refuse grep -q "$(public_key b)" "$run/by-peer"
expect grep -Eq '5 .* wg-inner-source +other peers' "$run/by-peer"
