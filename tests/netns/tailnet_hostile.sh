#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A server that is trusted with the tailnet, and turns against the gateway: what its maps may not
# take. The server is Tailscale's own test control server, reached by way of a router.
#
#   a-lan ── lan0 a-gw wan0 ─────────── wan0 server
#            [headgate hg0]             [control, 203.0.113.9:8080, also 198.51.100.9:8080]
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
on server ip addr add 198.51.100.9/32 dev lo
printf 'tskey-auth-right\n' >"$run/authkey"
expect server_up tskey-auth-right
spawn relay server socat TCP4-LISTEN:8080,bind=198.51.100.9,fork,reuseaddr TCP4:203.0.113.9:8080
server_url=http://198.51.100.9:8080
headscale_lines='AcceptRoutes = yes'
tailnet_conf a
sed -i '/^Address = 203.0.113.1/a Gateway = 203.0.113.9' "$(conf_of a)"
expect gateway_up a
expect_within 20 has_joined
own=$(server_says a1 '["Key"]')

some_key() { # -> a node's key that is nobody's
	echo "nodekey:$(wg genkey | wg pubkey | base64 -d | od -An -tx1 | tr -d ' \n')"
}
json_node() { # ID KEY NAME ADDRESS MORE-ALLOWED
	echo "{\"ID\":$1,\"Name\":\"$3\",\"Key\":\"$2\",\"MachineAuthorized\":true,
		\"Addresses\":[\"$4\"],\"AllowedIPs\":[\"$4\"${5:+,$5}]}"
}
changed() { # NODE…
	say_raw "{\"PeersChanged\":[$(IFS=, && echo "$*")]}"
}
prefixes_are() { # PEER LIST
	[ "$(headgate_ctl a whois "$1" | sed -n 's/  allowed ips: //p')" = "$2" ]
}

proves "what no peer may have: ports' networks, the way to the server, halves of the internet"
expect changed "$(json_node 77 "$(some_key)" bad. 100.64.7.7/32 '"203.0.113.0/24","192.168.10.0/25",
	"198.51.100.0/24","0.0.0.0/1","128.0.0.0/1","127.0.0.0/8","::1/128","8000::/1","10.9.0.0/16",
	"10.9.0.0/16","255.255.255.255/32","::/0","224.0.0.0/8","100.64.0.1/32"')"
expect_within 10 prefixes_are bad '10.9.0.0/16 100.64.7.7/32'
refuse routes_show 198.51.100
expect has_joined

proves "nor as its own address"
expect changed "$(json_node 78 "$(some_key)" worse. 198.51.100.9/32)" \
	"$(json_node 79 "$(some_key)" worst. 203.0.113.9/32)" "$(json_node 80 "$(some_key)" last. 100.64.7.8/32)"
expect_within 10 prefixes_are last 100.64.7.8/32
expect prefixes_are worse ''
expect prefixes_are worst ''
refuse routes_show 198.51.100.9

proves "nor we, where a port is"
say_raw "{\"Node\":$(json_node 1 "$own" a1. 203.0.113.200/32 '"127.0.0.1/32"')}"
expect_within 10 eval '! tailnet_address a | grep -q 100.64.0.1'
refuse grep -q 203.0.113.200 <(on a-gw ip addr show dev hg0)
expect has_joined

proves "our own key as a peer's, and two nodes with one key: no harm"
key=$(some_key)
expect changed "$(json_node 81 "$own" self. 100.64.7.9/32)" "$(json_node 82 "$key" twin1. 100.64.7.10/32)" \
	"$(json_node 83 "$key" twin2. 100.64.7.11/32)" "$(json_node 84 "$(some_key)" end. 100.64.7.12/32)"
expect_within 10 prefixes_are end 100.64.7.12/32
refuse peers_show 100.64.7.9/32

proves "a name moves no cursor, and neither does a message that is none"
escape=$(printf '\033')
expect changed "$(json_node 85 "$(some_key)" 'ev\u001b[2Jil.' 100.64.7.13/32)"
expect_within 10 peers_show 'ev?\[2Jil: 100.64.7.13/32'
refuse grep -q "$escape" <(headgate_ctl a status; headgate_ctl a peers; cat "$run/gateway-a.log")
