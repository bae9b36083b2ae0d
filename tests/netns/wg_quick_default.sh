#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# An unmodified wg-quick file whose peer is the default route, and ports that adopt what the box
# has: everything goes into the tunnel, but the tunnel's own packets, which take the default route
# that was there before.
#
#   a-lan ── a-gw [headgate wg0] ──default─► 203.0.113.2 b-gw [wireguard-go] ── b-lan
#                                            198.51.100.7 on lo
. "${0%/*}/scene.sh"
headgate_only

file=$run/a/wg0.conf # as it would stand in /etc/wireguard
site_runs a headgate
site_runs b stock
site_dev[a]=wg0
site a b
wire_sites a b
install -m 600 "$scene_dir/files/wg_quick_default/wg0.conf" "$file"
sed -n 's/^PrivateKey = //p' "$file" >"$run/a/private.key"
wg pubkey <"$run/a/private.key" >"$run/a/public.key"
echo "4Eu+rsPggGK/sOaWG7SQDOddfXIHyaBc2GBuP+/r1ls=" >"$run/b/private.key" # whose public key the file has
wg pubkey <"$run/b/private.key" >"$run/b/public.key"
site_conf b a:passive
on b-gw ip addr add 198.51.100.7/32 dev lo
on a-gw ip addr add "$(wan4 a)/24" dev wan0
on a-gw ip addr add "$(wan6 a)/64" dev wan0 nodad
on a-gw ip addr add 192.168.10.1/24 dev lan0
on a-gw ip addr add fd00:10::1/64 dev lan0 nodad
on a-gw ip route add default via 203.0.113.2

state() { # what a run may not change
	on a-gw ip -o addr | sed 's/^[0-9]*: //'
	on a-gw ip -4 rule
	on a-gw ip -6 rule
	on a-gw ip -4 route show table all
	on a-gw ip -6 route show table all | sort
	on a-gw nft list ruleset
	on a-gw sysctl net.ipv4.conf.all.src_valid_mark
}

start() { # [OPTION…]
	spawn gateway-a a-gw "$headgated" -c "$file" --port wan=net_af_xdp_wan0,iface=wan0 \
		--port lan=net_af_xdp_lan0,iface=lan0 --log-level "${HEADGATE_LOG:-info}" "$@"
	expect headgate_wait a 20
}

expect gateway_up b
expect_within 5 sh -c "! ip -n $net_prefix-a-gw addr | grep -q tentative"
state >"$run/before"
start

proves "rules, table and mark are those of wg-quick"
expect [ "$(wg show wg0 fwmark)" = 0xca6c ]
for family in -4 -6; do
	expect sh -c "ip -n $net_prefix-a-gw $family rule | grep -q '^32765:.*not from all fwmark 0xca6c lookup 51820'"
	expect sh -c "ip -n $net_prefix-a-gw $family rule | grep -q '^32764:.*lookup main suppress_prefixlength 0'"
	expect sh -c "ip -n $net_prefix-a-gw $family route show table 51820 | grep -q '^default dev wg0'"
done
expect [ "$(on a-gw sysctl -n net.ipv4.conf.all.src_valid_mark)" = 1 ]

proves "the LAN's packets and the box's own go into the tunnel, whereto ever"
expect pings a-lan "$(host4 b)"
expect pings a-lan "$(host6 b)"
expect pings a-gw "$(host4 b)"
expect pings a-gw "$(host6 b)"
expect copies_file a-lan b-lan "$(host4 b)"
expect copies_file a-gw b-lan "$(host4 b)"

proves "the tunnel's own packets leave by the default route of table main"
expect endpoint_is wg0 b 198.51.100.7:51820
expect has_handshake wg0 b

proves "who is on the wire cannot speak to the tunnel's address"
on b-gw ip route add 10.0.0.1/32 via "$(wan4 a)" table 99
on b-gw ip rule add to 10.0.0.1 iif lo lookup 99 priority 99
refuse on b-gw ping -q -n -c 2 -i 0.3 -W 1 -I "$(wan4 b)" 10.0.0.1
on b-gw ip rule del priority 99

proves "without the two prefixes all of it is gone; with one of them half is there again"
peer=$(public_key b)
wg set wg0 peer "$peer" allowed-ips "$(host4 b)/32"
expect [ "$(wg show wg0 fwmark)" = off ]
refuse sh -c "{ ip -n $net_prefix-a-gw rule; ip -n $net_prefix-a-gw -6 rule; } | grep 51820"
expect [ -z "$(on a-gw nft list tables inet)" ]
expect pings a-lan "$(host4 b)"
wg set wg0 peer "$peer" allowed-ips 0.0.0.0/0
expect [ "$(wg show wg0 fwmark)" = 0xca6c ]
refuse sh -c "ip -n $net_prefix-a-gw -6 rule | grep -q 51820"
expect pings a-gw "$(host4 b)"

proves "another mark moves rules and table; packets go on"
wg set wg0 fwmark 0x1234
expect [ "$(wg show wg0 fwmark)" = 0x1234 ]
expect sh -c "ip -n $net_prefix-a-gw rule | grep -q 'not from all fwmark 0x1234 lookup 4660'"
refuse sh -c "ip -n $net_prefix-a-gw rule | grep -q 51820"
expect pings a-lan "$(host4 b)"

proves "after kill -9 headgate restore brings back what was before"
halt gateway-a KILL
expect sh -c "ip -n $net_prefix-a-gw rule | grep -q 'lookup 4660'"
expect on a-gw "$headgate" restore
state >"$run/after"
expect diff "$run/before" "$run/after"
more=$run/a/more.conf
(umask 077 && : >"$more")
start -c "$more"
expect pings a-lan "$(host4 b)"

proves "a second interface with 0.0.0.0/0 gets a table and rules of its own, by reload"
printf '%s\n' "[Interface]" "Name = wg7" "PrivateKey = $(wg genkey)" "Address = 10.1.0.1/24" \
	"[Peer]" "PublicKey = $(wg genkey | wg pubkey)" "AllowedIPs = 0.0.0.0/0" >"$more"
expect headgate_ctl a reload
expect [ "$(wg show wg7 fwmark)" = 0xca6d ]
expect sh -c "ip -n $net_prefix-a-gw rule | grep -q '^32763:.*not from all fwmark 0xca6d lookup 51821'"
expect sh -c "ip -n $net_prefix-a-gw route show table 51821 | grep -q '^default dev wg7'"
: >"$more"
expect headgate_ctl a reload
refuse sh -c "ip -n $net_prefix-a-gw rule | grep -q 51821"
expect [ "$(wg show wg0 fwmark)" = 0xca6c ]
expect pings a-lan "$(host4 b)"

proves "after the end rules, routes, nftables and sysctl are as before"
expect halt gateway-a TERM
state >"$run/after"
expect diff "$run/before" "$run/after"
