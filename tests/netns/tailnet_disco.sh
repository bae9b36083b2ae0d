#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Stock Tailscale clients find the gateway by disco and reach it directly, though no relay would
# carry a packet between them: the gateway knows of none.
#
#   a-lan ── a-gw wan0 ── switch ── c1 [tailscaled]
#     [headgate 203.0.113.1]  │ └── c2 [tailscaled]
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
expect server_up tskey-auth-right
expect clients_meet
auth_key >"$run/authkey"
chmod 600 "$run/authkey"
tailnet_conf a
expect gateway_up a
expect_within 20 has_joined
expect client_up c1
expect client_up c2
expect_within 60 client_sees c1 a1
expect_within 60 client_sees c2 a1
gw=$(tailnet_address a)

proves "a client's ping is answered, and directly"
expect client c1 ping --until-direct --c 10 "$gw"
expect client c2 ping --until-direct --c 10 "$gw"

proves "a session begun by the client"
expect_within 30 pings c1 "$gw"
expect [ "$(client_path c1 a1)" = 203.0.113.1:51820 ]

proves "a session begun by the gateway"
expect_within 30 pings a-gw "$(client_address c2)"
