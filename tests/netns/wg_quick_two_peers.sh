#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# An unmodified wg-quick file with two peers, and nothing beside it but the names of the ports: one
# peer is called, one calls. They reach each other too.
#
#                 a-gw [headgate wg0] ── a-lan
#                   │
#                 switch
#                ╱      ╲\
#   b-lan ── b-gw        c-gw ── c-lan     [wireguard-go]
. "${0%/*}/scene.sh"
headgate_only

file=$run/a/wg0.conf # as it would stand in /etc/wireguard
site_runs a headgate
site_runs b stock
site_runs c stock
site_dev[a]=wg0
site a b c
wire_sites a b c
install -m 600 "$scene_dir/files/wg_quick_two_peers/wg0.conf" "$file"
key_is() { # X KEY
	echo "$2" >"$run/$1/private.key"
	wg pubkey <"$run/$1/private.key" >"$run/$1/public.key"
}
key_is a "$(sed -n 's/^PrivateKey = //p' "$file")"
key_is b +GnthEBh/AarBi6FY0FGeQNWzaanH5RkIv9zcmeNQV8= # whose public keys the file has
key_is c 6Jtq4SOEXJzFqp/+bTnKWIXcW+Hl54k45uKWfwpJTmM=
site_conf b a:passive
sed -i "/^PublicKey/a $(grep ^PresharedKey "$file")" "$(conf_of b)"
site_conf c a
for x in b c; do # they reach each other by the hub
	sed -i 's|^AllowedIPs = .*|AllowedIPs = 10.0.0.0/24, fd00::/64, 192.168.0.0/16, fd00::/16|' \
		"$(conf_of $x)"
	expect gateway_up $x
	on $x-gw ip route add default via "$(wan4 a)"
done
on a-gw ip addr add "$(wan4 a)/24" dev wan0
on a-gw ip addr add 192.168.10.1/24 dev lan0
on a-gw ip addr add fd00:10::1/64 dev lan0 nodad
expect_within 5 sh -c "! ip -n $net_prefix-a-gw addr | grep -q tentative"
on a-gw ip route show table all | sort >"$run/before"
spawn gateway-a a-gw "$headgated" -c "$file" --port wan=net_af_xdp_wan0,iface=wan0 \
	--port lan=net_af_xdp_lan0,iface=lan0
expect headgate_wait a 20

proves "what wg shows is what the file says"
expect [ "$(wg show wg0 peers | wc -l)" = 2 ]
expect [ "$(wg show wg0 listen-port)" = 51820 ]
expect [ "$(wg show wg0 fwmark)" = off ]
expect endpoint_is wg0 b "$(wan4 b):51820"

proves "each peer's LAN is reached, by both families and by TCP"
for x in b c; do
	expect pings $x-lan "$(host4 a)"
	expect pings a-lan "$(host4 $x)"
	expect pings a-lan "$(host6 $x)"
	expect copies_file a-lan $x-lan "$(host4 $x)"
done

proves "one peer reaches the other through the hub"
expect pings b-lan "$(host4 c)"
expect pings c-lan "$(host4 b)"

proves "its routes are there, and after the end none is"
expect sh -c "ip -n $net_prefix-a-gw route show 192.168.20.0/24 | grep -q 'dev wg0'"
expect halt gateway-a TERM
expect grep -q "the hub wg0 is down" "$run/gateway-a.log"
on a-gw ip route show table all | sort >"$run/after"
expect diff "$run/before" "$run/after"
