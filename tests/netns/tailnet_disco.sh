#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Stock Tailscale clients find the gateway by disco and reach it directly, though no relay carries a
# packet between them: the gateway knows of none.
#
#   a-lan ── a-gw wan0 ── switch ── c1, c2 [tailscaled 203.0.113.11, .12]
#     [headgate 203.0.113.1]  │
#                           server [control or headscale, 203.0.113.9:8080, and a relay]
. "${0%/*}/scene.sh"
headgate_only
. "$scene_dir/tailnet_server.sh"
. "$scene_dir/tailnet_client.sh"
tailnet_begin
clients_begin

site_runs a headgate
site a
tailnet_wires a
client_node c1 203.0.113.11
client_node c2 203.0.113.12
expect server_up
expect clients_meet
auth_key >"$run/authkey"
chmod 600 "$run/authkey"
headscale_lines='Endpoints = 198.51.100.7:4500' # a NAT that has nothing behind it
tailnet_conf a
expect gateway_up a
expect_within 20 has_joined
expect client_up c1
expect client_up c2
expect_within 60 client_sees c1 a1
expect_within 60 client_sees c2 a1
gw=$(tailnet_address a)
c1=$(client_address c1)

goes_directly() { # NODE
	[ "$(client_path "$1" a1)" = 203.0.113.1:51820 ]
}

proves "the server knows where it is, by its own addresses and by the config"
endpoints_are_known() { server_says a1 '["Endpoints"]' | grep "'198.51.100.7:4500', '203.0.113.1:51820'"; }
[ "$server_kind" != control ] || expect_within 10 endpoints_are_known

proves "a client's ping is answered, and directly"
expect client c1 ping --until-direct --c 10 "$gw"

proves "a session begun by the client, and by the gateway"
expect_within 30 pings c1 "$gw"
expect goes_directly c1
expect_within 30 pings a-gw "$(client_address c2)"
expect_within 30 goes_directly c2

proves "the gateway says how it reaches them, and pings"
expect peers_show 'c1[.a-z]*: .*(direct, '
expect grep -q '"CurAddr": "203.0.113.11:' <(headgate_ctl a peers --json)
expect grep -q '^pong from c1[.a-z]* (100.64.0.[0-9]*) via 203.0.113.11:' <(headgate_ctl a ping --c 2 c1)
expect headgate_ctl a ping --until-direct "$(client_address c2)"
refuse headgate_ctl a ping nobody

proves "the gateway is stopped and started: it is another one for disco, and found again"
expect gateway_down a
expect gateway_up a
expect_within 30 pings c1 "$gw"
expect_within 30 pings a-gw "$(client_address c2)"

proves "so is a client; meanwhile it does not answer, and that is said"
expect client_down c1
refuse headgate_ctl a ping --c 1 c1
expect client_start c1
expect_within 30 pings a-gw "$c1"

proves "a client that moves is followed, once its pongs come from elsewhere"
on c1 ip addr del 203.0.113.11/24 dev wan0
on c1 ip addr add 203.0.113.21/24 dev wan0
on c1 ip route replace 10.203.0.9 dev wan0
expect_within 60 pings a-gw "$c1"
expect_within 30 peers_show 203.0.113.21:
expect_within 30 pings c1 "$gw"
