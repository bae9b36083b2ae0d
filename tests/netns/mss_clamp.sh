#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# TCP through a tunnel is told what fits, whoever begins; with ClampMSS = no it is not, and learns
# the MTU from "packet too big".
#
#   a-lan ── a-gw [headgate, tunnel 1400] ───────────── b-gw [wireguard-go, tunnel 1420] ── b-lan
. "${0%/*}/scene.sh"
headgate_only

mss_between() { # FROM TO ADDRESS MSS: both SYNs of a connection arrive with it
	local from=$1 to=$2 address=$3 mss=$4 node
	for node in "$from" "$to"; do
		spawn "dump-$node" "$node" timeout 8 tcpdump -i eth0 -n -l -v -Q in -c 1 \
			'(ip and tcp[13] & 2 != 0) or (ip6 and ip6[6] == 6 and ip6[53] & 2 != 0)'
		await 5 grep -q 'listening on' "$run/dump-$node.log" || return 1
	done
	tcp_answers "$from" "$address" 7777 || return 1
	for node in "$from" "$to"; do
		wait "${net_pid[dump-$node]}"
		unset "net_pid[dump-$node]"
		cat "$run/dump-$node.log" >&2
		grep -q "mss $mss," "$run/dump-$node.log" || return 1
		# tcpdump computes the checksum itself.
		! grep -q incorrect "$run/dump-$node.log" || return 1
	done
}

two_sites
site_conf a b
site_conf b a
sed -i "/^\[Interface\]/a MTU = 1400" "$(conf_of a)"
expect gateway_up b
expect gateway_up a
expect pings a-lan "$(host4 b)"
tcp_service a-lan 7777
tcp_service b-lan 7777
tcp_service a-gw 7777

proves "both SYNs are lowered to the tunnel's MTU, whoever begins, in both families"
expect mss_between a-lan b-lan "$(host4 b)" 1360
expect mss_between b-lan a-lan "$(host4 a)" 1360
expect mss_between a-lan b-lan "$(host6 b)" 1340
expect mss_between b-lan a-lan "$(host6 a)" 1340

proves "the box's own TCP works"
expect tcp_answers b-lan "$(tun4 a)" 7777
expect tcp_answers b-lan "$(tun6 a)" 7777

proves "no packet of a transfer is too big"
before=$(drops_like 'too-big')
expect copies_file a-lan b-lan "$(host4 b)"
expect copies_file b-lan a-lan "$(host4 a)"
expect [ "$(drops_like 'too-big')" -eq "$before" ]

proves "ClampMSS = no, by reload: SYNs pass as they are, and the flow learns the MTU"
sed -i "/^\[Interface\]/a ClampMSS = no" "$(conf_of a)"
expect headgate_ctl a reload
expect mss_between a-lan b-lan "$(host4 b)" 1460
expect mss_between b-lan a-lan "$(host6 a)" 1440
expect copies_file a-lan b-lan "$(host4 b)"
expect [ "$(drops_like 'too-big')" -gt "$before" ]
