#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A stock Tailscale client and headgate find each other again: after the client's restart, after the
# gateway's, and when the client has another address under it. SUBJECT=stock puts a stock tailscaled
# in headgate's place.
#
#                  server [control or headscale, 203.0.113.9:8080, and a relay]
#                    │
#                  switch ── c1 [tailscaled, --accept-routes], 203.0.113.11, then .21
#                    │
#   a-lan ── lan0 a-gw wan0 [headgate, offers 192.168.10.0/24]
. "${0%/*}/scene.sh"
. "$scene_dir/tailnet_server.sh"
. "$scene_dir/tailnet_client.sh"
tailnet_begin
clients_begin

site_runs a headgate
site a
tailnet_wires a
client_node c1 203.0.113.11
expect server_up tskey-auth-right
expect clients_meet
auth_key >"$run/authkey"
gateway=$(router_name a)
expect router_up a
expect client_up c1 --accept-routes
approve_routes "$gateway" 192.168.10.0/24 >/dev/null
expect_within 60 pings c1 "$(host4 a)"
is_direct() {
	client c1 ping --until-direct --c 3 "$(router_address a)"
}

proves "the client restarts: it is the same node, and is reached at once"
expect client_down c1
expect client_up c1 --accept-routes
expect_within 60 pings c1 "$(host4 a)"
expect_within 60 pings a-lan "$(client_address c1)"
expect_within 60 is_direct

proves "it is killed: the same"
client_down c1 KILL
expect client_up c1 --accept-routes
expect_within 60 pings a-lan "$(client_address c1)"

proves "the gateway restarts"
expect router_down a
refuse on c1 ping -q -c 1 -W 2 "$(host4 a)"
expect router_up a
expect_within 60 pings c1 "$(host4 a)"
expect_within 60 is_direct

proves "the client's own address changes, and its flow goes on"
expect stream_begin c1 a-lan "$(host4 a)"
on c1 sysctl -qw net.ipv4.conf.all.promote_secondaries=1
on c1 ip addr add 203.0.113.21/24 dev wan0
on c1 ip addr del 203.0.113.11/24 dev wan0
on c1 ip route replace "$client_server" dev wan0
sleep 1
expect_within 60 stream_runs
stream_end
expect_within 60 is_direct
expect_within 60 pings a-lan "$(client_address c1)"
