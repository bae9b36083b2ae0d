#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Senders that leave checksums to the NIC, as every kernel does on veth: ping would work and
# TCP and UDP would fail if a gateway passed such packets on as they are.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
#   tx checksum offload on                        tx checksum offload on
. "${0%/*}/scene.sh"

full_checksums() { :; } # the wires are left as the kernel made them
two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a

proves "the senders' offload is on"
expect sh -c "ip netns exec $net_prefix-a-lan ethtool -k eth0 | grep -q 'tx-checksumming: on'"

proves "UDP and TCP of a LAN host arrive, in both families, both ways"
for h in "$(host4 b)" "$(host6 b)"; do
	flow_start "$h" a-lan b-lan "$h" --seconds 1
	flow_end "$h"
	expect [ "$flow_unique" -eq "$flow_sent" ]
done
expect copies_file a-lan b-lan "$(host4 b)"
expect copies_file b-lan a-lan "$(host4 a)"
expect copies_file a-lan b-lan "[$(host6 b)]"

proves "so does what LAN and wire send to the gateway's own addresses"
tcp_service a-gw 8080
expect tcp_answers a-lan 192.168.10.1 8080
expect tcp_answers b-gw 203.0.113.1 8080
expect tcp_answers b-lan "$(tun4 a)" 8080

proves "outer packets of the peer carry partial checksums too: IPv6 outside as well"
expect pings b-lan "$(host6 a)"
wg set "${site_dev[b]}" peer "$(public_key a)" endpoint "[2001:db8::1]:51820"
expect_within 10 on b-lan ping -q -n -c 1 -W 1 "$(host4 a)"
expect copies_file b-lan a-lan "$(host4 a)"
