#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A peer that may send from every address (AllowedIPs = 0.0.0.0/0) and does: what no router
# passes on is dropped, each under its name.
#
#   a-lan ── a-gw [headgate] ───────── b-gw [wireguard-go] ── inject.py
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf a b
site_conf b a
sed -i -e 's|^AllowedIPs = .*|AllowedIPs = 0.0.0.0/0, ::/0|' -e 's/^ListenPort.*/&\nTable = off/' \
	"$(conf_of a)"
sed -i 's|^AllowedIPs = .*|AllowedIPs = 0.0.0.0/0|' "$(conf_of b)"
expect gateway_up a
stock_start b || scene_failed "wireguard-go"
on b-gw ip addr replace "$(wan4 b)/24" dev wan0
on a-gw ip route add 192.168.20.0/24 dev hg0
on b-gw ip route del default 2>/dev/null
expect_within 10 on b-gw ping -q -n -c 1 -W 1 -I "$(tun4 b)" "$(tun4 a)"

lan_got() { on a-lan cat /sys/class/net/eth0/statistics/rx_packets; }

lan_got_at_least() { [ "$(lan_got)" -ge "$1" ]; }

dropped_as() { # REASON SOURCE DESTINATION: 20 of them end so, and none on the LAN
	local before got
	before=$(drops_like "^$1\$") got=$(lan_got)
	on b-gw python3 "$scene_dir/inject.py" wg1 "$2" "$3" 20
	expect_within 5 counts_at_least "$1" $((before + 20))
	expect [ $(($(lan_got) - got)) -lt 20 ]
}

counts_at_least() { [ "$(drops_like "^$1\$")" -ge "$2" ]; }

proves "an honest source reaches the LAN"
got=$(lan_got)
on b-gw python3 "$scene_dir/inject.py" wg1 198.51.100.9 192.168.10.10 20
expect_within 5 lan_got_at_least $((got + 20))

proves "our own addresses as source: those of the tunnel, of a LAN and of the wire"
dropped_as own-source 10.0.0.1 192.168.10.10
dropped_as own-source 192.168.10.1 192.168.10.10
dropped_as own-source 203.0.113.1 192.168.10.10

proves "sources that nobody has"
dropped_as ip-source 127.0.0.1 192.168.10.10
dropped_as ip-source 0.0.0.0 192.168.10.10
dropped_as ip-source 224.0.0.1 192.168.10.10
dropped_as ip-source 255.255.255.255 192.168.10.10

proves "destinations that are no one host's"
dropped_as multicast 198.51.100.9 224.0.0.251
dropped_as multicast 198.51.100.9 255.255.255.255
dropped_as ip-destination 198.51.100.9 127.0.0.1
dropped_as ip-destination 198.51.100.9 0.0.0.0

proves "a broadcast of the LAN's is not passed on to it"
got=$(lan_got)
on b-gw python3 "$scene_dir/inject.py" wg1 198.51.100.9 192.168.10.255 50
sleep 1
expect [ $(($(lan_got) - got)) -lt 25 ]
