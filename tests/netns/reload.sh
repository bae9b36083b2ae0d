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
site_conf a b
site_conf b a:passive
site_conf c a:passive
expect gateway_up b
expect gateway_up c
expect gateway_up a
expect pings a-lan "$(host4 b)"
refuse on a-lan ping -q -n -c 1 -W 1 "$(host4 c)"

session_of_b() { wg show hg0 latest-handshakes | grep "$(public_key b)"; }

proves "SIGHUP with one more peer: it works; the other's session and packets are untouched"
before=$(session_of_b)
flow_start steady a-lan b-lan "$(host4 b)" --seconds 3 --rate 1000
sleep 1
site_conf a b c
kill -HUP "${net_pid[gateway-a]}"
expect_within 8 on a-lan ping -q -n -c 1 -W 1 "$(host4 c)"
flow_end steady
expect [ "$flow_unique" -eq "$flow_sent" ]

proves "headgate reload with a peer less: gone from wg show, and no longer let in"
site_conf a b
expect headgate_ctl a reload
expect_within 3 sh -c "! wg show hg0 peers | grep -q '$(public_key c)'"
refuse on c-lan ping -q -n -c 1 -W 1 "$(host4 a)"
expect pings a-lan "$(host4 b)"

proves "a file with a mistake: refused with its line, nothing changes"
echo "AllowdIPs = 10.9.9.0/24" >>"$(conf_of a)"
refuse headgate_ctl a reload
kill -HUP "${net_pid[gateway-a]}"
expect_within 3 grep -q AllowdIPs "$run/gateway-a.log"
expect pings a-lan "$(host4 b)"

proves "new allowed-ips move packets, a new key for b replaces its session alone"
site_conf a b
sed -i 's|^AllowedIPs = .*|AllowedIPs = 10.0.0.2/32|' "$(conf_of a)"
expect headgate_ctl a reload
expect_within 3 sh -c "! ip netns exec $net_prefix-a-lan ping -q -n -c 1 -W 1 $(host4 b)"
expect pings a-gw "$(tun4 b)"
