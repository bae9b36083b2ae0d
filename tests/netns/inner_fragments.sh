#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Fragments inside the tunnel: those that the hosts make, and single ones with nothing around them,
# pass both ways as other packets do, and only from and to whom the allowed IPs say.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"

learns_mtu() { # NODE ADDRESS: the first large packet over IPv6 is lost to "packet too big"
	on "$1" ping -q -n -c 2 -i 0.3 -W 1 -M dont -s 4000 "$2" >/dev/null || :
}

both_ways() { # KIND 4|6
	local host=host$2
	expect packet_passes "$1" a-lan b-lan "$($host a)" "$($host b)"
	expect packet_passes "$1" b-lan a-lan "$($host b)" "$($host a)"
}

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
expect pings a-lan "$(host4 b)"
expect pings b-lan "$(host6 a)"

proves "what a host sends in fragments is put together by the other, in both families"
expect pings a-lan "$(host4 b)" -M dont -s 4000
expect pings b-lan "$(host4 a)" -M dont -s 4000
learns_mtu a-lan "$(host6 b)"
learns_mtu b-lan "$(host6 a)"
expect pings a-lan "$(host6 b)" -M dont -s 4000
expect pings b-lan "$(host6 a)" -M dont -s 4000

proves "a counted flow of them arrives whole"
flow_start big a-lan b-lan "$(host4 b)" --rate 200 --size 3000
flow_end big
expect [ "$flow_unique" -eq "$flow_sent" ]
expect [ "$flow_duplicates" -eq 0 ]

proves "single fragments pass, first and later ones"
for kind in first-fragment later-fragment; do
	both_ways "$kind" 4
	both_ways "$kind" 6
done
both_ways atomic-fragment 6

proves "a later fragment has to come from an allowed address as well"
before=$(drops_like wg-inner-source)
on b-gw python3 "$scene_dir/packet.py" send later-fragment 172.16.7.7 "$(host4 a)" 0.6
on b-gw python3 "$scene_dir/packet.py" send later-fragment fd77::7 "$(host6 a)" 0.6
[ "$subject" != headgate ] || expect [ "$(drops_like wg-inner-source)" -gt "$before" ]
