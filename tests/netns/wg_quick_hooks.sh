#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# PreUp, PostUp, PreDown and PostDown: when each runs, what it may do, and what its failing means.
#
#   a-lan ── a-gw [headgate hg0] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf b a:passive
expect gateway_up b
for dev in wan0 lan0; do netdev_is_ports a-gw $dev; done
events=$run/events

hooks() { # LINE…: site a's file with these lines in [Interface]
	site_conf a b
	printf '%s\n' "$@" >"$run/lines"
	sed -i "/^ListenPort/r $run/lines" "$(conf_of a)"
	: >"$events"
}

happened() { # LINE…: exactly this, in this order
	printf '%s\n' "$@" | diff - "$events"
}

proves "each runs in its time and in order, with %i; PostUp asks and changes what runs"
hooks "PreUp = echo one %i \$(ip -o addr show dev %i scope global | wc -l) >>$events" \
	"PostDown = ip link show %i 2>/dev/null || echo eight %i >>$events" \
	"PostUp = ping -q -n -c 1 -W 8 $(tun4 b) >/dev/null && echo three pings >>$events" \
	"PreUp = cat <(echo two in bash) >>$events" \
	"PostUp = wg set %i peer $(public_key b) persistent-keepalive 7 && echo four >>$events" \
	"PostUp = echo five \$(ip route show 192.168.20.0/24 dev %i | wc -l) >>$events" \
	"PreDown = echo six \$(wg show %i peers | wc -l) >>$events; false" \
	"PreDown = echo seven >>$events"
headgate_start a
expect headgate_wait a 20
expect [ "$(wg show hg0 persistent-keepalive | cut -f 2)" = 7 ]
expect pings a-lan "$(host4 b)"
expect halt gateway-a TERM
expect happened 'one hg0 0' 'two in bash' 'three pings' four 'five 1' 'six 1' seven 'eight hg0'
expect grep -q 'PreDown (.*/hg0.conf:.*): failed with exit status 1' "$run/gateway-a.log"

proves "a failing PostUp or PreUp ends the start with line, status and last words"
for when in PreUp PostUp; do
	hooks "$when = echo no luck >&2; exit 7" "PostDown = echo down >>$events"
	line=$(grep -n "^$when" "$(conf_of a)" | cut -d : -f 1)
	refuse sh -c "ip netns exec $net_prefix-a-gw timeout 20 $headgated -c $(conf_of a) 2>$run/complaint"
	expect grep -q "$when (.*hg0.conf:$line): failed with exit status 7: no luck" \
		"$run/complaint"
	refuse on a-gw ip link show hg0
	expect [ ! -s "$events" ] # as with wg-quick, what was never up does not go down
done

proves "rules of PostUp that tunnels pass by end the start too, and PostDown takes them back"
hooks "PostUp = nft add table ip t; nft add chain ip t n '{ type nat hook postrouting priority 100; }'" \
	"PostUp = nft add rule ip t n oifname wan0 masquerade" "PostDown = nft delete table ip t"
refuse sh -c "ip netns exec $net_prefix-a-gw timeout 20 $headgated -c $(conf_of a) 2>$run/complaint"
expect grep -q 'after PostUp: netfilter rules name wan0' "$run/complaint"
expect [ -z "$(on a-gw nft list tables ip)" ]

proves "SIGTERM ends a start that waits for its command"
hooks "PostUp = sleep 50"
headgate_start a
expect_within 15 on a-gw ip route get "$(host4 b)" oif hg0
began=$SECONDS
halt gateway-a TERM
expect [ $((SECONDS - began)) -le 5 ]

proves "after kill -9 headgate restore runs PreDown and PostDown, in their order"
hooks "PostDown = echo three %i >>$events" "PreDown = echo one >>$events" \
	"PreDown = echo two >>$events" "PostDown = echo four >>$events"
headgate_start a
expect headgate_wait a 20
halt gateway-a KILL
expect on a-gw "$headgate" restore
expect happened one two 'three hg0' four

proves "commands in a file that others may write are refused"
hooks "PostUp = true"
chmod g+w "$(conf_of a)"
refuse on a-gw timeout 20 "$headgated" -c "$(conf_of a)"
chmod g-w "$(conf_of a)"

proves "a reload runs those of interfaces that come and go, and of no other"
hooks "PostUp = echo hg0 >>$events"
more=$run/a/more.conf
(umask 077 && : >"$more")
spawn gateway-a a-gw "$headgated" -c "$(conf_of a)" -c "$more"
expect headgate_wait a 20
printf '%s\n' "[Interface]" "Name = hg7" "PrivateKey = $(wg genkey)" \
	"PostUp = $headgate --socket /run/headgate/hg7.sock status >/dev/null && echo up %i >>$events" \
	"PostDown = echo down %i >>$events" >"$more"
expect headgate_ctl a reload
expect happened hg0 'up hg7'
: >"$more"
expect headgate_ctl a reload
expect happened hg0 'up hg7' 'down hg7'
printf '%s\n' "[Interface]" "Name = hg7" "PrivateKey = $(wg genkey)" \
	"PostUp = exit 3" "PostDown = echo down %i >>$events" >"$more"
refuse headgate_ctl a reload
refuse on a-gw ip link show hg7
expect happened hg0 'up hg7' 'down hg7'
expect pings a-lan "$(host4 b)"
