#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A node of a tailnet: joins with a key, shows up at the server with what it offers, and has peers
# that come and go with the tailnet. The server is Tailscale's own test control server
# (tests/interop/control).
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
printf 'tskey-auth-right\n' >"$run/authkey"
expect server_up tskey-auth-right

proves "it joins, with a state file of its own that nobody else reads"
tailnet_conf a
expect gateway_up a
expect_within 20 has_joined
expect [ "$(stat -c %a "$run/a/tailnet.state")" = 600 ]
refuse grep -q "$(cat "$run/authkey")" "$run/gateway-a.log"

proves "the server has its name, its routes and where it is"
expect_within 10 server_shows a1
expect [ "$(server_says a1 '["Hostinfo"]["RoutableIPs"]')" = "['192.168.10.0/24']" ]
is_found() { server_says a1 '["Endpoints"]' | grep -q "'203.0.113.1:51820'"; }
expect_within 10 is_found

proves "the status has the names that tailscale's has, and says what is not right"
status_says() { # PYTHON-EXPRESSION of s
	headgate_ctl a status --json | python3 -c "import json, sys; s = json.load(sys.stdin); print($1)"
}
expect [ "$(status_says 's["BackendState"], s["Self"]["TailscaleIPs"][0]')" = 'Running 100.64.0.1' ]
expect grep -q 'not approved by the server.s last word.*192.168.10.0/24' <(headgate_ctl a status)

proves "its address in the tailnet is on hg0, whose MTU is the tailnet's"
expect grep -q 100.64.0.1/32 <(on a-gw ip -4 addr show dev hg0)
expect grep -q 'mtu 1280' <(on a-gw ip link show dev hg0)

proves "peers come with the tailnet, beside those of the config"
expect peers_are 0
ask_door -X POST "/fake?id=2"
expect_within 10 peers_are 1
expect peers_show 'fake2.tail.test: 100.64.100.2/32'
expect peers_show 203.0.113.77:1002
expect grep -q fake2.tail.test <(headgate_ctl a whois 100.64.100.2)
expect [ "$(status_says '[p["HostName"] for p in s["Peer"].values()]')" = "['fake2']" ]
expect grep -q 100.64.100.2/32 <(headgate_ctl a whois fake2)
refuse headgate_ctl a whois 100.64.100.77
expect routes_show 100.64.100.2
for id in $(seq 3 22); do ask_door -X POST "/fake?id=$id"; done
expect_within 10 peers_are 21
expect_within 10 peers_show 100.64.100.22/32

proves "its access rules are in force, cut to what is ours"
expect filter_shows '"on": true'
expect filter_shows 'tailnet: . sources to'

proves "a delta: another endpoint, then the node goes at once"
say_raw '{"PeersChangedPatch":[{"NodeID":1002,"Endpoints":["203.0.113.77:1234"]}]}'
expect_within 5 peers_show 203.0.113.77:1234

proves "a node with a new key takes its addresses along"
before=$(headgate_ctl a peers | grep 100.64.100.22/32)
say_raw '{"PeersChangedPatch":[{"NodeID":1022,"Key":"nodekey:'"$(wg genkey | wg pubkey |
	base64 -d | od -An -tx1 | tr -d ' \n')"'"}]}'
expect_within 5 has_changed 100.64.100.22/32 "$before"
expect peers_are 21
expect routes_show 100.64.100.22

say_raw '{"PeersRemoved":[1002]}'
expect_within 5 peers_are 20
refuse routes_show '100.64.100.2 '

proves "a node that registers anew, with the key it had, is another one to the server and one to us"
as_id() { # ID PORT -> that node by that id
	server_says fake21 '' | python3 -c "
import ast, json, sys
print(json.dumps(ast.literal_eval(sys.stdin.read()) | {'ID': $1, 'Endpoints': ['203.0.113.77:$2']}))"
}
say_raw "{\"PeersRemoved\":[1021],\"PeersChanged\":[$(as_id 900 2345)]}"
expect_within 5 peers_show 203.0.113.77:2345
expect peers_are 20
say_raw "{\"PeersRemoved\":[900],\"PeersChanged\":[$(as_id 1021 2346)]}"
expect_within 5 peers_show 203.0.113.77:2346
expect peers_show 100.64.100.21/32
expect peers_are 20

proves "a node whose key has expired is no peer; with a later date it is one again"
expires() { # WHEN
	say_raw "{\"PeersChangedPatch\":[{\"NodeID\":1020,\"KeyExpiry\":\"$1\"}]}"
}
expires 2001-01-01T00:00:00Z
expect_within 5 peers_are 19
refuse peers_show 100.64.100.20/32
expires 2100-01-01T00:00:00Z
expect_within 5 peers_are 20

proves "another policy: no rule, nothing may come in"
say_raw '{"PacketFilters":{"*":null,"base":[]}}'
expect_within 5 eval '! filter_shows tailnet:'
expect filter_shows '"on": true'

proves "the last good map stands while the server is away, and a new one takes nothing away"
halt server
expect_within 20 eval '! has_joined'
expect grep -q 'the server is out of reach for .*: ' <(headgate_ctl a status)
expect peers_are 20
expect peers_show 100.64.100.22/32

