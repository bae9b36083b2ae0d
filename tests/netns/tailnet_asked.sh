#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the server asks of a node: signs of life and requests of its own are answered, once each, and
# to the server alone. The server is Tailscale's own test control server.
#
#   a-lan ── lan0 a-gw wan0 ─────────── wan0 server
#            [headgate hg0]             [control, 203.0.113.9:8080; somebody else's, :8099]
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
tailnet_conf a
expect gateway_up a
expect_within 20 has_joined
node=$(server_says a1 '["Key"]')

ping_it() { # URL [MORE]
	ask_door -X POST "/ping?node=$node&url=$1${2:-}"
}
was_asked() { # URL: by HEAD
	ask_door /heads | grep -qxF -- "$1"
}

proves "a ping is answered outside of Noise, with the id that it came with"
expect ping_it "$server_url/machine/ping-response%3Fid=7"
expect_within 10 was_asked '/machine/ping-response?id=7'

proves "whatever host a ping names, the answer goes to the server"
spawn stranger server socat -u TCP4-LISTEN:8099,fork,reuseaddr "CREATE:$run/strange"
expect_within 10 on server sh -c "ss -ltn | grep -q ':8099 '"
expect ping_it "http://203.0.113.9:8099/machine/ping-response%3Fid=8"
expect_within 10 was_asked '/machine/ping-response?id=8'
refuse [ -s "$run/strange" ]

proves "the same ping twice is answered once; one over Noise, and one of another kind, not beside it"
expect ping_it "$server_url/generate_204?over-noise" "&noise=1"
expect ping_it "$server_url/machine/ping-response%3Fid=9" "&types=disco"
expect ping_it "$server_url/machine/ping-response%3Fid=7"
expect ping_it "$server_url/machine/ping-response%3Fid=10"
expect_within 10 was_asked '/machine/ping-response?id=10'
expect [ "$(ask_door /heads | wc -l)" = 3 ]

proves "requests of the server: an echo comes back, and nothing else is there"
request() { # PATH -> the node's status and answer
	ask_door -H 'Content-Type: text/plain' -d hello "/c2n?node=$node&path=$1"
}
expect [ "$(request /echo)" = '200 hello' ]
expect [ "$(request /debug/goroutines)" = '404 404 Not Found' ]
expect has_joined
