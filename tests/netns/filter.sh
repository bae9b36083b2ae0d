#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# [Filter]: what may come out of a tunnel, by address, port and protocol, in both families.
#
#   a-lan ── a-gw [headgate, Workers = 0-1] ───────────── b-gw [wireguard-go] ── b-lan
#   192.168.10.10                                                  192.168.20.10
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf a b
site_conf b a
[ "$(nproc)" -lt 2 ] || sed -i 's/^Workers = .*/Workers = 0-1/' "$(conf_of a)"
cp "$(conf_of a)" "$run/plain"

rules() { # LINE…: of [Filter], in the place of those before
	{ cat "$run/plain"; printf '\n[Filter]\n'; printf '%s\n' "$@"; } >"$(conf_of a)"
}
reloads() {
	rules "$@"
	expect headgate_ctl a reload
}
answers() { # NODE udp|tcp ADDRESS PORT [FROM]: something comes back
	on "$1" timeout 3 python3 "$scene_dir/ask.py" "$2" "$3" "$4" "${5:-0}"
}
opened() { # REGEX: how often the rules that match have allowed something
	headgate_ctl a filter | awk -v r="$1" '$0 ~ r { n += $1 } END { print n + 0 }'
}

rules
expect gateway_up b
expect gateway_up a
for x in a b; do
	spawn "echo-$x" "$x-lan" python3 "$scene_dir/ask.py" serve 53 54 22
	expect_within 5 grep -q serving "$run/echo-$x.log"
done

proves "no rule: nothing gets in, but what our side asks for is answered, in both families"
for to in "$(host4 b)" "$(host6 b)"; do
	expect pings a-lan "$to"
	expect answers a-lan udp "$to" 53
	expect answers a-lan tcp "$to" 22
done
for to in "$(host4 a)" "$(host6 a)"; do
	refuse on b-lan ping -q -n -c 1 -W 1 "$to"
	refuse answers b-lan udp "$to" 53
	refuse answers b-lan tcp "$to" 22
done
refuse on b-gw ping -q -n -c 1 -W 1 "$(tun4 a)"
expect [ "$(drops_like '^filter-denied$')" -ge 7 ]

proves "rules by address, port and protocol; what they do not name stays out"
reloads "Allow = 192.168.20.0/24, fd00:20::/64 -> $(host4 a), $(host6 a) : udp/53, tcp/22-23" \
	"Allow = $(tun4 b) -> 10.0.0.0-10.0.0.1 : icmp"
for to in "$(host4 a)" "$(host6 a)"; do
	expect answers b-lan udp "$to" 53
	expect answers b-lan tcp "$to" 22
	refuse answers b-lan udp "$to" 54
	refuse answers b-lan tcp "$to" 53
	refuse on b-lan ping -q -n -c 1 -W 1 "$to"
done
expect pings b-gw "$(tun4 a)"
refuse on b-gw ping -q -n -c 1 -W 1 "$(host4 a)"
expect [ "$(opened 'udp/53')" -ge 4 ]

proves "a reload with another rule: the others keep what they have counted"
before=$(opened 'udp/53')
reloads "Allow = 192.168.20.0/24, fd00:20::/64 -> $(host4 a), $(host6 a) : udp/53, tcp/22-23" \
	"Allow = $(tun4 b) -> 10.0.0.0-10.0.0.1 : icmp" "Allow = 10.9.9.9 -> * : sctp"
expect [ "$(opened 'udp/53')" -ge "$before" ]
expect [ "$(opened 'sctp')" -eq 0 ]

proves "a reply passes only to who asked; an ICMP error about what was sent comes through"
refuse answers b-lan udp "$(host4 a)" 5353 53
expect on a-lan python3 "$scene_dir/ask.py" refused "$(host4 b)" 9

proves "a reload cuts a flow that is going on, and only that one; another brings it back"
flow_quiet=4 flow_start cut b-lan a-lan "$(host4 a)" --seconds 1 --rate 100
flow_end cut
expect [ "$flow_unique" -eq 0 ]
reloads "Allow = $(host4 b) -> $(host4 a) : udp"
flow_start whole b-lan a-lan "$(host4 a)" --seconds 4 --rate 200
flow_start ours a-lan b-lan "$(host4 b)" --seconds 4 --rate 200
sleep 1
reloads "Allow = $(host4 b) -> $(host4 a) : udp/1"
before=$(drops_like '^filter-denied$')
sleep 1
expect [ "$(drops_like '^filter-denied$')" -gt "$before" ]
reloads "Allow = $(host4 b) -> $(host4 a) : udp"
flow_end whole
expect [ "$flow_unique" -lt "$flow_sent" ]
expect [ "$flow_unique" -gt $((flow_sent / 3)) ]
flow_end ours
expect [ "$flow_unique" -eq "$flow_sent" ]

proves "StrictTCP: an ACK of no connection is dropped; without it, it passes"
on b-lan python3 "$scene_dir/ask.py" stray "$(host4 b)" "$(host4 a)"
expect [ "$(drops_like '^filter-no-flow$')" -eq 0 ]
reloads "StrictTCP = yes" "Allow = $(host4 b) -> $(host4 a) : tcp/22"
on b-lan python3 "$scene_dir/ask.py" stray "$(host4 b)" "$(host4 a)"
expect_within 3 sh -c "[ \$('$headgate' --socket /run/headgate/hg0.sock drops --json |
	python3 '$scene_dir/drops.py' '^filter-no-flow$') -gt 0 ]"
expect answers b-lan tcp "$(host4 a)" 22
expect answers a-lan tcp "$(host4 b)" 22

proves "a rule that is wrong: refused with its line; without the section everything passes"
rules "Allow = 10.0.0.0/24 > 10.0.0.1"
refuse headgate_ctl a reload
expect answers b-lan tcp "$(host4 a)" 22
cp "$run/plain" "$(conf_of a)"
expect headgate_ctl a reload
expect answers b-lan udp "$(host4 a)" 54
expect sh -c "'$headgate' --socket /run/headgate/hg0.sock filter | grep -q '^off'"
