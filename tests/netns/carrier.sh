#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The cable is pulled and put back; DPDK would call the link up all the while.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
#                       wan0 ──╳── wan0
. "${0%/*}/scene.sh"

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
expect pings a-lan "$(host4 b)"

lower_up() { # DEVICE of a-gw has a carrier
	on a-gw ip link show "$1" | grep -q LOWER_UP
}
lower_down() { ! lower_up "$1"; }

proves "carrier lost: the twin shows it, packets are dropped, the program stays"
on b-gw ip link set wan0 down
expect_within 3 lower_down "$(twin a wan)"
refuse on a-lan ping -q -n -c 2 -W 1 "$(host4 b)"
expect is_alive gateway-a

proves "carrier back: so is the twin's, and the tunnel"
on b-gw ip link set wan0 up
expect_within 3 lower_up "$(twin a wan)"
on b-gw ip addr replace 2001:db8::2/64 dev wan0 nodad
expect_within 10 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"

proves "the LAN's carrier, the same; the gateway's other port goes on meanwhile"
on a-lan ip link set eth0 down
expect_within 3 lower_down "$(twin a lan)"
expect pings b-gw "$(tun4 a)"
on a-lan ip link set eth0 up
on a-lan ip route replace default via 192.168.10.1
expect_within 10 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"
expect pings b-lan "$(host4 a)"
