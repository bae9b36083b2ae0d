#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Three sites; b and c know only the hub, and reach each other through it.
#
#                      a-gw [subject: the hub] ── a-lan
#                        │
#                      switch
#                     ╱      ╲
#   b-lan ── b-gw [wireguard-go]   c-gw [wireguard-go] ── c-lan
. "${0%/*}/scene.sh"

site_runs a "$subject"
site_runs b stock
site_runs c stock
site a b c
wire_sites a b c
site_conf a b c
site_conf b a
site_conf c a
# To a spoke, the hub stands for everybody.
for spoke in b c; do
	sed -i 's|^AllowedIPs = .*|AllowedIPs = 10.0.0.0/24, 192.168.0.0/16, fd00::/16|' \
		"$(conf_of $spoke)"
done
expect gateway_up b
expect gateway_up c
expect gateway_up a

proves "each spoke and the hub reach each other"
expect pings b-lan "$(host4 a)"
expect pings c-lan "$(host4 a)"
expect pings a-lan "$(host4 c)"

proves "spoke to spoke through the hub, in both families, tunnel addresses too"
expect pings b-lan "$(host4 c)"
expect pings c-lan "$(host4 b)"
expect pings b-lan "$(host6 c)"
expect pings b-gw "$(tun4 c)"
expect copies_file b-lan c-lan "$(host4 c)"

proves "the hub is one hop, and sends no ICMP redirect"
on c-lan tcpdump -i eth0 -n -v -c 1 'icmp[icmptype] == icmp-echo' >"$run/hops" 2>&1 &
on b-lan tcpdump -i eth0 -n 'icmp[icmptype] == icmp-redirect' >"$run/redirects" 2>/dev/null &
tcpdump_redirects=$!
sleep 1
expect on b-lan ping -q -n -c 3 -t 50 "$(host4 c)"
sleep 0.5
expect grep -q 'ttl 47' "$run/hops"
kill $tcpdump_redirects
expect [ ! -s "$run/redirects" ]

proves "a counted flow between spokes arrives whole"
flow_start spokes b-lan c-lan "$(host4 c)" --rate 1000
flow_end spokes
expect [ "$flow_unique" -eq "$flow_sent" ]
