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
expect gateway_down a

with_certificate() { # FILE: another server, with that one
	halt server
	rm -rf "${run:?}/hs"
	server_cert=$1
	expect server_up tskey-auth-right
	rm -f "$run/a/tailnet.state"
	expect gateway_up a
}

proves "…nor one that has expired, nor one that an unknown CA signed"
openssl req -new -key "$run/right.pem.key" -subj /CN=server -out "$run/request"
echo subjectAltName=IP:203.0.113.9 >"$run/names"
expect openssl x509 -req -in "$run/request" -extfile "$run/names" -days -1 \
	-key "$run/right.pem.key" -out "$run/old.pem"
cp "$run/right.pem.key" "$run/old.pem.key"
sed -i "s|^CAFile = .*|CAFile = $run/old.pem|" "$(conf_of a)"
with_certificate "$run/old.pem"
expect_within 10 trouble_is 'certificate has expired'
expect gateway_down a
expect openssl x509 -req -in "$run/request" -extfile "$run/names" -days 2 -CAcreateserial \
	-CA "$run/wrong.pem" -CAkey "$run/wrong.pem.key" -out "$run/signed.pem"
cp "$run/right.pem.key" "$run/signed.pem.key"
sed -i "s|^CAFile = .*|CAFile = $run/right.pem|" "$(conf_of a)"
with_certificate "$run/signed.pem"
expect_within 10 trouble_is 'not trusted: unable to get local issuer certificate; name the CA'
expect gateway_down a

proves "http:// to a server that speaks TLS, and https:// to one that does not"
sed "s|^Server = .*|Server = http://203.0.113.9:8080|; /^CAFile/d" "$(conf_of a)" >"$run/plain.conf"
server_url=${server_url/https/http}
cat "$run/plain.conf" >"$(conf_of a)"
echo "ServerKey = $(server_key)" >>"$(conf_of a)"
rm -f "$run/a/tailnet.state"
expect gateway_up a
expect_within 10 trouble_is 'answered 400 .*https://'
expect gateway_down a
sed -i 's|^Server = .*|Server = https://203.0.113.9:8080|; /^ServerKey/d' "$(conf_of a)"
with_certificate ''
expect_within 10 trouble_is 'does not speak TLS .*http://'
