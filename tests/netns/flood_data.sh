#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Forged data, replays, fragments and garbage, 100,000 a second: what the wires here carry at most
# without losing some themselves.
#
#   a-lan ── a-gw [subject] ── switch ── b-gw [wireguard-go] ── b-lan    flows go on
#                                │
#   forged packets ──────────────┘
. "${0%/*}/scene.sh"

flood=$scene_build/tests/flood/flood
[ -x "$flood" ] || die "no $flood: build it first (tools/build)"
site_runs a "$subject"
site_runs b stock
site_runs c stock
site a b c
wire_sites a b c
site_conf a b:passive
site_conf b a
expect gateway_up b
expect gateway_up a
expect pings b-lan "$(host4 a)"
mac=$(on a-gw cat "/sys/class/net/$(twin a wan)/address")
rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/${net_pid[gateway-a]}/status"; }
first=$(rss_kib)

for kind in ${KINDS:-data replay garbage fragments}; do
	proves "established flows lose nothing, and get nothing twice, in a flood of: $kind"
	flow_start "out-$kind" a-lan b-lan "$(host4 b)" --rate 300 --seconds 6
	flow_start "back-$kind" b-lan a-lan "$(host4 a)" --rate 300 --seconds 6
	expect timeout 20 ip netns exec "$net_prefix-switch" "$flood" "$kind" --dev port-a --mac "$mac" \
		--to "$(wan4 a)" --port 51820 --seconds 4 --pps 100000
	say "flood of $kind: $(tail -n 1 "$run/said") sent"
	expect [ "$(tail -n 1 "$run/said")" -gt 1000 ]
	for way in out back; do
		flow_end "$way-$kind"
		expect [ "$flow_unique" -eq "$flow_sent" ]
		expect [ "$flow_duplicates" -eq 0 ]
	done
done
expect drops_counted wg-index
expect drops_counted wg-replay
expect drops_counted wg-type

proves "and nothing is kept of it"
last=$(rss_kib)
say "resident: $first KiB before, $last KiB after"
expect [ $((last - first)) -le 2048 ]
expect pings b-lan "$(host4 a)"
