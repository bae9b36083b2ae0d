#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The wg tool on hg0: show, showconf, set, setconf, addconf, syncconf.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"

two_sites
# The stock peer alone starts handshakes, and every 120 s: an earlier one is a lost session.
site_conf a b:passive
site_conf b a
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}
b=$(public_key b)
expect pings b-lan "$(host4 a)"

proves "show: the key, the port, the peer and its endpoint, as configured"
expect [ "$(wg show "$dev" public-key)" = "$(public_key a)" ]
expect [ "$(wg show "$dev" listen-port)" = 51820 ]
expect [ "$(wg show "$dev" peers)" = "$b" ]
expect endpoint_is "$dev" b 203.0.113.2:51820
expect sh -c "wg show $dev dump | awk 'NF < 8 && NR > 1 { exit 1 }'"

proves "showconf gives what setconf takes back, and the session lives through syncconf of it"
wg showconf "$dev" >"$run/shown"
expect grep -q "PublicKey = $b" "$run/shown"
before=$(wg show "$dev" latest-handshakes)
expect wg syncconf "$dev" "$run/shown"
expect [ "$(wg show "$dev" latest-handshakes)" = "$before" ]
expect pings a-lan "$(host4 b)"

proves "set: keepalive and allowed-ips of a live peer"
expect wg set "$dev" peer "$b" persistent-keepalive 7 \
	allowed-ips 10.0.0.2/32,192.168.20.0/24,172.31.0.0/16
expect [ "$(wg show "$dev" persistent-keepalive | cut -f 2)" = 7 ]
expect sh -c "wg show $dev allowed-ips | grep -q 172.31.0.0/16"
expect pings a-lan "$(host4 b)"

proves "addconf: one more peer; a prefix moves to it, as it does with the kernel"
new=$(wg genkey | wg pubkey)
printf '[Peer]\nPublicKey = %s\nAllowedIPs = 172.31.0.0/16, 10.7.7.0/24\n' "$new" >"$run/added"
expect wg addconf "$dev" "$run/added"
expect [ "$(wg show "$dev" peers | wc -l)" -eq 2 ]
refuse sh -c "wg show $dev allowed-ips | grep '$b' | grep -q 172.31.0.0/16"

proves "syncconf to the former file: the added peer is gone, the live one untouched"
expect wg syncconf "$dev" "$run/shown"
expect [ "$(wg show "$dev" peers)" = "$b" ]
expect [ "$(wg show "$dev" latest-handshakes)" = "$before" ]

proves "set: another listen port, and the peer follows; a peer removed is cut off"
expect wg set "$dev" listen-port 51999
expect pings a-lan "$(host4 b)"
expect endpoint_is "${site_dev[b]}" a 203.0.113.1:51999
expect wg set "$dev" peer "$b" remove
refuse on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"

proves "setconf: all anew, and working"
sed -i 's/^ListenPort = .*/ListenPort = 51820/' "$run/shown"
expect wg setconf "$dev" "$run/shown"
expect_within 10 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"

proves "the socket is the owner's alone, and what is wrong is refused"
expect [ "$(stat -c %a /run/wireguard/"$dev".sock)" = 600 -o "$subject" = stock ]
uapi() { # LINES -> the answer
	printf '%b\n' "$1" | timeout 5 socat -t 2 - "UNIX-CONNECT:/run/wireguard/$dev.sock"
}
expect bash -c "grep -q 'errno=0' <<<'$(uapi 'get=1\n')'"
refuse bash -c "grep -q 'errno=0' <<<'$(uapi 'set=1\nlisten_port=99999\n')'"
refuse bash -c "grep -q 'errno=0' <<<'$(uapi 'set=1\nno_such_key=1\n')'"
expect is_alive gateway-a
