#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Private keys that change, go and come back on a running gateway, prefixes that move from peer
# to peer, and public keys that are none.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}
expect pings a-lan "$(host4 b)"

known_as() { # KEY: what b takes a for
	wg set "${site_dev[b]}" peer "$(wg show "${site_dev[b]}" peers)" remove
	wg set "${site_dev[b]}" peer "$1" endpoint 203.0.113.1:51820 \
		allowed-ips 10.0.0.1/32,192.168.10.0/24
}

proves "another private key: the next packet starts a handshake as the new self"
wg genkey >"$run/second"
wg set "$dev" private-key "$run/second"
expect [ "$(wg show "$dev" public-key)" = "$(wg pubkey <"$run/second")" ]
known_as "$(wg pubkey <"$run/second")"
expect_within 5 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"

proves "no private key: nobody gets in or out, and it is told"
wg set "$dev" private-key /dev/null
expect [ "$(wg show "$dev" private-key)" = "(none)" ]
refuse on a-lan ping -q -n -c 2 -W 1 "$(host4 b)"
refuse on b-lan ping -q -n -c 2 -W 1 "$(host4 a)"

proves "the first key again: the tunnel opens"
wg set "$dev" private-key "$run/a/private.key"
known_as "$(public_key a)"
expect_within 12 on b-lan ping -q -n -c 1 -W 1 "$(host4 a)"

proves "a prefix given to another peer: what the first sends from it is dropped, until it is back"
other=$(wg genkey | wg pubkey)
wg set "$dev" peer "$other" allowed-ips "$(host4 b)/32"
refuse on b-lan ping -q -n -c 2 -W 1 "$(host4 a)"
expect drops_counted 'source|allowed'
wg set "${site_dev[b]}" listen-port 51997
refuse on b-lan ping -q -n -c 1 -W 1 "$(host4 a)"
expect endpoint_is "$dev" b 203.0.113.2:51997 # it is the peer all the same
wg set "$dev" peer "$other" remove
wg set "$dev" peer "$(public_key b)" allowed-ips 10.0.0.2/32,192.168.20.0/24
expect_within 5 on b-lan ping -q -n -c 1 -W 1 "$(host4 a)"

proves "points of low order are no keys: not one packet goes to such a peer"
on b-gw ip addr add 203.0.113.66/24 dev wan0
spawn watch b-gw timeout 20 tcpdump -n -i wan0 -c 1 dst host 203.0.113.66 and udp
expect_within 5 grep -q listening "$run/watch.log"
low_order() { # the points of small order on Curve25519, and their other spellings
	python3 - <<-'END'
		import base64
		p = 2**255 - 19
		e = 325606250916557431795983626356110631294008115727848805560023387167927233504
		for n in (0, 1, e, p - 1, p, p + 1):
		    print(base64.b64encode(n.to_bytes(32, "little")).decode())
	END
}
for key in $(low_order); do # headgate does not even take the first, which is all zeros
	wg set "$dev" peer "$key" persistent-keepalive 1 endpoint 203.0.113.66:1111 \
		>"$run/said" 2>&1 || expect [ "$key" = "$(head -c 32 /dev/zero | base64)" ]
done
sleep 3
expect is_alive watch
expect pings a-lan "$(host4 b)"
