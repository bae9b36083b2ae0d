#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What cannot be delivered is said to be so: to a LAN host, to the box itself, to a tunnel's peer.
#
#   a-lan ── a-gw [headgate] ───────────── b-gw [wireguard-go] ── b-lan
#              peer c: endpoint not told   ╲
#              peer d: nobody is there      ╲── 203.0.113.4
. "${0%/*}/scene.sh"
headgate_only

hears() { # NODE ADDRESS WORDS FROM: a ping there is answered with these words by FROM
	on "$1" ping -n -c 2 -i 0.3 -W 8 "$2" | tee /dev/stderr | grep -iq "from $4.*$3"
}

hears_ttl() { # NODE ADDRESS FROM [HOPS]
	on "$1" ping -n -c 2 -i 0.3 -W 4 -t "${4:-1}" "$2" | tee /dev/stderr |
		grep -iq "from $3.*time.*exceeded"
}

two_sites
for peer in c d; do
	mkdir -p "$run/$peer"
	new_key "$peer"
done
site_conf a b c:passive d
site_conf b a
# b sends everything there is to a.
sed -i 's|^AllowedIPs = .*|AllowedIPs = 10.0.0.0/8, 192.168.0.0/16, fd00::/16|' "$(conf_of b)"
# c has a network less than the tunnel has routes for.
sed -i 's|192.168.30.0/24, ||' "$(conf_of a)"
expect gateway_up b
expect gateway_up a
on a-gw ip route add 192.168.30.0/24 dev hg0
expect pings a-lan "$(host4 b)"

proves "no peer has the address: the LAN host, the peer and the box itself hear of it"
expect hears a-lan 192.168.30.7 "host unreachable" 192.168.10.1
expect hears a-lan fd00::77 "address unreachable" fd00:10::1
expect hears b-lan 192.168.30.7 "host unreachable" 10.0.0.1
expect hears b-lan fd00::77 "address unreachable" fd00::1
expect hears a-gw 192.168.30.7 "host unreachable" 192.168.30.7
expect hears a-gw fd00::77 "address unreachable" fd00::77

proves "a peer whose endpoint nobody knows"
expect hears a-lan 10.0.0.3 "host unreachable" 192.168.10.1
expect hears b-lan 10.0.0.3 "host unreachable" 10.0.0.1
expect hears a-gw 10.0.0.3 "host unreachable" 10.0.0.3

proves "a LAN host that does not answer"
expect hears b-lan 192.168.10.99 "host unreachable" 10.0.0.1
expect hears b-lan fd00:10::99 "address unreachable" fd00::1

proves "what waits for a handshake, when that is given up with its peer"
spawn waits a-lan ping -n -c 1 -W 20 10.0.0.4
sleep 1
refuse grep -q "host unreachable" "$run/waits.log"
expect on a-gw wg set hg0 peer "$(public_key d)" remove
expect_within 5 grep -qi "from 192.168.10.1.*host unreachable" "$run/waits.log"

proves "a TCP connection fails at once, not after minutes"
began=$SECONDS
refuse on a-lan timeout 30 bash -c 'exec 3<>/dev/tcp/192.168.30.7/80'
expect [ $((SECONDS - began)) -lt 10 ]

proves "a spent hop count, both ways: each gateway is seen by traceroute"
expect hears_ttl a-lan "$(host4 b)" 192.168.10.1
expect hears_ttl b-lan "$(host4 a)" 10.0.0.1 2
expect hears_ttl a-lan "$(host6 b)" fd00:10::1
expect hears_ttl b-lan "$(host6 a)" fd00::1 2

proves "each drop has its reason, once"
expect drops_counted '^no-peer$'
expect drops_counted '^no-endpoint$'
expect drops_counted '^park-timeout$'
expect drops_counted '^ttl$'

proves "a flood is answered now and then, and what is not is counted"
on a-lan ping -q -n -f -c 300 192.168.30.7 >/dev/null 2>&1 || :
errors_held_back() {
	headgate_ctl a status --json | grep -Eq '"icmp_errors_unsent": *[1-9]'
}
expect errors_held_back
