#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A coordination server whose connections end, go wrong or stall, after the first byte, in the
# middle of anything, or again and again: the gateway is back as soon as it can be, keeps its peers
# meanwhile, and does not hammer at the door.
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
expect server_up tskey-auth-right
auth_key >"$run/authkey"
tailnet_conf a
expect gateway_up a
expect_within 20 has_joined
for id in 2 3 4; do ask_door -X POST "/fake?id=$id"; done
expect_within 10 peers_are 3

count() { # 1 connections so far; 2 of them that met the fault
	ask_door /counts | cut -d ' ' -f "$1"
}
has_met_fault() {
	[ "$(count 2)" -gt 0 ]
}
is_back() {
	[ "$(ask_door /online)" -gt 0 ] && has_joined
}

# The answer to the upgrade, the handshake, HTTP/2's settings, a registration or two, the map.
proves "a connection that ends, or goes wrong, at any stage"
for fault in cut:{0,140,300,700} reset:{60,450,1200} garbage:{60,200,700}; do
	ask_door -X POST "/fault?kind=${fault%:*}&after=${fault#*:}"
	expect_within 20 has_met_fault
	expect peers_are 3
	ask_door -X POST "/fault?kind="
	expect_within 20 is_back
	expect peers_are 3
done

proves "one that stalls: in the handshake, and behind the first map"
for after in 60 1500; do
	ask_door -X POST "/fault?kind=stall&after=$after"
	expect_within 20 has_met_fault
	expect_within 30 trouble_is '203.0.113.9:8080 \(does not answer\|has fallen silent\)'
	ask_door -X POST "/fault?kind="
	expect_within 20 is_back
done

proves "one that brings a byte at a time is slow, no more"
ask_door -X POST "/fault?kind=slow&after=0"
expect_within 20 has_met_fault
expect_within 30 is_back
ask_door -X POST "/fault?kind="
expect_within 20 is_back

proves "a server that ends every stream behind its first map is asked less and less often"
ask_door -X POST "/fault?kind=cut&after=1500"
before=$(count 1)
sleep 5
after=$(count 1)
say "$((after - before)) connections in 5 s"
expect [ $((after - before)) -lt 40 ]
expect peers_are 3
ask_door -X POST "/fault?kind="
expect_within 30 is_back
