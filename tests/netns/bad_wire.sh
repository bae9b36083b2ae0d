#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A wire that loses, doubles, reorders, corrupts and replays.
#
#   a-lan ── a-gw [subject] ── left [wire_bridge.py] right ── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"

site_runs a "$subject"
site_runs b stock
site a b
node net
wire a-gw wan0 net left
wire net right b-gw wan0
site_conf a b
site_conf b a

bridge() { # OPTION…: the wire anew
	halt bridge
	spawn bridge net python3 "$scene_dir/wire_bridge.py" left right "$@"
	expect_within 5 grep -q joined "$run/bridge.log"
}

both_ways() {
	flow_start out a-lan b-lan "$(host4 b)"
	flow_end out
	expect "$@"
	flow_start back b-lan a-lan "$(host4 a)"
	flow_end back
	expect "$@"
}

all_once() { [ "$flow_unique" -eq "$flow_sent" ] && [ "$flow_duplicates" -eq 0 ]; }
some_lost() { [ "$flow_unique" -lt "$flow_sent" ] && [ "$flow_unique" -gt $((flow_sent / 2)) ]; }

bridge
expect gateway_up b
expect gateway_up a
expect pings a-lan "$(host4 b)"

proves "doubled on the wire: each packet is delivered once"
bridge --dup 0.3
both_ways all_once
expect drops_counted replay

proves "reordered on the wire: all are delivered, once"
bridge --reorder 0.2
both_ways all_once

proves "one bit turned: that packet is dropped, nothing else"
bridge --corrupt 0.2
both_ways some_lost
expect drops_counted 'auth|tag|open'

proves "everything recorded, handshakes too, sent once more: nothing of it is delivered"
bridge
expect pings a-lan "$(host4 b)"
flow_quiet=6
flow_start again b-lan a-lan "$(host4 a)"
wait "${net_pid[source-again]}"
kill -USR1 "${net_pid[bridge]}"
expect_within 10 grep -q replayed "$run/bridge.log"
flow_end again
expect all_once

proves "and the tunnel is as it was"
expect pings a-lan "$(host4 b)"
expect pings b-lan "$(host4 a)"
