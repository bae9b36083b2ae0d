#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A link between the sites takes less than both ends believe. Over IPv6 its router says so once, and
# from then on senders are told; over IPv4 it cuts what goes through.
#
#   a-lan ── a-gw [headgate] ──1500── r ──1400── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"
headgate_only

through_router() { # X: the other site is reached through r
	local other
	[ "$1" = a ] && other=b || other=a
	on "$1-gw" ip route replace "$(wan4 $other)/32" via 203.0.113.99 dev "$(twin "$1" wan)"
	on "$1-gw" ip -6 route replace "$(wan6 $other)/128" via 2001:db8::99 dev "$(twin "$1" wan)"
	on r ip route replace "$(wan4 "$1")/32" dev "to-$1"
	on r ip -6 route replace "$(wan6 "$1")/128" dev "to-$1"
}

says_mtu() { # NODE ADDRESS BYTES MTU
	on "$1" ip -6 route flush cache
	on "$1" ping -n -c 4 -i 0.3 -W 2 -M "do" -s "$3" "$2" | tee /dev/stderr | grep -q "mtu *= *$4"
}

outer=6
site_runs a "$subject"
site_runs b stock
site a b
node r
forward_on r
wire a-gw wan0 r to-a
wire b-gw wan0 r to-b
for x in a b; do
	on r ip addr add 203.0.113.99/32 dev "to-$x"
	on r ip addr add 2001:db8::99/128 dev "to-$x" nodad
done
on r ip link set to-b mtu 1400
on b-gw ip link set wan0 mtu 1400
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
through_router a
through_router b
expect pings a-lan "$(host6 b)"

proves "IPv6 outside: the inner sender is told what is left"
expect says_mtu a-lan "$(host6 b)" 1372 1312
expect pings a-lan "$(host6 b)" -M "do" -s 1264
expect says_mtu a-lan "$(host4 b)" 1392 1312
expect grep -q 'takes packets of 1400 bytes' "$run/gateway-a.log"

proves "what may be cut is, outside"
expect pings a-lan "$(host4 b)" -M dont -s 1392

proves "a TCP flow gets through"
expect copies_file a-lan b-lan "[$(host6 b)]"

proves "what a liar says is not believed: the quoted message is of no session"
spawn liar r timeout 20 python3 "$scene_dir/packet.py" too-big 2001:db8::99 "$(wan6 a)" \
	"$(wan6 b)" 1280
wait "${net_pid[liar]}"
unset "net_pid[liar]"
sleep 0.3
refuse grep -q 'takes packets of 1280 bytes' "$run/gateway-a.log"

proves "IPv4 outside: the router cuts, nobody is told"
wg set "${site_dev[a]}" peer "$(public_key b)" endpoint "$(wan4 b):51820"
on a-lan ip route flush cache
on a-lan ip -6 route flush cache
expect pings a-lan "$(host6 b)" -M "do" -s 1372
expect pings a-lan "$(host4 b)" -M "do" -s 1392
