#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Stock Tailscale clients in a tailnet: they join and reach each other directly.
#
#            server [control or headscale, 203.0.113.9:8080, and a relay]
#              │
#            switch
#           ╱      ╲
#   c1 [tailscaled] c2 [tailscaled]
. "${0%/*}/scene.sh"
headgate_only
. "$scene_dir/tailnet_server.sh"
. "$scene_dir/tailnet_client.sh"
tailnet_begin
clients_begin

tailnet_wires
client_node c1 203.0.113.11
client_node c2 203.0.113.12
expect server_up tskey-auth-right
expect clients_meet
auth_key >"$run/authkey"

proves "two clients join, and see each other"
expect client_up c1
expect client_up c2
expect_within 60 client_sees c1 c2
expect_within 60 client_sees c2 c1

proves "directly, in both families"
expect client c1 ping --until-direct --c 20 "$(client_address c2)"
expect pings c1 "$(client_address c2)"
expect pings c2 "$(client_address c1 6)"
