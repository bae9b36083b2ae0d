#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The coordination server is away, for AWAY_SECONDS (12; a minute with --slow), and comes back as it
# was, without its database, or as another one; packets pass all the time.
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
away=${AWAY_SECONDS:-12}

site_runs a headgate
site_runs b headgate
site a b
tailnet_wires a b
server_keep=$run/server.key
expect server_up tskey-auth-right
auth_key >"$run/authkey"
headscale_lines='AcceptRoutes = yes'
tailnet_conf a
tailnet_conf b
expect gateway_up a
expect_within 20 peers_are 0 a
expect gateway_up b
expect_within 20 peers_are 1 a
expect_within 20 peers_are 1 b
approve_routes a1 192.168.10.0/24
approve_routes b1 192.168.20.0/24
expect_within 15 peers_show 192.168.20.0/24 a
expect_within 15 peers_show 192.168.10.0/24 b
expect_within 10 pings a-lan "$(host4 b)"

both() { # COMMAND…
	"$@" a && "$@" b
}
say_since_when() { # the status has a sentence with the reason and since when
	headgate_ctl a status | grep -i 'connecting to 203.0.113.9:8080'
}

proves "the server is away for $away s and comes back as it was: nothing is lost"
before=$(tailnet_address a)
flow_quiet=6 # machines stall
flow_start away a-lan b-lan "$(host4 b)" --rate 200 --seconds $((away + 8))
flow_start back b-lan a-lan "$(host4 a)" --rate 100 --seconds $((away + 8))
sleep 1
server_goes
expect_within 15 both trouble_is 'connecting to 203.0.113.9:8080'
expect say_since_when
sleep $((away - 3))
expect both peers_are 1
server_returns
expect_within 30 both has_joined
expect_within 15 both server_shows_site
flow_end away
expect [ "$flow_unique" = "$flow_sent" ]
flow_end back
expect [ "$flow_unique" = "$flow_sent" ]
expect [ "$(tailnet_address a)" = "$before" ]

proves "it dies, and its database with it: the gateways join anew by themselves"
halt server KILL
server_forgets
expect server_up tskey-auth-right
auth_key >"$run/authkey"
expect_within 40 both has_joined
expect_within 30 both server_shows_site
expect_within 20 both peers_are 1
expect_within 20 pings a-gw "$(tailnet_address b)"

proves "another server comes in its place: it is refused, with a sentence, and packets pass"
halt server
server_loses_key
expect server_up tskey-auth-right
expect_within 40 both trouble_is 'another key than ServerKey says'
expect grep -q 'another key than ServerKey says' <(headgate_ctl a status)
expect on a-gw ping -c 3 -W 2 "$(tailnet_address b)"
