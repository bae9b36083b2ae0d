#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Auth keys that headscale takes no more, and nodes whose keys have expired. Needs
# TAILNET_SERVER=headscale.
#
#                   server [headscale, 203.0.113.9:8080]
#                     │
#                   switch
#                  ╱      ╲
#   a-lan ── a-gw [headgate]   b-gw [headgate] ── b-lan
. "${0%/*}/scene.sh"
headgate_only
. "$scene_dir/tailnet_server.sh"
only_with headscale
tailnet_begin

site_runs a headgate
site_runs b headgate
site a b
tailnet_wires a b
expect server_up
expect hs users create lab
headscale_lines='AcceptRoutes = yes'
tailnet_conf a
tailnet_conf b

a_key() { # OPTION… -> a key of the person lab
	hs preauthkeys create -u 1 "$@"
}
key_id() { # -> of the newest key
	hs preauthkeys list -o json | python3 -c '
import json, sys
print(max(int(k["id"]) for k in json.load(sys.stdin)))'
}
is_refused() { # REASON: with it, in the status and in the log
	expect_within 15 trouble_is "refuses this node with the key of AuthKeyFile: .*$1.*make another"
	expect state_is refused
	expect grep -q "refuses this node with the key of AuthKeyFile: .*$1" "$run/gateway-a.log"
	expect grep -q "$1" <(headgate_ctl a status)
}

proves "a key that has expired"
a_key -e 1s >"$run/authkey"
sleep 1.5
expect gateway_up a
is_refused expired

proves "one that was used up"
a_key >"$run/authkey.new"
expect clients_join dot 1 "$(cat "$run/authkey.new")"
mv "$run/authkey.new" "$run/authkey"
is_refused used

proves "one that was revoked, and one that nobody knows"
a_key --reusable >"$run/authkey.new"
hs preauthkeys expire -i "$(key_id)" >/dev/null
mv "$run/authkey.new" "$run/authkey"
is_refused expired
printf 'hskey-auth-abcdefghijkl-%064d\n' 7 >"$run/authkey"
is_refused 'invalid\|not found'

proves "a good one, put there while the gateway runs"
a_key --reusable -e 1h >"$run/authkey"
expect_within 30 has_joined a
expect gateway_up b
expect_within 30 peers_are 2 b
expect_within 20 pings b-gw "$(tailnet_address a)"

proves "a node expires: its peers drop it at once, and with its key it comes back as it was"
address=$(tailnet_address a) before=$(own_key a)
hs nodes expire -i "$(hs_node a1 'n["id"]')" >/dev/null
has_other_key() {
	[ "$(own_key a)" != "$before" ]
}
expect_within 60 has_other_key
expect_within 30 has_joined a
expect [ "$(tailnet_address a)" = "$address" ]
expect_within 20 peers_are_the_servers b
expect_within 20 pings b-gw "$(tailnet_address a)"

proves "a new name, and a tag, leave the traffic alone"
flow_start names b-gw a-gw "$address" --rate 100 --seconds 5
hs nodes rename -i "$(hs_node a1 'n["id"]')" renamed >/dev/null
expect_within 10 peers_show renamed b
hs nodes tag -i "$(hs_node a1 'n["id"]')" -t tag:gw >/dev/null
flow_end names
expect [ "$flow_unique" = "$flow_sent" ]
expect_within 10 pings b-gw "$address"
