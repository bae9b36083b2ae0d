#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Host = no: no twins, no mirror; next hops are told, and nobody answers ARP.
#
#   a-lan ── a-gw [headgate, Host = no] ───────────── b-gw [wireguard-go] ── b-lan
#   02::a0:10                    a: 02::a0:01  b: 02::b0:02
. "${0%/*}/scene.sh"
headgate_only

two_sites
on a-gw ip link set wan0 address 02:00:00:00:a0:01
on a-gw ip link set lan0 address 02:00:00:00:a0:02
on a-lan ip link set eth0 address 02:00:00:00:a0:10
on b-gw ip link set wan0 address 02:00:00:00:b0:02
gateway_lines=$'Hugepages = no\nHost = no'
site_conf a b
site_conf b a
sed -i -e "/^\[Port wan\]/a Neighbour = $(wan4 b) 02:00:00:00:b0:02" \
	-e "/^\[Port lan\]/a Neighbour = $(host4 a) 02:00:00:00:a0:10" "$(conf_of a)"
expect gateway_up b
on b-gw ip neigh replace 203.0.113.1 lladdr 02:00:00:00:a0:01 dev wan0
on a-lan ip route replace default via 192.168.10.1
on a-lan ip neigh replace 192.168.10.1 lladdr 02:00:00:00:a0:02 dev eth0
expect gateway_up a

proves "no twin and no tunnel device exist"
refuse on a-gw ip link show hg-wan
refuse on a-gw ip link show hg0

proves "the tunnel works both ways over the neighbours of the config"
expect pings a-lan "$(host4 b)"
expect pings b-lan "$(host4 a)"
expect copies_file a-lan b-lan "$(host4 b)"

hears() { # ADDRESS WORDS [OPTION…]: a ping from the LAN there is answered with these words
	local to=$1 words=$2
	shift 2
	on a-lan ping -n -c 2 -i 0.3 -W 4 "$@" "$to" | tee /dev/stderr |
		grep -iq "from 192.168.10.1 .*$words"
}

proves "without a kernel, too, what cannot be passed on is answered"
expect hears 10.0.0.77 "host unreachable"
expect hears 198.18.0.1 "net unreachable"
expect hears "$(host4 b)" "time to live exceeded" -t 1

proves "nobody answers ARP"
refuse on a-lan arping -q -c 2 -w 2 -I eth0 192.168.10.1
expect wg show hg0
