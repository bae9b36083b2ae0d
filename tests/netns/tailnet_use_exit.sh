#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# ExitNode: what a LAN has for the internet leaves by another gateway, with that one's address, or
# not at all; what the gateway itself sends, to the server that lies beyond its default route too,
# keeps its own way.
#
#   b-lan ── b-gw [headgate] ── 192.0.2.254 isp 203.0.113.254 ── switch ── a-gw [headgate]
#            192.0.2.2                       │                     └── server [203.0.113.9:8080]
#                                           web 198.51.100.7, 2001:db8:7::7
. "${0%/*}/scene.sh"
headgate_only
. "$scene_dir/tailnet_server.sh"
tailnet_begin

site_runs a headgate
site_runs b headgate
site a b
tailnet_wires a
node isp web
wire isp wan0 switch port-isp
on switch ip link set port-isp master br0
wire b-gw wan0 isp b0
wire isp web0 web eth0
forward_on isp
on isp ip addr add 203.0.113.254/24 dev wan0
on isp ip addr add 2001:db8::fe/64 dev wan0 nodad
on isp ip addr add 192.0.2.254/24 dev b0
on isp ip addr add 2001:db8:b::fe/64 dev b0 nodad
on isp ip addr add 198.51.100.1/24 dev web0
on isp ip addr add 2001:db8:7::1/64 dev web0 nodad
on isp ip route add 192.168.20.0/24 via 192.0.2.2 # so the LAN's own way would do
on isp ip route add fd00:20::/64 via 2001:db8:b::2
on web ip addr add 198.51.100.7/24 dev eth0
on web ip addr add 2001:db8:7::7/64 dev eth0 nodad
on web ip route add default via 198.51.100.1
on web ip route add default via 2001:db8:7::1
on server ip route add default via 203.0.113.254
# shellcheck disable=SC2016 # socat's variable
spawn web web socat TCP4-LISTEN:81,fork,reuseaddr 'SYSTEM:echo $SOCAT_PEERADDR'
expect server_up tskey-auth-right
(umask 077 && auth_key >"$run/authkey")
headscale_lines=$'AdvertiseExitNode = yes\nAcceptRoutes = yes' tailnet_conf a
headscale_lines='ExitNode = a1' tailnet_conf b
sed -i '/^\[Port wan\]/a Gateway = 203.0.113.254, 2001:db8::fe' "$(conf_of a)"
sed -i 's|^Address = 203.0.113.2/24.*|Address = 192.0.2.2/24, 2001:db8:b::2/64\
Gateway = 192.0.2.254, 2001:db8:b::fe|; s|^AdvertiseRoutes = .*|&, fd00:20::/64|' "$(conf_of b)"

rules() {
	on b-gw ip -4 rule
	on b-gw ip -6 rule
}

seen_as() { # NODE ADDRESS: by the web
	[ "$(on "$1" timeout 8 socat -u TCP4:198.51.100.7:81 -)" = "$2" ]
}

is_cut() {
	! on b-lan ping -q -n -c 1 -W 1 198.51.100.7 && ! on b-lan ping -q -n -c 1 -W 1 2001:db8:7::7
}

health_has() { # REGEX
	headgate_ctl b status | grep -q "$1"
}

rules >"$run/before"
expect gateway_up a
expect gateway_up b
for x in a b; do
	expect_within 40 has_joined "$x"
	expect_within 20 peers_are 1 "$x"
done
approve_routes b1 192.168.20.0/24,fd00:20::/64
expect_within 20 peers_show fd00:20::/64 a

proves "before the server has approved it the LAN's packets go nowhere; a sentence says so"
expect_within 20 health_has 'ExitNode = a1: that node does not offer it'
expect is_cut
expect_within 20 seen_as b-gw 192.0.2.2

proves "then they leave by the node's way, in both families; the gateway's own by its own"
approve_routes a1 192.168.10.0/24,0.0.0.0/0,::/0
expect_within 30 seen_as b-lan 203.0.113.1
expect_within 20 pings b-lan 2001:db8:7::7
expect copies_file b-lan web 198.51.100.7
expect seen_as b-gw 192.0.2.2
refuse health_has 'ExitNode = a1'

proves "approval withdrawn, which only a server that is still heard can say: cut, and no other way"
approve_routes a1 192.168.10.0/24
expect_within 30 health_has 'ExitNode = a1: that node does not offer it'
expect is_cut

proves "taken out by a reload: the LAN has its own way back, and the rules are as before"
sed -i '/^ExitNode/d' "$(conf_of b)"
expect headgate_ctl b reload
expect_within 20 seen_as b-lan 192.168.20.10
expect pings b-lan 2001:db8:7::7
expect diff "$run/before" <(rules)

proves "chosen anew by its address; a node that is gone is no reason to leak"
sed -i "/^Hostname = b1/a ExitNode = $(tailnet_address a)" "$(conf_of b)"
approve_routes a1 192.168.10.0/24,0.0.0.0/0,::/0
expect headgate_ctl b reload
expect_within 30 seen_as b-lan 203.0.113.1
expect gateway_down a
expect is_cut
expect gateway_down b
expect diff "$run/before" <(rules)
