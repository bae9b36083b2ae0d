#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Ports over AF_PACKET, where AF_XDP is missing.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"
headgate_only

port_kind=packet
two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a

proves "the tunnel works both ways, in both families"
expect pings a-lan "$(host4 b)"
expect pings b-lan "$(host4 a)"
expect pings a-lan "$(host6 b)"
expect pings a-lan "$(host4 b)" -s 1392 -M "do"
expect copies_file a-lan b-lan "$(host4 b)"
expect copies_file b-lan a-lan "$(host4 a)"

proves "the kernel does not answer beside headgate"
refuse sh -c "ip netns exec $net_prefix-b-gw ping -n -c 3 -i 0.2 203.0.113.1 | grep -q DUP"
expect pings a-lan 192.168.10.1

proves "a counted flow arrives whole"
flow_start counted a-lan b-lan "$(host4 b)" --rate 1000
flow_end counted
expect [ "$flow_unique" -eq "$flow_sent" ]
expect [ "$flow_duplicates" -eq 0 ]
