#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Packets are padded to 16 bytes, but not past the tunnel's MTU: an MTU that is no multiple of 16
# still fits the wire it was made for.
#
#   a-lan ── a-gw [subject, MTU 1299] ─────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"

two_sites
site_conf a b
site_conf b a
[ "$subject" = stock ] || sed -i '/^ListenPort/a MTU = 1299' "$(conf_of a)"
expect gateway_up b
expect gateway_up a
[ "$subject" = headgate ] || on a-gw ip link set "${site_dev[a]}" mtu 1299
expect pings a-lan "$(host4 b)"

outer_length() { # BYTES -> of the packet on the wire that carries a ping of so many
	spawn watch b-gw timeout 10 tcpdump -n -v -i wan0 -c 1 \
		"src host 203.0.113.1 and udp[8] == 4 and greater 1000"
	await 5 grep -q listening "$run/watch.log"
	on a-lan ping -q -n -c 2 -i 0.3 -W 2 -M "do" -s "$1" "$(host4 b)" >/dev/null || return 1
	wait "${net_pid[watch]}"
	unset "net_pid[watch]"
	sed -n 's/.*length \([0-9]*\))$/\1/p' "$run/watch.log" | head -n 1
}

proves "the largest packet is padded to the MTU: 1299 and 60 bytes on the wire"
length=$(outer_length 1271)
expect [ "$length" -eq 1359 ]
length=$(outer_length 1269)
expect [ "$length" -eq 1359 ]

proves "a smaller one to a multiple of 16"
length=$(outer_length 1250) # 1278 bytes, padded to 1280
expect [ "$length" -eq 1340 ]
