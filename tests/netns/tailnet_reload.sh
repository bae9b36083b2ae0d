#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A node whose config changes, and whose peers `wg` changes: it stays the node that it is, with all
# its sessions. The server is Tailscale's own test control server.
#
#                   server [control, 203.0.113.9:8080]
#                     │
#                   switch
#                  ╱      ╲
#   a-lan ── a-gw [headgate]   b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"
headgate_only
. "$scene_dir/tailnet_server.sh"
only_with control
tailnet_begin

site_runs a headgate
site_runs b stock
site a b
tailnet_wires a b
printf 'tskey-auth-right\n' >"$run/authkey"
expect server_up tskey-auth-right
headscale_lines='AcceptRoutes = no'
tailnet_conf a
sed -i "/^\[Interface\]/a PrivateKey = $(cat "$run/a/private.key")" "$(conf_of a)"
site_conf b a
expect gateway_up a
expect gateway_up b
expect_within 20 has_joined
ask_door -X POST "/fake?id=2"
expect_within 10 peers_are 1
joins() { grep -c 'tailnet: this node is' "$run/gateway-a.log"; }
expect [ "$(joins)" = 1 ]

proves "a peer that wg adds is let in at once, and the tailnet's peers stay"
refuse filter_shows 'peers of the config'
expect wg set "${site_dev[a]}" peer "$(public_key b)" endpoint 203.0.113.2:51820 \
	allowed-ips 192.168.20.0/24,10.0.0.2/32
expect_within 10 pings b-lan "$(host4 a)"
expect peers_are 1
wg showconf "${site_dev[a]}" | sed '/^\[Peer\]/,$d' >"$run/without"
conf_peer b >>"$run/without"
expect wg syncconf "${site_dev[a]}" "$run/without"
expect peers_are 1
expect peers_show 100.64.100.2/32
expect filter_shows 'peers of the config'
expect pings b-lan "$(host4 a)"

proves "another name, other routes: the server hears of it, and no session ends"
conf_peer b >>"$(conf_of a)"
expect headgate_ctl a reload
expect_within 10 pings b-lan "$(host4 a)"
before=$(wg show "${site_dev[a]}" latest-handshakes)
sed -i 's/^Hostname = .*/Hostname = renamed/; s/^AcceptRoutes = .*/AcceptRoutes = yes/
	s|^AdvertiseRoutes = .*|AdvertiseRoutes = 192.168.10.0/24, 10.77.0.0/16|' "$(conf_of a)"
expect headgate_ctl a reload
is_renamed() { server_says renamed '["Hostinfo"]["RoutableIPs"]' | grep -q 10.77.0.0/16; }
expect_within 10 is_renamed
expect pings b-lan "$(host4 a)"
expect [ "$(wg show "${site_dev[a]}" latest-handshakes)" = "$before" ]
expect peers_are 1
expect [ "$(joins)" = 1 ]

proves "another way to the server is taken at once, by a session anew"
sed -i "s|^StateFile = .*|&\nCAFile = $run/ca.pem|" "$(conf_of a)" # over plain http nobody reads it
expect headgate_ctl a reload
expect_within 10 eval '[ "$(joins)" = 2 ]'
expect_within 10 pings b-lan "$(host4 a)"
