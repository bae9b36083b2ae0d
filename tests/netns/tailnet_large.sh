#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A tailnet of 10,000 nodes joins while packets pass, and then changes all the time: nothing is lost,
# and what the server said last is what runs.
#
#                   server [control, 203.0.113.9:8080]
#                     │
#                   switch
#                  ╱      ╲
#   a-lan ── a-gw [headgate]   b-gw [headgate] ── b-lan
. "${0%/*}/scene.sh"
headgate_only
. "$scene_dir/tailnet_server.sh"
only_with control
tailnet_begin
nodes=${TAILNET_NODES:-10000}

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
expect gateway_up b
for x in a b; do
	expect_within 20 peers_are 1 "$x"
done
approve_routes a1 192.168.10.0/24
approve_routes b1 192.168.20.0/24
expect_within 15 peers_show 192.168.20.0/24 a
expect_within 15 peers_show 192.168.10.0/24 b
expect_within 10 pings a-lan "$(host4 b)"

server_says b1 '' | python3 -c '
import ast, json, sys
n = ast.literal_eval(sys.stdin.read())
n["AllowedIPs"] = n["AllowedIPs"] + ["192.168.20.0/24"]
json.dump(n, sys.stdout)' >"$run/b1.json"
python3 "$scene_dir/big_map.py" whole "$nodes" "$run/b1.json" >"$run/whole.json"
for round in 1 2 3 4 5; do
	python3 "$scene_dir/big_map.py" change 1000 "$round" >"$run/change$round.json"
done

proves "$nodes nodes come, and a thousand change, again and again; no packet of others is lost"
flow_quiet=6 # machines stall
flow_start busy a-lan b-lan "$(host4 b)" --rate 500 --seconds 14
sleep 1
began=$SECONDS
say_raw "@$run/whole.json"
expect_within 30 peers_are $((nodes + 1))
say "all of them after $((SECONDS - began)) s"
for round in 1 2 3 4 5; do
	say_raw "@$run/change$round.json"
	sleep 0.5
done
expect_within 10 peers_show '198.51.100.251:1029 .*big999.tail.test'
flow_end busy
expect [ "$flow_unique" = "$flow_sent" ]

proves "they go"
say_raw "{\"Peers\":[$(cat "$run/b1.json")]}"
expect_within 30 peers_are 1
expect_within 10 pings a-lan "$(host4 b)"
