#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Two workers and ports of one queue: what lands on the wrong worker is handed over.
#
#   a-lan ── a-gw [subject, Workers = 0-1] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"
headgate_only
[ "$(nproc)" -ge 2 ] || skip "one core"

two_sites
site_conf a b
site_conf b a
sed -i 's/^Workers = .*/Workers = 0-1/' "$(conf_of a)"
expect gateway_up b
expect gateway_up a

proves "the tunnel works both ways, in both families, from the gateway itself too"
expect pings a-lan "$(host4 b)"
expect pings b-lan "$(host4 a)"
expect pings a-lan "$(host6 b)"
expect pings a-gw "$(tun4 b)"
expect pings b-gw "$(tun4 a)"
expect copies_file a-lan b-lan "$(host4 b)"
expect copies_file b-lan a-lan "$(host4 a)"

proves "no flow loses its order on the way between workers"
flow_start out a-lan b-lan "$(host4 b)" --rate 1000
flow_start back b-lan a-lan "$(host4 a)" --rate 1000
for f in out back; do
	flow_end "$f"
	expect [ "$flow_unique" -eq "$flow_sent" ]
	expect [ "$flow_duplicates" -eq 0 ]
	expect [ "$flow_reordered" -eq 0 ]
done
