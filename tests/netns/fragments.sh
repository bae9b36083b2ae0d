#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The other end's tunnel has too large an MTU, so its kernel sends outer packets in fragments.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go, wg1 of MTU 1500] ── b-lan
. "${0%/*}/scene.sh"

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
expect pings b-lan "$(host4 a)"
on b-gw ip link set "${site_dev[b]}" mtu 1500

fragments_pass() { # FILTER: at least one fragment is seen on the wire meanwhile
	spawn tcpdump b-gw timeout 8 tcpdump -n -c 1 -i wan0 "$1"
	sleep 1
	pings b-lan "$2" -s "$3" || return 1
	wait "${net_pid[tcpdump]}"
	unset "net_pid[tcpdump]"
}

proves "fragments over IPv4 are put together by the kernel, and opened"
expect fragments_pass "ip[6:2] & 0x3fff != 0" "$(host4 a)" 1440

proves "a counted flow of them arrives whole"
flow_start big b-lan a-lan "$(host4 a)" --rate 200 --size 1440
flow_end big
expect [ "$flow_unique" -eq "$flow_sent" ]
expect [ "$flow_duplicates" -eq 0 ]
