#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A changed file is applied to what changed, and to nothing else.
#
#                      a-gw [headgate] ── a-lan
#                        │
#                      switch
#                     ╱      ╲
#   b-lan ── b-gw [wireguard-go]   c-gw [wireguard-go] ── c-lan
. "${0%/*}/scene.sh"
headgate_only

site_runs a headgate
site_runs b stock
site_runs c stock
site a b c
wire_sites a b c
# Only the stock peers start handshakes, and every 120 s: an earlier one means a lost session.
site_conf a b:passive
site_conf b a
site_conf c a
expect gateway_up b
expect gateway_up c
expect gateway_up a
expect pings b-lan "$(host4 a)"
refuse on c-lan ping -q -n -c 1 -W 1 "$(host4 a)"

session_of_b() { wg show wg1 latest-handshakes; }

proves "SIGHUP with one more peer: it works; the other's session and packets are untouched"
before=$(session_of_b)
flow_start steady a-lan b-lan "$(host4 b)" --seconds 3 --rate 1000
sleep 1
site_conf a b:passive c:passive
kill -HUP "${net_pid[gateway-a]}"
expect_within 8 on c-lan ping -q -n -c 1 -W 1 "$(host4 a)"
flow_end steady
expect [ "$flow_unique" -eq "$flow_sent" ]
expect [ "$(session_of_b)" = "$before" ]

proves "headgate reload with a peer less: gone from wg show, and no longer let in"
site_conf a b:passive
expect headgate_ctl a reload
expect_within 3 sh -c "! wg show hg0 peers | grep -q '$(public_key c)'"
refuse on c-lan ping -q -n -c 1 -W 1 "$(host4 a)"
expect pings a-lan "$(host4 b)"
expect [ "$(session_of_b)" = "$before" ]

proves "a file with a mistake: refused with its line, nothing changes"
echo "AllowdIPs = 10.9.9.0/24" >>"$(conf_of a)"
refuse headgate_ctl a reload
kill -HUP "${net_pid[gateway-a]}"
expect_within 3 grep -q AllowdIPs "$run/gateway-a.log"
expect pings a-lan "$(host4 b)"

proves "other allowed-ips of a peer: packets follow, its session stays"
site_conf a b:passive
sed -i 's|^AllowedIPs = .*|AllowedIPs = 10.0.0.2/32|' "$(conf_of a)"
expect headgate_ctl a reload
expect_within 3 sh -c "! ip netns exec $net_prefix-a-lan ping -q -n -c 1 -W 1 $(host4 b)"
expect pings a-gw "$(tun4 b)"
expect [ "$(session_of_b)" = "$before" ]
