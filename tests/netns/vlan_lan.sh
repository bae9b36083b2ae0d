#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# One NIC: the LAN is VLAN 100 of it, the tunnel runs over its untagged frames. The kernel has no
# 802.1Q, so a switch in user space makes the trunk.
#
#   a-lan ── lan0 ─┐ a-sw                      a-gw [headgate]
#                  ├ [trunk.py] trunk ── wan0: wan and lan = wan.100
#   b-gw ─── wan0 ─┘
#   [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"
headgate_only

site_runs a headgate
site_runs b stock
site a b
node a-sw
ip -n "$net_prefix-a-gw" link set lan0 netns "$net_prefix-a-sw"
ip -n "$net_prefix-a-sw" link set lan0 up
wire a-gw wan0 a-sw trunk
wire a-sw wan0 b-gw wan0
site_conf a b
site_conf b a
sed -i 's/^Device = .*iface=lan0.*/Device = wan.100/' "$(conf_of a)"

trunk() { # OPTION…: the switch anew
	halt trunk
	spawn trunk a-sw python3 "$scene_dir/trunk.py" trunk 0=wan0 100=lan0 "$@"
	expect_within 5 grep -q joined "$run/trunk.log"
}

twin_got() { # PORT -> packets that its twin has received
	on a-gw cat "/sys/class/net/hg-$1/statistics/rx_packets"
}

trunk
expect gateway_up b
expect gateway_up a

proves "the LAN reaches the other site through its VLAN, in both families and at the full MTU"
expect pings a-lan "$(host4 b)"
expect pings b-lan "$(host6 a)"
expect pings a-lan "$(host4 b)" -s 1392 -M "do"
expect copies_file a-lan b-lan "$(host4 b)"
expect copies_file b-lan a-lan "$(host4 a)"

proves "a counted flow arrives whole"
flow_start counted a-lan b-lan "$(host4 b)" --rate 500
flow_end counted
expect [ "$flow_unique" -eq "$flow_sent" ]

proves "the VLAN's twin is a device like any other: it answers, with frames of the full MTU"
expect pings a-lan 192.168.10.1 -s 1472 -M "do"
expect pings a-lan fd00:10::1
expect [ "$(on a-gw cat /sys/class/net/hg-lan/address)" = "$(on a-gw cat /sys/class/net/hg-wan/address)" ]

proves "a port without its carrier is a VLAN without one"
on a-sw ip link set trunk down
expect_within 5 on a-gw sh -c "ip link show hg-lan | grep -q NO-CARRIER"
on a-sw ip link set trunk up
expect_within 5 on a-gw sh -c "! ip link show hg-lan | grep -q NO-CARRIER"
expect pings a-lan "$(host4 b)"

proves "headgate tells the ports apart"
expect sh -c "'$headgate' --socket /run/headgate/hg0.sock ports --json | grep -q wan.100"

proves "priority tags: the port's own"
trunk --priority 5
expect pings a-lan "$(host4 b)"
expect pings b-lan "$(host4 a)"

mac=$(on a-gw cat /sys/class/net/hg-wan/address)
hostile() { # LABEL TWIN OPTION…: 50 such frames reach that twin and no other
	local label=$1 twin=$2 other=wan before before_other
	shift 2
	[ "$twin" != wan ] || other=lan
	before=$(twin_got "$twin") before_other=$(twin_got "$other")
	on a-sw python3 "$scene_dir/frame.py" trunk --to "$mac" --count 50 "$@" ||
		scene_failed "$label"
	expect_within 5 got_at_least "$twin" $((before + 50))
	expect [ $(($(twin_got "$other") - before_other)) -lt 25 ]
}

got_at_least() { [ "$(twin_got "$1")" -ge "$2" ]; }

proves "other ids, id 4095, a tag within a tag: the port's twin gets them as they are"
hostile other wan --tag 101 --payload udp:203.0.113.2:203.0.113.1
hostile reserved wan --tag 4095 --payload udp:203.0.113.2:203.0.113.1
hostile double wan --tag 100 --tag 100 --payload udp:192.168.10.10:192.168.10.1
hostile priority wan --tag 0xe000 --payload udp:203.0.113.2:203.0.113.1
hostile broadcast lan --to ff:ff:ff:ff:ff:ff --tag 100 --payload udp:192.168.10.10:255.255.255.255

proves "a frame that ends within its tag is dropped and counted"
on a-sw python3 "$scene_dir/frame.py" trunk --to "$mac" --tag 100 --cut 16 --count 20
expect_within 5 drops_counted '^frame-short$'

proves "and all is as it was"
trunk
expect pings a-lan "$(host4 b)"
expect pings b-lan "$(host4 a)"
