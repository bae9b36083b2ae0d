#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Nodes without an auth key: a person lets them in by the URL that the gateway shows. Later their
# keys expire, and they go on with other ones, with the same addresses. The server is Tailscale's
# own test control server.
#
#                   server [control, 203.0.113.9:8080]
#                     │
#                   switch
#                  ╱      ╲
#   a-lan ── a-gw [headgate]   b-gw [headgate] ── b-lan
. "${0%/*}/scene.sh"
headgate_only
. "$scene_dir/tailnet_server.sh"
only_with control
tailnet_begin

site_runs a headgate
site_runs b headgate
site a b
tailnet_wires a b
expect server_up login
for x in a b; do
	tailnet_conf $x
	sed -i '/^AuthKeyFile/d' "$(conf_of $x)"
done

let_in() { # X: a person opens the URL of the status
	expect_within 20 state_is 'needs login' "$1"
	local url
	url=$(tailnet_says auth_url "$1")
	expect grep -q "$url" "$run/gateway-$1.log"
	expect grep -q "$url" <(headgate_ctl "$1" status)
	expect ask_door -X POST "/login?url=$url"
	expect_within 20 has_joined "$1"
}
has_other_key() { # X KEY
	[ "$(own_key "$1")" != "$2" ]
}

proves "the URL is in the status and in the log; once somebody has opened it the node is in"
expect gateway_up a
let_in a
expect gateway_up b
let_in b
expect_within 20 pings a-gw "$(tailnet_address b)"

proves "keys expire and give way to new ones, for which a person is asked; the addresses stay"
addresses="$(tailnet_address a) $(tailnet_address b)"
keys=("$(own_key a)" "$(own_key b)")
ask_door -X POST "/expire?on=1"
expect_within 60 has_other_key a "${keys[0]}"
expect_within 60 has_other_key b "${keys[1]}"
ask_door -X POST "/expire?on=0"
let_in a
let_in b
expect [ "$(tailnet_address a) $(tailnet_address b)" = "$addresses" ]

proves "peers have the new keys, and packets pass"
ask_door -X POST "/fake?id=2" # this server tells of a new key when there is other news
expect_within 10 peers_are_the_servers a
expect_within 10 peers_are_the_servers b
expect_within 20 pings a-gw "$(tailnet_address b)"
