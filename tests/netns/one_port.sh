#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A router on a stick: one NIC for the LAN and for the wire, with a network of each on it. What
# comes out of the tunnel leaves by the port that the tunnel's own packets came in by.
#
#   a-lan 192.168.10.10 ─┐
#   b-gw 203.0.113.2 ────┤ bridge ── wan0 a-gw [subject: 203.0.113.1, 192.168.10.1]
#   [wireguard-go] b-lan │
#   c-gw 203.0.113.3 ────┘ [wireguard-go] c-lan
. "${0%/*}/scene.sh"
headgate_only

site_runs a headgate
site_runs b stock
site_runs c stock
site a b c
wire_sites a b c
# The LAN's host moves to the bridge; lan0 is no more.
ip -n "$net_prefix-a-gw" link set lan0 netns "$net_prefix-switch"
on switch ip link set lan0 master br0 up
site_conf a b c
for x in b c; do # everything is behind a: the hub
	site_conf $x a
	sed -i 's|^AllowedIPs = .*|&, 192.168.0.0/16, fd00::/16|' "$(conf_of $x)"
done
lan=$(sed -n '/^\[Port lan\]/,/^Address/s/^Address = //p' "$(conf_of a)")
sed -i -e '/^\[Port lan\]/,/^$/d' -e "/^\[Port wan\]/,/^Address/s|^Address = .*|&, $lan|" "$(conf_of a)"
expect gateway_up b
expect gateway_up c
expect gateway_up a

redirects() { # -> how many a-lan was sent
	on a-lan nstat -asz IcmpInRedirects | awk '/InRedirects/ { print $2 }'
}

proves "from the LAN into the tunnel and back, by one port, in both families and at the full MTU"
expect pings a-lan "$(host4 b)"
expect pings b-lan "$(host4 a)"
expect pings b-lan "$(host6 a)"
expect pings a-lan "$(host4 b)" -s 1392 -M "do"
expect copies_file a-lan b-lan "$(host4 b)"
expect copies_file b-lan a-lan "$(host4 a)"

proves "a counted flow arrives whole, each packet once"
flow_start counted a-lan b-lan "$(host4 b)" --rate 500
flow_end counted
expect [ "$flow_unique" -eq "$flow_sent" ]
expect [ "$flow_duplicates" -eq 0 ]

proves "from peer to peer: in and out by the same port"
expect pings b-lan "$(host4 c)"
expect pings c-lan "$(host6 b)"

proves "nobody was told of a shorter way that there is not"
expect [ "$(redirects)" -eq 0 ]

proves "what is not the tunnel's is forwarded by the kernel, in and out by the one twin"
on switch ip addr add 203.0.113.50/24 dev br0
on switch ip route add 192.168.10.0/24 via 203.0.113.1
expect pings a-lan 203.0.113.50
expect pings a-lan 192.168.10.1
