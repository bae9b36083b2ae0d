#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# An end that is flooded with initiations asks for proof of the address, by a cookie, and who
# gives it gets in.
#
#   a-lan ── a-gw [subject] ──────── switch ─── b-gw [wireguard-go] ── b-lan
#                                      └─ c-gw: initiations of a stranger, their mac1 right
. "${0%/*}/scene.sh"

site_runs a "$subject"
site_runs b stock
site a b
node c-gw
wire_sites a b c
on c-gw ip addr add "$(wan4 c)/24" dev wan0
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a

flood() { # X RATE: until the next flood
	halt flood
	spawn flood c-gw python3 "$scene_dir/initiations.py" --to "$(wan4 "$1")" \
		--key "$(public_key "$1")" --rate "$2"
}

cookie_watch() { # FROM TO: cookies on the wire between them
	halt watch
	spawn watch switch tcpdump -n -U -i "port-$2" -w "$run/cookies-$1$2" \
		"src host $(wan4 "$1") and dst host $(wan4 "$2") and udp[8] == 3"
	expect_within 5 grep -q listening "$run/watch.log"
}

cookie_seen() { # FROM TO
	[ "$(stat -c %s "$run/cookies-$1$2")" -gt 24 ]
}

proves "the peer is flooded: it answers with a cookie, and the next initiation is let in"
cookie_watch b a
flood b "$([ "${PEER:-}" = kernel ] && echo 15000 || echo 3000)"
sleep 3
expect_within 20 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"
case ${PEER:-} in
kernel | boringtun) # now and then it has time for us between two of the flood: then once more
	for _ in 1 2 3 4; do
		cookie_seen b a && break
		expect wg set "${site_dev[a]}" peer "$(public_key b)" remove
		expect headgate_ctl a reload
		expect_within 20 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"
	done
	expect cookie_seen b a
	;;
*) say "a cookie came: $(cookie_seen b a && echo yes || echo no)" ;;
esac

proves "headgate is flooded: it answers with a cookie, and the peer's next initiation is let in"
expect on a-lan ping -q -n -c 1 -W 5 "$(host4 b)"
cookie_watch a b
flood a 40000
sleep 2
wg set "${site_dev[b]}" peer "$(public_key a)" remove
stock_load b
expect_within 20 on b-lan ping -q -n -c 1 -W 1 "$(host4 a)"
expect cookie_seen a b
