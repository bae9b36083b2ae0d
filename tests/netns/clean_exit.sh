#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# SIGTERM: exit status 0 at once, and nothing left behind.
#
#   a-lan ── a-gw [headgate] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf a b
site_conf b a

state() { # what a run may not change
	on a-gw ip -o link | sed 's/^[0-9]*: //; s/state.*//; s/,LOWER_UP//' | sort
	on a-gw ip -o addr
	on a-gw ip route
	on a-gw ip rule
	on a-gw nft list ruleset
	on a-gw sysctl net.ipv4.ip_forward net.ipv6.conf.wan0.disable_ipv6
	find /run/wireguard /run/headgate /dev/hugepages /dev/shm ! -name 'wg*' 2>/dev/null
}

expect gateway_up b
for dev in wan0 lan0; do netdev_is_ports a-gw $dev; done
state >"$run/before"
expect gateway_up a
expect pings a-lan "$(host4 b)"

proves "SIGTERM under traffic: exit status 0, within 3 s"
spawn traffic a-lan ping -q -n -i 0.002 "$(host4 b)"
sleep 1
began=$SECONDS
expect halt gateway-a TERM
expect [ $((SECONDS - began)) -le 3 ]
halt traffic

proves "links, addresses, routes, rules, sockets and files are as before"
state >"$run/after"
expect diff "$run/before" "$run/after"
expect [ -z "$(ls /run/headgate)" ]
expect [ ! -e /run/wireguard/hg0.sock ]

proves "the netdevs carry no XDP program any more"
refuse sh -c "ip -n $net_prefix-a-gw -d link | grep -q 'prog/xdp'"

proves "SIGINT ends it likewise, and before it is ready too"
expect gateway_up a
expect halt gateway-a INT
headgate_start a
sleep 0.3
halt gateway-a TERM
state >"$run/after"
expect diff "$run/before" "$run/after"
