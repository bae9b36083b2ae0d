#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# IPv6 inside an IPv4 tunnel.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
#   fd00:10::10                                        fd00:20::10
. "${0%/*}/scene.sh"

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a

proves "pings over IPv6 both ways, up to the tunnel's MTU"
expect pings a-lan "$(host6 b)"
expect pings b-lan "$(host6 a)"
expect pings a-lan "$(host6 b)" -s 1372 -M "do"

proves "UDP and TCP over IPv6"
flow_start six a-lan b-lan "$(host6 b)"
flow_end six
expect [ "$flow_unique" -eq "$flow_sent" ]
expect copies_file a-lan b-lan "[$(host6 b)]"
expect copies_file b-lan a-lan "[$(host6 a)]"

proves "the hop limit goes down by one at each of the two gateways"
on b-lan tcpdump -i eth0 -n -v -c 1 'icmp6 and ip6[40] == 128' >"$run/hops" 2>&1 &
sleep 1
expect on a-lan ping -q -n -c 2 -t 50 "$(host6 b)"
wait $!
expect grep -q 'hlim 48' "$run/hops"
