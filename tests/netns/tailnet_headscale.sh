#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What headscale itself decides while two gateways run: its policy, whose node is whose, who is
# deleted, who has to log in. Needs TAILNET_SERVER=headscale.
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
auth_key >"$run/authkey"
headscale_lines='AcceptRoutes = yes'
tailnet_conf a
tailnet_conf b
expect gateway_up a
expect gateway_up b
expect_within 20 peers_are 1 a
expect_within 20 peers_are 1 b
approve_routes a1 192.168.10.0/24
approve_routes b1 192.168.20.0/24
expect_within 15 peers_show 192.168.20.0/24 a
expect_within 15 peers_show 192.168.10.0/24 b
expect_within 10 pings a-lan "$(host4 b)"

policy() { # ACLS
	echo "{\"tagOwners\":{\"tag:gw\":[]},\"acls\":[$1]}" >"$run/hs/policy.hujson"
	kill -HUP "${net_pid[server]}"
}
ping_once() { # NODE ADDRESS
	on "$1" ping -q -c 1 -W 1 "$2"
}
is_cut() { # NODE ADDRESS
	! ping_once "$@"
}

proves "a policy that allows nothing cuts what runs; another brings it back"
policy ''
expect_within 4 is_cut a-lan "$(host4 b)"
expect is_cut b-gw "$(tailnet_address a)"
policy '{"action":"accept","src":["192.168.10.0/24"],"dst":["192.168.20.0/24:*"]}'
expect_within 4 ping_once a-lan "$(host4 b)"
expect is_cut b-lan "$(host4 a)"
policy '{"action":"accept","src":["*"],"dst":["*:*"]}'
expect_within 4 ping_once b-lan "$(host4 a)"

proves "a route that is approved no longer is gone"
hs nodes approve-routes -i "$(hs_node b1 'n["id"]')" -r '' >/dev/null
expect_within 5 eval '! peers_show 192.168.20.0/24 a'
approve_routes b1 192.168.20.0/24
expect_within 5 peers_show 192.168.20.0/24 a

proves "a node that is deleted is cut at once, and comes back as another one"
before=$(tailnet_address b)
hs nodes delete -i "$(hs_node b1 'n["id"]')" --force >/dev/null
expect_within 3 peers_are 0 a
expect_within 60 peers_are 1 a
expect_within 10 has_joined b
expect [ "$(tailnet_address b)" != "$before" ]
expect_within 10 pings a-gw "$(tailnet_address b)"

proves "a person lets a node in that has no key"
expect gateway_down b
rm "$run/b/tailnet.state"
sed -i '/^AuthKeyFile/d' "$(conf_of b)"
expect hs users create lab
expect gateway_up b
expect_within 10 trouble_is 'waits to be let in: open http://203.0.113.9:8080/register/' b
url=$(tailnet_says auth_url b)
expect hs auth register --auth-id "${url##*/}" --user lab
expect_within 20 has_joined b
expect_within 10 pings a-gw "$(tailnet_address b)"

proves "its key expires: peers drop it, and it asks to be let in anew"
hs nodes expire -i "$(hs nodes list -o json | python3 -c "
import json, sys
print([n['id'] for n in json.load(sys.stdin) if n['name'] == 'b1' and n.get('user')][-1])")" >/dev/null
expect_within 5 is_cut a-gw "$(tailnet_address b)"
expect_within 60 trouble_is 'waits to be let in' b
