#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# `ip addr` and `ip route` on the twins, taken up while packets flow.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
#   behind a-lan: 192.168.110.1 (on lo)
. "${0%/*}/scene.sh"

two_sites
site_conf a b
site_conf b a
sed -i 's|^\(AllowedIPs = .*\)|\1, 192.168.110.0/24, 192.168.111.0/24|' "$(conf_of b)"
sed -i 's|^\(AllowedIPs = .*\)|\1, 192.168.120.0/24|' "$(conf_of a)"
expect gateway_up b
expect gateway_up a
expect pings a-lan "$(host4 b)"
lan=$(twin a lan)

proves "a route on the LAN side: packets out of the tunnel follow it"
on a-lan ip addr add 192.168.110.1/32 dev lo
refuse on b-lan ping -q -n -c 1 -W 1 192.168.110.1
on a-gw ip route add 192.168.110.0/24 via "$(host4 a)" dev "$lan"
expect_within 3 on b-lan ping -q -n -c 1 -W 1 192.168.110.1

proves "the route is taken away: they no longer do"
on a-gw ip route del 192.168.110.0/24
expect_within 3 sh -c "! ip netns exec $net_prefix-b-lan ping -q -n -c 1 -W 1 192.168.110.1"

proves "a second address on the LAN twin: a second subnet behind the gateway"
on a-gw ip addr add 192.168.111.1/24 dev "$lan"
on a-lan ip addr add 192.168.111.10/24 dev eth0
expect_within 3 on b-lan ping -q -n -c 1 -W 1 192.168.111.10
expect on a-lan ping -q -n -c 1 -W 1 192.168.111.1
on a-gw ip addr del 192.168.111.1/24 dev "$lan"
expect_within 3 sh -c "! ip netns exec $net_prefix-b-lan ping -q -n -c 1 -W 1 192.168.111.1"

proves "an overlay route: what the kernel routes into the tunnel device goes to the peer"
on b-lan ip addr add 192.168.120.1/32 dev lo
on b-gw ip route add 192.168.120.0/24 via "$(host4 b)"
on a-gw ip route del 192.168.120.0/24 2>/dev/null
expect_within 3 sh -c "! ip netns exec $net_prefix-a-lan ping -q -n -c 1 -W 1 192.168.120.1"
on a-gw ip route add 192.168.120.0/24 dev "${site_dev[a]}"
expect_within 3 on a-lan ping -q -n -c 1 -W 1 192.168.120.1

proves "the LAN host gets another MAC: the neighbour is learned anew"
on a-lan ip link set eth0 address 02:00:00:00:0a:99
expect_within 10 on b-lan ping -q -n -c 1 -W 1 "$(host4 a)"
expect pings a-lan "$(host4 b)"
