#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# IPv4 options and IPv6 extension headers: inside the tunnel they pass untouched, whatever they are;
# outside, a message behind them is a WireGuard message all the same.
#
#   a-lan ── a-gw [subject] ── left [wire_bridge.py] right ── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"

bridge() { # OPTION…: the wire anew
	halt bridge
	spawn bridge net python3 "$scene_dir/wire_bridge.py" left right "$@"
	expect_within 5 grep -q joined "$run/bridge.log"
}

site_runs a "$subject"
site_runs b stock
site a b
node net
wire a-gw wan0 net left
wire net right b-gw wan0
for outer in 4 6; do
	site_conf a b
	site_conf b a
	bridge
	expect gateway_up b
	expect gateway_up a
	expect pings a-lan "$(host4 b)"

	if [ $outer = 4 ]; then
		# Into the tunnel only: out of it, the other end's kernel would say what it thinks
		# of a packet like this before it forwards it.
		for kind in $(python3 "$scene_dir/packet.py" kinds 4); do
			case $kind in
			*-fragment | record-route | broken-option) continue ;; # kernels touch them
			esac
			proves "IPv4 inside: $kind"
			expect packet_passes "$kind" a-lan b-lan "$(host4 a)" "$(host4 b)"
			expect packet_passes "$kind" b-lan a-lan "$(host4 b)" "$(host4 a)"
		done
		for kind in $(python3 "$scene_dir/packet.py" kinds 6); do
			case $kind in
			*-fragment) continue ;; # inner_fragments.sh
			esac
			proves "IPv6 inside: $kind"
			expect packet_passes "$kind" a-lan b-lan "$(host6 a)" "$(host6 b)"
			expect packet_passes "$kind" b-lan a-lan "$(host6 b)" "$(host6 a)"
		done
	fi

	proves "outside, over IPv$outer: handshakes and data behind options"
	bridge --options
	expect gateway_down a
	expect gateway_up a
	expect pings a-lan "$(host4 b)"
	flow_start "options-$outer" b-lan a-lan "$(host4 a)" --rate 300
	flow_end "options-$outer"
	expect [ "$flow_unique" -eq "$flow_sent" ]
	expect [ "$flow_duplicates" -eq 0 ]
	expect gateway_down a
	expect gateway_down b
done
