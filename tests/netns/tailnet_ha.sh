#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Two gateways that offer one network to a third: headscale asks both for signs of life, one is the
# way, and when it freezes the other one is. Needs TAILNET_SERVER=headscale.
#
#                   server [headscale, 203.0.113.9:8080, probes every 4 s]
#                     │
#                   switch
#                  ╱   │   ╲
#   a-gw [headgate]  b-gw [headgate]  c-gw [headgate]
. "${0%/*}/scene.sh"
headgate_only
. "$scene_dir/tailnet_server.sh"
only_with headscale
tailnet_begin

for x in a b c; do site_runs "$x" headgate; done
site a b c
tailnet_wires a b c
expect server_up
auth_key >"$run/authkey"
headscale_lines='AcceptRoutes = yes'
for x in a b c; do
	tailnet_conf "$x"
	[ "$x" = c ] || sed -i 's|^AdvertiseRoutes = .*|AdvertiseRoutes = 172.30.0.0/16|' "$(conf_of "$x")"
	expect gateway_up "$x"
	expect_within 20 has_joined "$x"
done
approve_routes a1 172.30.0.0/16
approve_routes b1 172.30.0.0/16
way() { # -> the node that c sends that network to
	headgate_ctl c whois 172.30.0.1 | head -n 1 | cut -d . -f 1
}
way_is() { [ "$(way)" = "$1" ]; }

proves "one of them is the way, and stays it: both answer the probes"
expect_within 20 eval '[ -n "$(way)" ]'
first=$(way)
sleep 13
expect way_is "$first"
refuse grep -qiE 'unhealthy|probe (failed|timed out)' "$run/server.log"

proves "it freezes: the other one is the way"
other=$([ "$first" = a1 ] && echo b1 || echo a1)
kill -STOP "${net_pid[gateway-${first%1}]}"
expect_within 40 way_is "$other"
kill -CONT "${net_pid[gateway-${first%1}]}"
