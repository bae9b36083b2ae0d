#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The gateway as a host: its own addresses, on its LAN, on the wire, and through the tunnel.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
#            10.0.0.1 ═════ tunnel ═════ 10.0.0.2
. "${0%/*}/scene.sh"

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a

proves "a local process of the gateway pings through the tunnel, and is pinged"
expect pings a-gw "$(tun4 b)"
expect pings b-gw "$(tun4 a)"
expect pings a-gw "$(tun6 b)"
expect pings b-gw "$(tun6 a)"
expect pings a-gw "$(host4 b)"
expect pings b-lan "$(tun4 a)"

proves "a TCP service on the gateway answers through the tunnel; it reaches one there"
tcp_service a-gw 8080
tcp_service b-gw 8080
expect tcp_answers b-gw "$(tun4 a)" 8080
expect tcp_answers b-lan "$(tun4 a)" 8080
expect tcp_answers b-gw "$(tun6 a)" 8080
expect tcp_answers a-gw "$(tun4 b)" 8080
expect copies_file a-gw b-gw "$(tun4 b)"
expect copies_file b-gw a-gw "$(tun4 a)"

proves "the gateway's LAN address answers: ARP, ND, ping, TCP, near and far"
expect on a-lan arping -q -c 2 -w 4 -I eth0 192.168.10.1
expect pings a-lan 192.168.10.1
expect pings a-lan fd00:10::1
expect pings b-lan 192.168.10.1
expect tcp_answers a-lan 192.168.10.1 8080

proves "the address on the wire answers once each, not doubled"
expect pings b-gw 203.0.113.1
expect pings b-gw 2001:db8::1
refuse sh -c "ip netns exec $net_prefix-b-gw ping -n -c 3 -i 0.2 203.0.113.1 | grep -q DUP"
expect tcp_answers b-gw 203.0.113.1 8080

proves "a UDP port of the gateway other than WireGuard's is the kernel's"
flow_start udp b-gw a-gw "$(wan4 a)" --rate 200 --seconds 1
flow_end udp
expect [ "$flow_unique" -eq "$flow_sent" ]
