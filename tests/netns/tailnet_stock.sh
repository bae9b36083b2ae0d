#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Stock Tailscale clients and headgate as their subnet router: directly to each other, to the LAN
# and back, in bulk, and as the policy says from one moment to the next. SUBJECT=stock puts a stock
# tailscaled in headgate's place.
#
#                  server [control or headscale, 203.0.113.9:8080, and a relay]
#                    │
#                  switch ── c1 [tailscaled, --accept-routes]
#                    │   └── c2 [tailscaled, --accept-routes]
#   a-lan ── lan0 a-gw wan0 [headgate, offers 192.168.10.0/24]
. "${0%/*}/scene.sh"
. "$scene_dir/tailnet_server.sh"
. "$scene_dir/tailnet_client.sh"
tailnet_begin
clients_begin

site_runs a headgate
site a
tailnet_wires a
client_node c1 203.0.113.11
client_node c2 203.0.113.12
expect server_up tskey-auth-right
expect clients_meet
auth_key >"$run/authkey"
gateway=$(router_name a)

proves "two clients and the gateway join, and see each other online"
expect router_up a
expect client_up c1 --accept-routes
expect client_up c2 --accept-routes
expect_within 60 client_sees c1 "$gateway"
expect_within 60 client_sees c2 "$gateway"
address=$(router_address a)

proves "directly: disco first, then ICMP both ways in both families"
expect client c1 ping --until-direct --c 20 "$address"
expect client c2 ping --until-direct --c 20 "$(router_address a 6)"
expect grep -q '^203.0.113.1:' <(client_path c1 "$gateway")
expect_within 60 pings c1 "$address"
expect_within 60 pings c2 "$(router_address a 6)"
expect_within 60 pings a-gw "$(client_address c1)"
expect_within 60 pings a-gw "$(client_address c2 6)"

proves "to the LAN once the route is approved, and from there, with the senders' own addresses"
approve_routes "$gateway" 192.168.10.0/24 >/dev/null
expect_within 60 pings c1 "$(host4 a)"
expect_within 60 pings c2 "$(host4 a)"
expect_within 60 pings a-lan "$(client_address c1)"
for way in "c1 a-lan $(host4 a) $(client_address c1)" "a-lan c1 $(client_address c1) $(host4 a)"; do
	read -r from to at source <<<"$way"
	flow_start whole "$from" "$to" "$at" --seconds 2 --rate 100
	flow_end whole
	expect [ "$flow_unique" = "$flow_sent" ]
	expect grep -q "\"sources\": \[\"::ffff:$source\"\]" "$run/sink-whole.log"
done

proves "TCP in bulk both ways, in segments that fit; what does not fit is told"
load_begin a-lan
for way in '' --reverse; do # from the client, to it
	# shellcheck disable=SC2086 # no word or one
	expect load_run c1 "$run/bulk" --client "$(host4 a)" --time 2 $way
	rate=$(load_figure "$run/bulk" tcp)
	segment=$(sed -n 's/.*"tcp_mss_default":[ \t]*\([0-9]*\).*/\1/p' "$run/bulk")
	say "TCP${way:+, }${way#--}: $((rate / 1000000)) Mbit/s in segments of $segment"
	expect [ "$rate" -gt 1000000 ]
	expect [ "$segment" -le 1240 ]
done
expect on a-lan ping -q -c 2 -M 'do' -s 1252 "$(client_address c1)"
refuse on a-lan ping -q -c 2 -W 2 -M 'do' -s 1253 "$(client_address c1)"
expect grep -q 'mtu 1280' <(on a-lan ip route get "$(client_address c1)")

policy() { # ACL-FOR-HEADSCALE RULE-FOR-CONTROL: what the gateway lets in; $at is when
	at=$EPOCHREALTIME
	case $server_kind in
	control) say_raw "{\"PacketFilters\":{\"*\":null,\"base\":[$2]}}" "$gateway" ;;
	headscale) echo "{\"tagOwners\":{\"tag:gw\":[]},\"acls\":[$1]}" >"$run/hs/policy.hujson" &&
		kill -HUP "${net_pid[server]}" ;;
	esac
}
to_lan() { # PORTS FIRST LAST
	policy "{\"action\":\"accept\",\"src\":[\"*\"],\"dst\":[\"192.168.10.0/24:$1\"]}" \
		"{\"SrcIPs\":[\"*\"],\"DstPorts\":[{\"IP\":\"192.168.10.0/24\",\"Ports\":{\"First\":$2,\"Last\":$3}}]}"
}

proves "another policy cuts a flow that is going on, and the next one brings it back"
expect stream_begin c1 a-lan "$(host4 a)"
to_lan 22 22 22
expect stream_is_cut "$at"
say "cut after $took_ms ms"
to_lan '*' 0 65535
expect stream_is_back "$at"
say "back after $took_ms ms"
stream_end

proves "a node that is deleted is cut at once, and has no session any more"
expect_within 30 pings c2 "$(host4 a)"
expect stream_begin c2 a-lan "$(host4 a)"
c2=$(client_address c2)
case $server_kind in
control) say_raw "{\"PeersRemoved\":[$(server_says c2 '["ID"]')]}" "$gateway" ;;
headscale) expect hs nodes delete -i "$(hs_node c2 'n["id"]')" --force ;;
esac
at=$EPOCHREALTIME
expect stream_is_cut "$at"
say "cut after $took_ms ms"
stream_end
[ "$subject" = stock ] || refuse peers_show "$c2/32"
expect pings c1 "$(host4 a)"
