#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Nodes come and go, thirty of them, while packets pass between two gateways: the peers are always
# those that the server has, and nothing is lost. Then one of the gateways is deleted.
#
#                   server [control or headscale, 203.0.113.9:8080], 30 nodes without a tunnel
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

guest_key=$(ephemeral_key)
wave() { # NUMBER of peers that there are to be
	expect_within 30 peers_are "$1" a
	expect_within 30 peers_are "$1" b
	expect peers_are_the_servers a
	expect peers_are_the_servers b
}

proves "thirty nodes come and go in waves: the peers are the server's, and no packet is lost"
flow_quiet=6 # machines stall
flow_start waves a-lan b-lan "$(host4 b)" --rate 200 --seconds 12
expect clients_join ant 15 "$guest_key"
wave 16
expect clients_join bee 15 "$guest_key"
wave 31
expect clients_leave bee
wave 16
expect clients_join cow 10 "$guest_key"
wave 26
expect clients_leave cow
expect clients_leave ant
wave 1
flow_end waves
expect [ "$flow_unique" = "$flow_sent" ]

if [ "$server_kind" = control ]; then
	proves "a node is deleted: its session ends at once; it comes back as another one"
	was=$(tailnet_address b)
	expect ask_door -X POST "/fake?id=9"
	expect_within 10 peers_are 2 a
	expect on a-gw ping -c 1 -W 2 "$was"
	echo tskey-auth-wrong >"$run/authkey"
	expect ask_door -X POST "/delete?name=b1"
	expect_within 5 peers_are 1 a
	refuse on a-gw ping -c 1 -W 1 "$was"
	expect_within 10 trouble_is 'refuses this node with the key of AuthKeyFile' b
	auth_key >"$run/authkey"
	expect_within 20 has_joined b
	expect_within 20 pings a-gw "$(tailnet_address b)"
	expect [ "$(tailnet_address b)" != "$was" ]
	expect peers_are_the_servers a
fi
