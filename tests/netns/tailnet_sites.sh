#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Two gateways that know each other by their tailnet alone: they show up at the server, reach each
# other, and their LANs once the server has approved the routes; what the server takes back is cut.
#
#                   server [control or headscale, 203.0.113.9:8080]
#                     │
#                   switch
#                  ╱      ╲
#   a-lan ── a-gw [headgate]   b-gw [headgate] ── b-lan
. "${0%/*}/scene.sh"
headgate_only
. "$scene_dir/tailnet_server.sh"
tailnet_begin

site_runs a headgate
site_runs b headgate
site a b
tailnet_wires a b
expect server_up tskey-auth-right
auth_key >"$run/authkey"
headscale_lines='AcceptRoutes = yes'
tailnet_conf a
tailnet_conf b

proves "both join, and are online with what they offer"
expect gateway_up a
expect gateway_up b
for x in a b; do
	expect_within 20 has_joined "$x"
	expect_within 10 server_shows "${x}1"
	expect_within 5 grep -q "192.168.$(site_index $x)0.0/24" <(server_routes "${x}1")
	expect_within 10 peers_are 1 "$x"
done

proves "gateway to gateway, at their tailnet addresses"
expect_within 20 pings a-gw "$(tailnet_address b)"
expect_within 10 pings b-gw "$(tailnet_address a)"

proves "LAN to LAN once the server has approved the routes"
refuse on a-lan ping -c 1 -W 2 "$(host4 b)"
approve_routes a1 192.168.10.0/24
approve_routes b1 192.168.20.0/24
expect_within 15 peers_show 192.168.20.0/24 a
expect_within 15 peers_show 192.168.10.0/24 b
expect_within 10 pings a-lan "$(host4 b)"
expect_within 10 pings b-lan "$(host4 a)"
expect copies_file a-lan b-lan "$(host4 b)"

proves "down: nothing of the tailnet is left, and the other side hears; up: all is back"
expect headgate_ctl b down
expect_within 5 state_is down b
expect peers_are 0 b
expect [ -z "$(tailnet_address b)" ]
expect_within 5 eval '! server_routes b1 | grep -q 192.168.20'
expect headgate_ctl b up
expect_within 20 has_joined b
expect_within 10 pings a-gw "$(tailnet_address b)"

proves "logout, and in again"
expect headgate_ctl b logout
expect_within 5 state_is 'logged out' b
expect peers_are 0 b
# headscale 0.29 leaves a tagged node expired that has logged out.
[ "$server_kind" != headscale ] || hs nodes delete -i "$(hs_node b1 'n["id"]')" --force >/dev/null
expect headgate_ctl b up
expect_within 40 has_joined b
expect_within 10 peers_are 1 a
expect_within 10 pings a-gw "$(tailnet_address b)"

proves "a clean stop withdraws what was offered"
expect_within 10 grep -q 192.168.20 <(server_routes b1)
expect gateway_down b
expect_within 5 eval '! server_routes b1 | grep -q 192.168.20'
