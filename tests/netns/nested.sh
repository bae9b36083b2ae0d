#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A peer whose endpoint lies inside a tunnel, another peer's or its own: its packets go nowhere,
# and nothing goes round.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan 192.168.20.10
#            a stranger at 192.168.20.10:51820, then b itself at 192.168.20.1:51820
. "${0%/*}/scene.sh"
headgate_only # others nest, through the kernel's routes

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}
expect pings a-lan "$(host4 b)"

proves "an endpoint behind another peer is not reached through its tunnel; the reason is counted"
stranger=$(wg genkey | wg pubkey)
spawn inside b-lan timeout 30 tcpdump -n -i eth0 -c 1 udp port 51820
expect_within 5 grep -q listening "$run/inside.log"
wg set "$dev" peer "$stranger" endpoint "$(host4 b):51820" persistent-keepalive 1 \
	allowed-ips 10.77.0.0/16
on a-gw ip route replace 10.77.0.0/16 dev "$dev"
refuse on a-lan ping -q -n -c 2 -W 1 10.77.0.1
expect_within 10 drops_counted underlay
expect is_alive inside
expect pings a-lan "$(host4 b)"

proves "an endpoint inside its own tunnel ends what it sends, and sends nothing round"
read -r _ _ before < <(wg show "$dev" transfer | grep "$(public_key b)")
wg set "$dev" peer "$(public_key b)" endpoint 192.168.20.1:51820
refuse on a-lan ping -q -n -c 3 -i 0.3 -W 1 "$(host4 b)"
read -r _ _ after < <(wg show "$dev" transfer | grep "$(public_key b)")
expect [ $((after - before)) -lt 10000 ]

proves "back at its place it is reached again"
wg set "$dev" peer "$(public_key b)" endpoint 203.0.113.2:51820
expect_within 15 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"
