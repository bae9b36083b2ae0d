#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Packets of 9000 bytes on LAN and wire, over AF_PACKET with frames large enough for them; and
# what happens where a port cannot.
#
#   a-lan ══ 9000 ══ a-gw [headgate, AF_PACKET] ══ 9000 ══ b-gw [wireguard-go] ══ 9000 ══ b-lan
. "${0%/*}/scene.sh"
headgate_only

port_kind=packet
two_sites
site_conf a b
site_conf b a
for end in a-lan:eth0 b-lan:eth0 b-gw:lan0 b-gw:wan0; do
	ip -n "$net_prefix-${end%:*}" link set "${end#*:}" mtu 9000
done
sed -i -e 's/^\(Device = .*iface=wan0\)/\1,framesz=16384/' -e 's/^Device = .*/&\nMTU = 9000/' \
	"$(conf_of a)"
good=$(cat "$(conf_of a)")
expect gateway_up b
ip -n "$net_prefix-b-gw" link set wg1 mtu 8920

complains() { # WORDS…: headgated ends with an error that has them all
	local word
	if on a-gw timeout 20 "$headgated" -c "$(conf_of a)" >"$run/complaint" 2>&1; then
		return 1
	fi
	cat "$run/complaint"
	for word; do
		grep -qiF -- "$word" "$run/complaint" || return 1
	done
}

proves "what a port cannot carry is refused, and the netdev is left as it was"
sed -i 's/framesz=16384/framesz=4096/' "$(conf_of a)"
expect complains "port wan" "MTU 9000" framesz
sed -i 's/^Device = net_af_packet_wan0.*/Device = net_af_xdp0,iface=wan0/' "$(conf_of a)"
expect complains "port wan" net_af_xdp "MTU 9000 is more than the 3542"
sed -i '/^MTU/d' "$(conf_of a)"
sed -i 's/^Device = .*lan0.*/&,framesz=16384/' "$(conf_of a)"
expect complains "port wan" net_af_xdp "at most a page"
expect [ "$(on a-gw cat /sys/class/net/wan0/mtu)" -eq 1500 ]
expect [ "$(on a-gw cat /sys/class/net/lan0/mtu)" -eq 1500 ]

proves "with large frames: ports, twins, netdevs and the tunnel have the MTU"
echo "$good" >"$(conf_of a)"
expect gateway_up a
expect [ "$(on a-gw cat /sys/class/net/hg-wan/mtu)" -eq 9000 ]
expect [ "$(on a-gw cat /sys/class/net/hg-lan/mtu)" -eq 9000 ]
expect [ "$(on a-gw cat /sys/class/net/hg0/mtu)" -eq 8920 ]
expect [ "$(on a-gw cat /sys/class/net/wan0/mtu)" -eq 9000 ]

proves "packets of 8920 bytes pass the tunnel whole, in both families, and no larger one"
expect pings a-lan "$(host4 b)" -s 8892 -M "do"
expect pings b-lan "$(host4 a)" -s 8892 -M "do"
expect pings a-lan "$(host6 b)" -s 8872 -M "do"
refuse on a-lan ping -q -n -c 2 -i 0.3 -W 1 -s 8893 -M "do" "$(host4 b)"
expect pings a-lan 192.168.10.1 -s 8972 -M "do"

proves "TCP with segments of that size"
expect copies_file a-lan b-lan "$(host4 b)"
expect copies_file b-lan a-lan "$(host4 a)"

proves "a wire that carries less in between: outer fragments, put together by the kernel"
ip -n "$net_prefix-b-gw" link set wan0 mtu 1500
flow_start large b-lan a-lan "$(host4 a)" --rate 50 --size 8800
flow_end large
expect [ "$flow_unique" -eq "$flow_sent" ]
ip -n "$net_prefix-b-gw" link set wan0 mtu 9000

proves "at the end the netdevs have what they had"
expect gateway_down a
expect [ "$(on a-gw cat /sys/class/net/wan0/mtu)" -eq 1500 ]

proves "a netdev that has MTU 9000 already, and a config that says nothing of it"
grep -v '^MTU' <<<"$good" | sed 's/,framesz=16384//' >"$(conf_of a)"
for dev in wan0 lan0; do
	ip -n "$net_prefix-a-gw" link set "$dev" mtu 9000
done
expect gateway_up a
expect pings a-lan "$(host4 b)" -s 8892 -M "do"
