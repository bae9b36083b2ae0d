#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A coordination server behind TLS: its certificate vouches for its key, so none is pinned; and
# what is said when it does not.
#
#   a-lan ── lan0 a-gw wan0 ─────────── wan0 server
#            [headgate hg0]             [control or headscale, 203.0.113.9:8080]
. "${0%/*}/scene.sh"
headgate_only
. "$scene_dir/tailnet_server.sh"
tailnet_begin

site_runs a headgate
site a
node server
wire a-gw wan0 server wan0
on server ip addr add 203.0.113.9/24 dev wan0

certificate() { # FILE SUBJECT-ALT-NAME: signed by itself
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-keyout "$1.key" -out "$1" -subj /CN=server -addext "subjectAltName=$2" 2>/dev/null
}

certificate "$run/right.pem" IP:203.0.113.9
certificate "$run/wrong.pem" IP:203.0.113.10
server_url=https://203.0.113.9:8080
server_cert=$run/right.pem
expect server_up tskey-auth-right
auth_key >"$run/authkey"
tailnet_conf a
sed -i '/^ServerKey/d' "$(conf_of a)"

proves "a certificate of nobody's is not trusted"
expect gateway_up a
expect_within 10 trouble_is 'certificate is not trusted: self-signed certificate; name the CA'
expect gateway_down a

proves "…until its CA is named"
echo "CAFile = $run/right.pem" >>"$(conf_of a)"
expect gateway_up a
expect_within 20 has_joined
expect_within 10 server_shows a1
expect gateway_down a

proves "a trusted certificate of another name is no better"
halt server
rm -rf "${run:?}/hs"
server_cert=$run/wrong.pem
expect server_up tskey-auth-right
sed -i "s|^CAFile = .*|CAFile = $run/wrong.pem|" "$(conf_of a)"
rm "$run/a/tailnet.state"
expect gateway_up a
expect_within 10 trouble_is 'certificate is for another name'
