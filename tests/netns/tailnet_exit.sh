#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# An exit node: a stock client's way into the internet leads through the gateway, by its default
# route and with its address, but to no private network, and only once the server has approved it.
#
#   a-lan ── a-gw wan0 ── switch ── c1 [tailscaled]
#     [headgate 203.0.113.1]  │ └── server [control or headscale, 203.0.113.9:8080, and a relay]
#                            isp 203.0.113.254 ── web 198.51.100.7, 2001:db8:7::7, and 10.99.0.7
. "${0%/*}/scene.sh"
headgate_only
. "$scene_dir/tailnet_server.sh"
. "$scene_dir/tailnet_client.sh"
tailnet_begin
clients_begin

site_runs a headgate
site a
tailnet_wires a
node isp web
wire isp wan0 switch port-isp
on switch ip link set port-isp master br0
wire isp web0 web eth0
forward_on isp
on isp ip addr add 203.0.113.254/24 dev wan0
on isp ip addr add 2001:db8::fe/64 dev wan0 nodad
on isp ip addr add 198.51.100.1/24 dev web0
on isp ip addr add 2001:db8:7::1/64 dev web0 nodad
on isp ip route add 10.99.0.0/24 dev web0
on web ip addr add 198.51.100.7/24 dev eth0
on web ip addr add 2001:db8:7::7/64 dev eth0 nodad
on web ip addr add 10.99.0.7/24 dev eth0
on web ip route add default via 198.51.100.1
on web ip route add default via 2001:db8:7::1
client_node c1 203.0.113.11
expect server_up tskey-auth-right
expect clients_meet
auth_key >"$run/authkey"
chmod 600 "$run/authkey"
headscale_lines='AdvertiseExitNode = yes'
tailnet_conf a
sed -i '/^\[Port wan\]/a Gateway = 203.0.113.254, 2001:db8::fe' "$(conf_of a)"
expect gateway_up a
expect_within 20 has_joined
expect client_up c1
expect_within 60 client_sees c1 a1
gw=$(tailnet_address a)

proves "it offers the way, which nobody takes before the server has approved it"
expect_within 10 grep -q '0.0.0.0/0.*::/0' <(server_routes a1)
refuse client c1 set --exit-node="$gw"
approve_routes a1 192.168.10.0/24,0.0.0.0/0,::/0
expect_within 30 client c1 set --exit-node="$gw"

proves "the internet is reached with the gateway's address, in both families"
tcp_service web 80
expect_within 30 pings c1 198.51.100.7
expect_within 10 pings c1 2001:db8:7::7
expect tcp_answers c1 198.51.100.7 80
expect tcp_answers c1 2001:db8:7::7 80
expect copies_file c1 web 198.51.100.7

proves "private networks, the WAN's own one and what is not offered stay out of reach"
on isp ip route add 100.64.0.0/10 via 203.0.113.1 # replies would find back
expect pings a-gw 10.99.0.7
refuse on c1 ping -q -n -c 2 -W 1 10.99.0.7
refuse on c1 ping -q -n -c 2 -W 1 203.0.113.254
expect drops_counted '^filter-not-local$'

proves "what is advertised is reached, with the client's own address"
client c1 set --accept-routes
expect_within 20 pings c1 "$(host4 a)"

proves "withdrawn by a reload: cut at once, while what is advertised stays"
sed -i '/^AdvertiseExitNode/d' "$(conf_of a)"
expect headgate_ctl a reload
is_cut() { ! on c1 ping -q -n -c 1 -W 1 198.51.100.7; }
expect_within 10 is_cut
expect pings c1 "$(host4 a)"
