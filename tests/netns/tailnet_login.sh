#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A node without an auth key: a person lets it in by the URL that the gateway shows. Later its key
# expires, and it goes on with another one, with the same addresses. The server is Tailscale's own
# test control server.
#
#   a-lan ── lan0 a-gw wan0 ─────────── wan0 server
#            [headgate hg0]             [control, 203.0.113.9:8080]
. "${0%/*}/scene.sh"
headgate_only
. "$scene_dir/tailnet_server.sh"
only_with control
tailnet_begin

site_runs a headgate
site a
node server
wire a-gw wan0 server wan0
on server ip addr add 203.0.113.9/24 dev wan0
expect server_up login
tailnet_conf a
sed -i '/^AuthKeyFile/d' "$(conf_of a)"

state_is() { # STATE
	[ "$(tailnet_says state)" = "$1" ]
}

own_key() { # -> WireGuard's public key of the gateway
	wg show "${site_dev[a]}" public-key
}

key_is_not() { # KEY
	[ "$(own_key)" != "$1" ]
}

proves "the URL is in the status and in the log"
expect gateway_up a
expect_within 10 state_is 'needs login'
url=$(tailnet_says auth_url)
expect grep -q "$url" "$run/gateway-a.log"
expect grep -q "$url" <(headgate_ctl a status)

proves "once somebody has opened it the node is in"
expect ask_door -X POST "/login?url=$url"
expect_within 20 has_joined
address=$(tailnet_address a)
key=$(own_key)

proves "a key that expires gives way to a new one; the addresses stay"
ask_door -X POST "/expire?on=1"
expect_within 60 key_is_not "$key"
ask_door -X POST "/expire?on=0"
url=$(tailnet_says auth_url)
