#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A hub between tunnels of different MTU: who sends from the wide one into the narrow one is told,
# through the tunnel he came by; TCP between the two announces what fits into both.
#
#                      a-gw [headgate: hg0 of 1420, hg1 of 1320]
#                        │
#                      switch
#                     ╱      ╲
#   b-lan ── b-gw [wireguard-go]   c-gw [wireguard-go] ── c-lan
. "${0%/*}/scene.sh"
headgate_only

hub_conf() { # X DEVICE PORT MTU: an interface whose only peer is X
	cat <<-END
		[Interface]
		PrivateKey = $(cat "$run/a/private.key")
		ListenPort = $3
		Address = 10.9.$(site_index "$1").1/24, fd00:9$(site_index "$1")::1/64
		MTU = $4
	END
	conf_peer "$1"
}

says_mtu() { # NODE ADDRESS BYTES MTU
	on "$1" ping -n -c 3 -i 0.3 -W 2 -M "do" -s "$3" "$2" | tee /dev/stderr | grep -q "mtu *= *$4"
}

site_runs a headgate
site_runs b stock
site_runs c stock
site a b c
wire_sites a b c
site_conf b a
site_conf c a
{
	conf_gateway a
	hub_conf b hg0 51820 1420
} >"$(conf_of a)"
hub_conf c hg1 51821 1320 >"$run/a/hg1.conf"
chmod 600 "$(conf_of a)" "$run/a/hg1.conf"
sed -i 's/^Endpoint = .*/Endpoint = 203.0.113.1:51821/' "$(conf_of c)"
for spoke in b c; do
	sed -i 's|^AllowedIPs = .*|AllowedIPs = 10.0.0.0/8, 192.168.0.0/16, fd00::/16|' \
		"$(conf_of $spoke)"
	expect gateway_up $spoke
done
more_confs=$run/a/hg1.conf
expect gateway_up a
expect pings b-lan "$(host4 c)"
expect pings c-lan "$(host6 b)"

proves "from the wide tunnel into the narrow one: its MTU is told"
expect says_mtu b-lan "$(host4 c)" 1392 1320
expect says_mtu b-lan "$(host6 c)" 1372 1320
expect pings b-lan "$(host4 c)" -M "do" -s 1292

proves "IPv4 that may be cut is cut between them"
expect pings b-lan "$(host4 c)" -M dont -s 1392

proves "the other way all fits"
on c-lan ip link set eth0 mtu 1320
expect pings c-lan "$(host4 b)" -M "do" -s 1292

proves "TCP between them announces what fits into both, whoever begins"
on c-lan ip link set eth0 mtu 1500
for node in b-lan c-lan; do
	on $node ip route flush cache
	spawn "dump-$node" "$node" timeout 10 tcpdump -i eth0 -n -l -Q in -c 1 'tcp[13] & 2 != 0'
	expect_within 5 grep -q 'listening on' "$run/dump-$node.log"
done
tcp_service c-lan 7777
expect tcp_answers b-lan "$(host4 c)" 7777
expect_within 5 grep -q 'mss 1280,' "$run/dump-b-lan.log"
expect_within 5 grep -q 'mss 1280,' "$run/dump-c-lan.log"
