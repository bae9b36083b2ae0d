#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The outer WireGuard packets over a VLAN: the uplink is VLAN 7 of a NIC whose untagged frames
# are nobody's, and a second tunnel's peer sits behind VLAN 8 of it.
#
#   a-lan ── lan0 a-gw [headgate] nic0 ── trunk a-sw    ┌ 7 ── wan0 b-gw [wireguard-go] ── b-lan
#              wan = nic.7, side = nic.8     [trunk.py] ┴ 8 ── wan0 c-gw [wireguard-go] ── c-lan
. "${0%/*}/scene.sh"
headgate_only

site_runs a headgate
site_runs b stock
site_runs c stock
site a b c
node a-sw
wire a-gw wan0 a-sw trunk
wire a-sw v7 b-gw wan0
wire a-sw v8 c-gw wan0
site_conf a b c
site_conf b a
site_conf c a
# The wire to site c has a network of its own.
sed -i -e 's/203\.0\.113\.3:/198.51.100.3:/' \
	-e 's/^Device = .*iface=wan0.*/Device = nic.7/' "$(conf_of a)"
sed -i -e 's/203\.0\.113\.1:/198.51.100.1:/' -e 's|^AllowedIPs = .*|&, 192.168.20.0/24|' \
	"$(conf_of c)"
sed -i 's|^AllowedIPs = .*|&, 192.168.30.0/24|' "$(conf_of b)"
cat >>"$(conf_of a)" <<-END

	[Port side]
	Device = nic.8
	Address = 198.51.100.1/24

	[Port nic]
	Device = $(port_device wan0)
END
spawn trunk a-sw python3 "$scene_dir/trunk.py" trunk 7=v7 8=v8
expect_within 5 grep -q joined "$run/trunk.log"
expect gateway_up b
expect gateway_up c
on c-gw ip addr add 198.51.100.3/24 dev wan0
expect gateway_up a

proves "handshakes and data go through the VLANs, started from either side"
expect pings a-lan "$(host4 b)"
expect pings c-lan "$(host4 a)"
expect pings a-lan "$(host6 b)"
expect pings a-lan "$(host4 b)" -s 1392 -M "do"
expect copies_file a-lan b-lan "$(host4 b)"
expect copies_file c-lan a-lan "$(host4 a)"

proves "from one peer to another: in by one VLAN and out by the next"
expect pings b-lan "$(host4 c)"

proves "a peer that moves to the other VLAN is followed"
on b-gw ip addr add 198.51.100.2/24 dev wan0
halt trunk
spawn trunk a-sw python3 "$scene_dir/trunk.py" trunk 8=v7
expect_within 5 grep -q joined "$run/trunk.log"
wg set wg1 peer "$(public_key a)" endpoint 198.51.100.1:51820
expect pings b-lan "$(host4 a)"
expect endpoint_is hg0 b 198.51.100.2:51820
