#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Which of its addresses the gateway speaks from: the one it was spoken to, as long as that is
# there and on the way; else the one that the route gives.
#
#   a-lan ── a-gw [subject] wan0 ── 203.0.113.0/24 ── wan0 b-gw [wireguard-go] ── b-lan
#   .1 .11, 10.50.0.1 on lo   wan1 ── 198.51.100.0/24 ── wan1
. "${0%/*}/scene.sh"

[ "${PEER:-}" != kernel ] || skip "the guest has one NIC for the wire"
two_sites
wire a-gw wan1 b-gw wan1
on b-gw ip addr add 198.51.100.2/24 dev wan1
on b-gw sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.wan0.rp_filter=0
site_conf a b
site_conf b a
[ "$subject" = stock ] || sed -i "s|^\[Interface\]|[Port wan1]\nDevice = $(port_device wan1)\nAddress = 198.51.100.1/24\n\n&|" \
	"$(conf_of a)"
on a-gw sysctl -qw net.ipv6.conf.wan1.disable_ipv6=1
expect gateway_up b
expect gateway_up a
second=hg-wan1
if [ "$subject" = stock ]; then
	second=wan1
	on a-gw ip addr add 198.51.100.1/24 dev wan1
fi
wan=$(twin a wan)
on a-gw sh -c "
	ip addr add 203.0.113.11/24 dev $wan && ip addr add 2001:db8::11/64 dev $wan nodad
	ip addr add 10.50.0.1/32 dev lo && sysctl -qw net.ipv4.conf.all.rp_filter=0"
on b-gw ip route add 10.50.0.0/24 via 203.0.113.1
expect pings a-lan "$(host4 b)"

spoken_to_at() { # ENDPOINT: b speaks to it, and the answer comes from there
	wg set "${site_dev[b]}" peer "$(public_key a)" endpoint "$1"
	on b-lan ping -q -n -c 2 -i 0.3 -W 5 "$(host4 a)" || return 1
	endpoint_is "${site_dev[b]}" a "$1"
}

proves "answers come from the address that was spoken to, in either family"
for at in 203.0.113.11 203.0.113.1 '[2001:db8::1]' '[2001:db8::11]'; do
	expect_within 10 spoken_to_at "$at:51820"
done

proves "also when it is another link's than the way back"
expect_within 10 spoken_to_at 10.50.0.1:51820

proves "an address that is taken away is left for another, IPv6 as well as IPv4"
expect_within 10 spoken_to_at '[2001:db8::11]:51820'
on a-gw ip addr del 2001:db8::11/64 dev "$wan"
look_again a 51820
expect_within 10 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"
expect endpoint_is "${site_dev[b]}" a '[2001:db8::1]:51820'
expect_within 10 spoken_to_at 203.0.113.11:51820
on a-gw ip addr del 203.0.113.11/24 dev "$wan"
look_again a 51820
expect_within 10 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"
expect endpoint_is "${site_dev[b]}" a 203.0.113.1:51820

proves "a better route by another link takes its source along"
on a-gw ip route add 203.0.113.2/32 via 198.51.100.2 dev "$second"
expect_within 10 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"
expect_within 5 endpoint_is "${site_dev[b]}" a 198.51.100.1:51820
expect pings a-lan "$(host4 b)"
