#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The real protocol times: keys are renewed after 120 s, by either initiator. Takes 140 s.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
#
# Runs against the ordinary build beside the other scenes (tests/netns/run --slow).
. "${0%/*}/scene.sh"

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}
expect pings a-lan "$(host4 b)"

proves "140 s of packets both ways across the renewal at 120 s: none lost"
flow_start out a-lan b-lan "$(host4 b)" --seconds 140 --rate 200
flow_start back b-lan a-lan "$(host4 a)" --seconds 140 --rate 200
sleep 110
expect [ "$(handshake_age "$dev" b)" -ge 105 ]
for f in out back; do
	flow_end "$f"
	expect [ "$flow_unique" -eq "$flow_sent" ]
done
expect [ "$(handshake_age "$dev" b)" -le 100 ] # without a renewal it is 140 at least
