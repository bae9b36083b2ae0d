#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The peer's endpoint is a name: found late, another address later, and left alone while the peer
# has roamed. The name server runs on a-lan.
#
#   a-lan [dns] ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
#                  Endpoint = peer.test        .2, then .7, then .8
. "${0%/*}/scene.sh"
headgate_only

name_leads_to() { # [ADDRESS]
	echo "${1:-}" >"$run/answer"
}

b_moves() { # FROM TO
	on b-gw ip addr replace "203.0.113.$2/24" dev wan0
	on b-gw ip addr del "203.0.113.$1/24" dev wan0
}

two_sites
site_conf a b
site_conf b a:passive
sed -i 's/^Endpoint = .*/Endpoint = peer.test:51820/' "$(conf_of a)"
echo "nameserver $(host4 a)" >"$run/resolv.conf"
echo "options timeout:1 attempts:1" >>"$run/resolv.conf"
expect mount --bind "$run/resolv.conf" "$(readlink -f /etc/resolv.conf)"
name_leads_to
spawn dns a-lan python3 "$scene_dir/dns.py" "$(host4 a)" "$run/answer"
expect_within 5 grep -q listening "$run/dns.log"
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}

proves "a name that leads nowhere does not keep it from starting; it is tried again"
expect_within 10 grep -q "cannot look up its Endpoint peer.test" "$run/gateway-a.log"
name_leads_to 203.0.113.2
expect_within 15 endpoint_is "$dev" b 203.0.113.2:51820
expect pings a-lan "$(host4 b)"

proves "the peer comes up anew elsewhere and speaks to nobody: its name is looked up again"
expect gateway_down b
expect gateway_up b
b_moves 2 7
spawn asking a-lan ping -q -n -i 0.5 "$(host4 b)"
name_leads_to 203.0.113.7
expect_within 60 endpoint_is "$dev" b 203.0.113.7:51820
expect_within 15 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"

proves "a peer that roams is followed, and the name does not call it back while it answers"
b_moves 7 8
expect_within 20 on b-lan ping -q -n -c 1 -W 1 "$(host4 a)"
expect endpoint_is "$dev" b 203.0.113.8:51820
sleep 15
expect endpoint_is "$dev" b 203.0.113.8:51820
halt asking
expect pings a-lan "$(host4 b)"
