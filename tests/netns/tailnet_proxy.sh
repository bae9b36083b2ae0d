#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A server that only a proxy reaches: its key, the session and answers to its pings go through a
# tunnel that the proxy gives; and what is said when it does not. The proxy is tinyproxy.
#
#   a-lan ── lan0 a-gw wan0 ──────────── wan0 proxy wan1 ─────────── wan0 server
#            [headgate hg0]              [tinyproxy, :3128]          [control, 192.0.2.9:8080]
. "${0%/*}/scene.sh"
headgate_only
. "$scene_dir/tailnet_server.sh"
only_with control
command -v tinyproxy >/dev/null || skip "needs tinyproxy"
tailnet_begin

site_runs a headgate
site a
node proxy
node server
wire a-gw wan0 proxy wan0
wire proxy wan1 server wan0
on proxy ip addr add 203.0.113.8/24 dev wan0
on proxy ip addr add 192.0.2.8/24 dev wan1
on server ip addr add 203.0.113.9/32 dev lo
on server ip addr add 192.0.2.9/24 dev wan0
on proxy ip route add 203.0.113.9 via 192.0.2.9
printf 'tskey-auth-right\n' >"$run/authkey"
expect server_up tskey-auth-right

proxy_up() { # LINE…: of its config
	printf '%s\n' 'Port 3128' 'Listen 203.0.113.8' 'Timeout 600' 'LogLevel Info' "$@" >"$run/tinyproxy.conf"
	spawn proxy proxy tinyproxy -d -c "$run/tinyproxy.conf"
	await 10 on proxy sh -c "ss -ltn | grep -q ':3128 '"
}
trouble_is() { # REGEX
	tailnet_says trouble | grep -q "$1"
}
with_proxy() { # VALUE of Proxy
	tailnet_conf a
	sed -i "s|^StateFile = .*|&\nProxy = $1|" "$(conf_of a)"
}

proves "through the proxy it joins, with the proxy's user and password"
expect proxy_up 'ConnectPort 8080' 'BasicAuth gateway s3cret'
with_proxy 'http://gateway:s3cret@203.0.113.8:3128'
expect gateway_up a
expect_within 20 has_joined
ask_door -X POST "/fake?id=2"
expect_within 10 peers_are 1
expect ask_door -X POST "/ping?node=$(server_says a1 '["Key"]')&url=$server_url/ping%3Fid=7"
is_answered() { ask_door /heads | grep -qxF '/ping?id=7'; }
expect_within 10 is_answered
refuse grep -rqE 's3cret|Z2F0ZXdheT' "$run/gateway-a.log"
refuse grep -qE 's3cret' <(headgate_ctl a status --json)

proves "the proxy goes and comes back: so does the session, and peers stay"
halt proxy
expect_within 20 trouble_is 'connecting to the proxy 203.0.113.8:3128'
expect peers_are 1
expect proxy_up 'ConnectPort 8080' 'BasicAuth gateway s3cret'
expect_within 40 has_joined

proves "a wrong password, and none: said so"
sed -i 's/gateway:s3cret/gateway:wr0ng/' "$(conf_of a)"
expect headgate_ctl a reload
expect_within 10 trouble_is 'the proxy 203.0.113.8:3128 does not take this user and password'
sed -i 's/gateway:wr0ng@//' "$(conf_of a)"
expect headgate_ctl a reload
expect_within 10 trouble_is 'wants a user and a password'

proves "a proxy that does not let us to that port"
halt proxy
expect proxy_up 'ConnectPort 443'
expect_within 40 trouble_is 'refuses the way to 203.0.113.9:8080 (403): have CONNECT to its port 8080'
