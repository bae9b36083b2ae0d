#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# New keys under traffic: nothing is lost when they change.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
#
# The build under test has short protocol times (meson -Dshort_times=true): as initiator it
# renews its keys every few seconds, which a stock peer accepts.
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf a b
site_conf b a:passive
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}
expect pings a-lan "$(host4 b)"

proves "20 s of packets both ways, with new keys at least twice: none lost, none out of order"
wg show "$dev" latest-handshakes >"$run/first"
flow_start out a-lan b-lan "$(host4 b)" --seconds 20 --rate "${FLOW_RATE:-1000}"
flow_start back b-lan a-lan "$(host4 a)" --seconds 20 --rate "${FLOW_RATE:-1000}"
changes=0
last=$(cat "$run/first")
while is_alive source-out; do
	now=$(wg show "$dev" latest-handshakes)
	[ "$now" = "$last" ] || changes=$((changes + 1))
	last=$now
	sleep 0.5
done
say "keys changed $changes times"
expect [ "$changes" -ge 2 ]
for f in out back; do
	flow_end "$f"
	expect [ "$flow_unique" -eq "$flow_sent" ]
	expect [ "$flow_duplicates" -eq 0 ]
	expect [ "$flow_reordered" -eq 0 ]
done
