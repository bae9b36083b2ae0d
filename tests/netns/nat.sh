#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# headgate behind a NAT that forgets quickly; a persistent keepalive keeps the way in open.
#
#   a-lan ── a-gw [subject] ── nat (masquerade) ── b-gw [wireguard-go] ── b-lan
#            203.0.113.1    203.0.113.254  198.51.100.1   198.51.100.2
. "${0%/*}/scene.sh"

site_runs a "$subject"
site_runs b stock
site a b
node nat
wire a-gw wan0 nat in0
wire nat out0 b-gw wan0
on nat ip addr add 203.0.113.254/24 dev in0
on nat ip addr add 198.51.100.1/24 dev out0
forward_on nat
on nat nft -f - <<-END || skip "no nft masquerade on this kernel"
	table ip nat {
		chain post { type nat hook postrouting priority 100; oifname "out0" masquerade; }
	}
END
on nat sysctl -qw net.netfilter.nf_conntrack_udp_timeout=4 \
	net.netfilter.nf_conntrack_udp_timeout_stream=4

wan4() { case $1 in a) echo 203.0.113.1 ;; b) echo 198.51.100.2 ;; esac; }
keepalive=1
site_conf a b
sed -i '/^\[Port wan\]/a Gateway = 203.0.113.254' "$(conf_of a)"
keepalive=
site_conf b a:passive
expect gateway_up b
expect gateway_up a
[ "$subject" = headgate ] || on a-gw ip route add default via 203.0.113.254

endpoint_seen_as() { # ADDRESS: of site a, at b
	wg show "${site_dev[b]}" endpoints | grep -q "$1:"
}

proves "the tunnel opens by itself: the keepalive starts a handshake without any traffic"
expect_within 10 has_handshake "${site_dev[a]}" b
expect endpoint_seen_as 198.51.100.1

proves "after 8 quiet seconds, twice what the NAT remembers, the far side still gets in"
sleep 8
expect on b-lan ping -q -n -c 1 -W 1 "$(host4 a)"
expect pings b-lan "$(host4 a)"

proves "the NAT forgets all at once and takes another port: followed"
on nat nft flush chain ip nat post
on nat nft add rule ip nat post oifname out0 ip protocol udp masquerade to :61000-61010
on nat conntrack -F 2>/dev/null || sleep 5
expect_within 10 on b-lan ping -q -n -c 1 -W 1 "$(host4 a)"
