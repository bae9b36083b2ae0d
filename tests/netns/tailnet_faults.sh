#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What can go wrong on the way into a tailnet, each with the sentence that a user needs; and that
# a node comes back as the same one. The server is Tailscale's own test control server.
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
printf 'tskey-auth-wrong\n' >"$run/authkey"
expect server_up tskey-auth-right
tailnet_conf a

proves "plain http needs the server's key"
sed -i.whole '/^ServerKey/d' "$(conf_of a)"
refuse gateway_up a
expect grep -q 'over plain http anybody could be the server' "$run/gateway-a.log"
halt gateway-a

proves "another server than the pinned one is refused"
sed "s/^ServerKey = .*/ServerKey = mkey:$(printf '12%.0s' $(seq 32))/" "$(conf_of a).whole" \
	>"$(conf_of a)"
expect gateway_up a
expect_within 10 trouble_is 'another key than ServerKey says'
expect gateway_down a

proves "an auth key that others may read is not used"
mv "$(conf_of a).whole" "$(conf_of a)"
chmod 644 "$run/authkey"
expect gateway_up a
expect_within 10 trouble_is 'others may read the key'
chmod 600 "$run/authkey"
expect gateway_down a

proves "a wrong auth key: refused, and said so"
expect gateway_up a
expect_within 10 trouble_is 'refuses this node with the key of AuthKeyFile: invalid authkey'
expect [ "$(tailnet_says state)" = refused ]
expect gateway_down a

proves "the right one: in; and after a restart it is the same node"
printf 'tskey-auth-right\n' >"$run/authkey"
expect gateway_up a
expect_within 10 has_joined
node=$(server_says a1 '["Key"]')
expect gateway_down a

proves "a clean end has withdrawn what it offered"
expect [ "$(server_says a1 '["Hostinfo"].get("RoutableIPs") or []')" = '[]' ]
expect gateway_up a
expect_within 10 has_joined
expect [ "$(server_says a1 '["Key"]')" = "$node" ]

proves "the server goes and comes back: so does the stream, and nothing else changes"
ask_door -X POST "/fake?id=2"
expect_within 10 peers_are 1
halt server
expect_within 20 trouble_is 'connecting to 203.0.113.9:8080'
expect peers_are 1
expect peers_show 100.64.100.2/32
