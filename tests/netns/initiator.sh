#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# headgate opens the tunnel: only it knows an endpoint.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
#   192.168.10.10   203.0.113.1    203.0.113.2     192.168.20.10
. "${0%/*}/scene.sh"

two_sites
site_conf a b
site_conf b a:passive
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}

proves "a packet from the LAN starts a handshake, and is not lost meanwhile"
expect on a-lan ping -q -n -c 1 -W 5 "$(host4 b)"
expect has_handshake "$dev" b
expect_within 3 has_handshake "${site_dev[b]}" a # boringtun tells of none for its first second

proves "pings go both ways, small ones and as large as the tunnel takes"
expect pings a-lan "$(host4 b)"
expect pings b-lan "$(host4 a)"
expect pings a-lan "$(host4 b)" -s 1392 -M "do"

proves "TCP and UDP go both ways, nothing lost, changed or reordered"
expect copies_file a-lan b-lan "$(host4 b)"
expect copies_file b-lan a-lan "$(host4 a)"
flow_start out a-lan b-lan "$(host4 b)"
flow_start back b-lan a-lan "$(host4 a)"
for f in out back; do
	flow_end "$f"
	expect [ "$flow_unique" -eq "$flow_sent" ]
	expect [ "$flow_duplicates" -eq 0 ]
	expect [ "$flow_reordered" -eq 0 ]
done

proves "wg show lists the peer with its traffic"
expect wg show "$dev"
read -r _ rx tx < <(wg show "$dev" transfer)
expect [ "$rx" -gt 4194304 ]
expect [ "$tx" -gt 4194304 ]
