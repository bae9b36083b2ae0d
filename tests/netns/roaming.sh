#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The endpoint of a peer is where its last authenticated packet came from.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
#            203.0.113.1                  203.0.113.2, then .22
. "${0%/*}/scene.sh"

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}
expect pings a-lan "$(host4 b)"

proves "the peer moves to another address while packets flow both ways; both go on"
flow_start out a-lan b-lan "$(host4 b)" --seconds 12
flow_start back b-lan a-lan "$(host4 a)" --seconds 12
sleep 2
on b-gw ip addr add 203.0.113.22/24 dev wan0
on b-gw ip addr del 203.0.113.2/24 dev wan0
look_again b 51820
expect_within 9 endpoint_is "$dev" b 203.0.113.22:51820
flow_end out
expect [ "$flow_unique" -ge $((flow_sent * 9 / 10)) ]
flow_end back
expect [ "$flow_unique" -ge $((flow_sent * 9 / 10)) ]

proves "the peer moves to another port: followed too"
wg set "${site_dev[b]}" listen-port 51999
expect pings b-lan "$(host4 a)"
expect endpoint_is "$dev" b 203.0.113.22:51999

proves "this side moves: the new address is used, and the peer follows"
on a-gw ip addr add 203.0.113.11/24 dev "$(twin a wan)"
on a-gw ip addr del 203.0.113.1/24 dev "$(twin a wan)"
look_again a 51820
expect_within 10 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"
expect endpoint_is "${site_dev[b]}" a 203.0.113.11:51820

proves "a packet that does not authenticate moves nobody"
on b-gw ip addr add 203.0.113.66/24 dev wan0
on b-gw python3 - <<-END
	import os, socket
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind(("203.0.113.66", 0))
	for kind in (1, 2, 3, 4):
	    s.sendto(bytes([kind, 0, 0, 0]) + os.urandom(144), ("203.0.113.11", 51820))
END
expect pings a-lan "$(host4 b)"
expect endpoint_is "$dev" b 203.0.113.22:51999
