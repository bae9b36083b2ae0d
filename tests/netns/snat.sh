#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# SNAT: a LAN without a route back is reached by peers, as if by the gateway itself.
#
#   far ─(MTU 1300)─ a-lan ── a-gw [headgate, Workers = 0-1] ─────── b-gw [wireguard-go] ── b-lan
#   192.168.77.2     .10      192.168.10.1                           10.0.0.2     192.168.20.10
#   no default route on either
. "${0%/*}/scene.sh"
headgate_only

two_sites
node far
wire a-lan far0 far eth0
on a-lan ip addr add 192.168.77.1/24 dev far0
on a-lan ip addr add fd00:77::1/64 dev far0 nodad
on far ip addr add 192.168.77.2/24 dev eth0
on far ip addr add fd00:77::2/64 dev eth0 nodad
for x in "a-lan far0" "far eth0"; do
	# shellcheck disable=SC2086 # node and device
	set -- $x
	on "$1" ip link set "$2" mtu 1300 up
done
forward_on a-lan
on a-lan ip route flush default
on a-lan ip -6 route flush default
on far ip route add 192.168.10.0/24 via 192.168.77.1
on far ip -6 route add fd00:10::/64 via fd00:77::1
site_conf a b
site_conf b a
sed -i 's|^AllowedIPs = .*|&, 192.168.77.0/24, fd00:77::/64|' "$(conf_of b)"
[ "$(nproc)" -lt 2 ] || sed -i 's/^Workers = .*/Workers = 0-1/' "$(conf_of a)"
cp "$(conf_of a)" "$run/plain"

translates() { # NETWORK…
	sed "s|^\[Interface\]|&\nSNAT = $(tr ' ' ',' <<<"$*")|" "$run/plain" >"$(conf_of a)"
	expect headgate_ctl a reload
}
answers() { # NODE udp|tcp ADDRESS PORT [FROM]: something comes back
	on "$1" timeout 5 python3 "$scene_dir/ask.py" "$2" "$3" "$4" "${5:-0}"
}
reaches() { # NODE ADDRESS
	on "$1" ping -q -n -c 1 -W 8 "$2"
}
nat_shows() { # REGEX
	headgate_ctl a nat | grep -q "$1"
}

expect gateway_up b
expect gateway_up a
on a-gw ip route add 192.168.77.0/24 via 192.168.10.10
on a-gw ip -6 route add fd00:77::/64 via fd00:10::10
spawn serve a-lan python3 "$scene_dir/ask.py" serve 53
expect_within 5 grep -q serving "$run/serve.log"
tcp_service far 22

proves "without SNAT the LAN hears the peers and has no way to answer"
expect reaches b-lan 192.168.10.1
refuse on b-lan ping -q -n -c 1 -W 1 192.168.10.10
refuse on b-lan ping -q -n -c 1 -W 1 fd00:10::10
expect nat_shows '^off'

proves "with it, by a reload: ping, UDP and TCP, in both families, also from behind the peer"
translates 192.168.0.0/16 fd00:10::/64 fd00:77::/64
for to in 192.168.10.10 fd00:10::10; do
	expect reaches b-lan "$to"
	expect reaches b-gw "$to"
	expect answers b-lan udp "$to" 53
	expect answers b-lan tcp "$to" 53
done
expect tcp_answers b-lan 192.168.77.2 22
expect tcp_answers b-lan fd00:77::2 22
expect nat_shows 'flows: [1-9][0-9]* TCP, [1-9][0-9]* UDP, [1-9]'

proves "two of them with the same port of their own, to the same place; one's in SNAT's own range"
for port in 5353 61234; do
	expect answers b-lan udp 192.168.10.10 53 "$port"
	expect answers b-gw udp 192.168.10.10 53 "$port"
	expect answers b-lan udp fd00:10::10 53 "$port"
	expect answers b-gw udp fd00:10::10 53 "$port"
done

proves "ICMP errors find their way back: nobody there, TTL spent, the MTU of a link behind"
expect on b-lan python3 "$scene_dir/ask.py" refused 192.168.10.10 9
expect on b-lan python3 "$scene_dir/ask.py" refused fd00:10::10 9
hears() { # ADDRESS WORDS FROM OPTION…
	on b-lan ping -n -c 2 -i 0.3 -W 4 "${@:4}" "$1" | tee /dev/stderr | grep -Eiq "from $3.*$2"
}
expect hears 192.168.77.2 "time.*exceeded" 192.168.10.10 -t 3
expect hears fd00:77::2 "time.*exceeded" fd00:10::10 -t 3
expect hears 192.168.77.2 "mtu = 1300" 192.168.10.10 -M "do" -s 1350
expect hears fd00:77::2 "mtu=1300" fd00:10::10 -M "do" -s 1350
expect copies_file b-lan far 192.168.77.2
expect copies_file b-lan far '[fd00:77::2]'

proves "fragments and other protocols are dropped by name"
refuse on b-lan ping -q -n -c 1 -W 1 -s 2000 192.168.10.10
expect drops_counted '^nat-fragment$'
on b-lan python3 -c 'import socket
socket.socket(socket.AF_INET, socket.SOCK_RAW, 47).sendto(b"gre-like", ("192.168.10.10", 0))'
expect_within 5 drops_counted '^nat-protocol$'

proves "who has a route may begin as well: those flows stay as they are"
on a-lan ip route add 192.168.20.0/24 via 192.168.10.1
on a-lan ip -6 route add fd00:20::/64 via fd00:10::1
spawn serve-b b-lan python3 "$scene_dir/ask.py" serve 54
expect_within 5 grep -q serving "$run/serve-b.log"
for to in "$(host4 b)" "$(host6 b)"; do
	expect reaches a-lan "$to"
	expect answers a-lan udp "$to" 54
	expect answers a-lan tcp "$to" 54
done

proves "the box's own services and connections are its own"
spawn serve-gw a-gw python3 "$scene_dir/ask.py" serve 62000
expect_within 5 grep -q serving "$run/serve-gw.log"
expect answers a-lan udp 192.168.10.1 62000
expect answers a-lan tcp 192.168.10.1 62000
expect answers a-gw tcp 192.168.10.10 53
expect reaches a-gw 192.168.10.10

proves "a reload keeps what is still to be translated, and ends what is not"
spawn talk b-lan timeout 60 bash -c 'exec 3<>/dev/tcp/192.168.77.2/22 && echo one >&3 &&
	head -n 1 <&3 && until [ -e '"$run/go"' ]; do sleep 0.1; done && echo two >&3 && head -n 1 <&3'
expect_within 10 grep -q one "$run/talk.log"
translates 192.168.77.0/24
touch "$run/go"
expect_within 10 grep -q two "$run/talk.log"
refuse on b-lan ping -q -n -c 1 -W 1 fd00:77::2
translates 10.99.0.0/16
refuse tcp_answers b-lan 192.168.77.2 22
cp "$run/plain" "$(conf_of a)"
expect headgate_ctl a reload
expect nat_shows '^off'
