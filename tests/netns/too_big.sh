#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Packets larger than the next link takes: their sender is told by how much, in both families and
# both directions, with the kernel's twins and without; what may be cut is cut.
#
#   a-lan ── lan0 a-gw [headgate] wan0 ───────────── b-gw [wireguard-go] ── b-lan
#   1320     1320      tunnel 1280                        tunnel 1420       1500
. "${0%/*}/scene.sh"
headgate_only

forget_mtus() { # NODE
	on "$1" ip route flush cache
	on "$1" ip -6 route flush cache
}

says_mtu() { # NODE ADDRESS BYTES MTU: a packet of so many bytes is answered: it takes MTU
	forget_mtus "$1"
	on "$1" ping -n -c 3 -i 0.3 -W 2 -M "do" -s "$3" "$2" | tee /dev/stderr | grep -q "mtu *= *$4"
}

whoever_has_a_host() { # the same with Host = yes and no
	proves "into the tunnel: its MTU is told, and what just fits passes"
	expect says_mtu a-lan "$(host4 b)" 1253 1280
	expect pings a-lan "$(host4 b)" -M "do" -s 1252
	expect says_mtu a-lan "$(host6 b)" 1233 1280
	expect pings a-lan "$(host6 b)" -M "do" -s 1232

	proves "out of the tunnel: the LAN's MTU is told, through the tunnel"
	expect says_mtu b-lan "$(host4 a)" 1293 1320
	expect says_mtu b-lan "$(host6 a)" 1273 1320

	proves "IPv4 that may be cut is cut, both ways"
	expect pings a-lan "$(host4 b)" -M dont -s 1292
	expect pings b-lan "$(host4 a)" -M dont -s 1392
	forget_mtus a-lan
	forget_mtus b-lan
}

two_sites
on a-gw ip link set wan0 address 02:00:00:00:a0:01
on a-gw ip link set lan0 address 02:00:00:00:a0:02
on a-lan ip link set eth0 address 02:00:00:00:a0:10
on b-gw ip link set wan0 address 02:00:00:00:b0:02
on a-lan ip link set eth0 mtu 1320
site_conf a b
site_conf b a
sed -i -e "/^\[Port lan\]/a MTU = 1320" -e "/^\[Interface\]/a MTU = 1280" "$(conf_of a)"
expect gateway_up b
expect gateway_up a
expect pings a-lan "$(host4 b)"
whoever_has_a_host

proves "the peer's own kernel is told as well"
expect says_mtu b-gw 192.168.10.10 1372 1320

proves "a TCP flow learns the MTU, both ways"
expect copies_file a-lan b-lan "$(host4 b)"
expect copies_file b-lan a-lan "$(host4 a)"

proves "Host = no: the same"
expect gateway_down a
sed -i -e 's/^Hugepages = no/&\nHost = no/' \
	-e "/^\[Port wan\]/a Neighbour = $(wan4 b) 02:00:00:00:b0:02" \
	-e "/^\[Port lan\]/a Neighbour = $(host4 a) 02:00:00:00:a0:10" \
	-e "/^\[Port lan\]/a Neighbour = $(host6 a) 02:00:00:00:a0:10" \
	"$(conf_of a)"
on b-gw ip neigh replace 203.0.113.1 lladdr 02:00:00:00:a0:01 dev wan0
on a-lan ip neigh replace 192.168.10.1 lladdr 02:00:00:00:a0:02 dev eth0
on a-lan ip neigh replace fd00:10::1 lladdr 02:00:00:00:a0:02 dev eth0
expect gateway_up a
expect pings a-lan "$(host4 b)"
whoever_has_a_host
expect copies_file a-lan b-lan "$(host4 b)"
expect copies_file b-lan a-lan "$(host4 a)"
