#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Both ends tell the same of the tunnel: bytes, the latest handshake, who answers what.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
#
# The peer alone starts handshakes, and every 120 s: none comes between.
. "${0%/*}/scene.sh"

two_sites
site_conf a b:passive
site_conf b a
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}
tolerated=0 # percent
[ "${PEER:-}" != boringtun ] || tolerated=10 # it counts what is inside, without handshakes

transfer() { # X received|sent -> bytes
	local column=2
	[ "$2" = received ] || column=3
	wg show "${site_dev[$1]}" transfer | cut -f "$column"
}

agree() { # what one has sent the other has received
	local x y sent received
	for x in a b; do
		y=$(tr ab ba <<<$x)
		sent=$(transfer $x sent) received=$(transfer $y received)
		echo "$x has sent $sent, $y has received $received"
		[ $(((sent - received) * 100 / sent)) -le $tolerated ] || return 1
		[ $(((received - sent) * 100 / sent)) -le $tolerated ] || return 1
		[ $tolerated -gt 0 ] || [ "$sent" -eq "$received" ] || return 1
	done
}

proves "the bytes received are those that the other end sent, keepalives and handshakes included"
expect pings b-lan "$(host4 a)"
flow_start out a-lan b-lan "$(host4 b)" --rate 300 --size 1200
flow_start back b-lan a-lan "$(host4 a)" --rate 200 --size 700
flow_end out
flow_end back
await 15 agree || true
expect agree
expect [ "$(transfer a sent)" -gt $((900 * 1200)) ]

proves "the latest handshake is the same one for both"
skew=$(($(handshake_age "$dev" b) - $(handshake_age "${site_dev[b]}" a)))
[ "${PEER:-}" = boringtun ] || expect [ "${skew#-}" -le 3 ] # which tells an age, not a time

proves "what is not answered is confirmed by a keepalive, whichever end it went to"
sleep 12
silent() { # FROM TO: a flow that nobody answers; the sender hears a keepalive of 32 bytes
	local before
	before=$(transfer "$1" received)
	flow_quiet=1
	flow_start "$1" "$1-lan" "$2-lan" "$(host4 "$2")" --rate 5 --seconds 1
	flow_end "$1"
	await 20 eval "[ \$(transfer $1 received) -gt $before ]"
	[ "${PEER:-}" = boringtun ] || [ "$(transfer "$1" received)" -eq $((before + 32)) ]
}
before=$(wg show "$dev" latest-handshakes)
expect silent a b
expect silent b a
expect [ "$(wg show "$dev" latest-handshakes)" = "$before" ]
