#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Peers, routes, addresses, endpoints and files change for two minutes while traffic flows; for as
# long as SOAK_SECONDS says otherwise (1800 for the long one).
#
#   a-lan ── a-gw [headgate] ──┐
#                              switch ── b-gw [wireguard-go] ── b-lan    flows that may lose nothing
#                              └──────── c-gw [wireguard-go] ── c-lan    a peer that comes and goes
. "${0%/*}/scene.sh"
headgate_only

seconds=${SOAK_SECONDS:-120}
site_runs a headgate
site_runs b stock
site_runs c stock
site a b c
wire_sites a b c
on b-gw ip addr add 203.0.113.22/24 dev wan0
site_conf a b c
site_conf b a
site_conf c a
expect gateway_up b
expect gateway_up c
expect gateway_up a
expect pings a-lan "$(host4 b)"
expect pings c-lan "$(host4 a)"

rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/${net_pid[gateway-a]}/status"; }
descriptors() { find "/proc/${net_pid[gateway-a]}/fd" -mindepth 1 | wc -l; }
look_closer() { # at a few packets of the flows
	headgate_ctl a trace -n 20 --timeout 3 && headgate_ctl a capture -c 50 -w /dev/null
}

# Each changes one thing and leaves it so that the flows between a and b can go on.
peers_come_and_go() {
	local i key add=() remove=()
	for ((i = 0; i < 10; i++)); do
		key=$(head -c 32 /dev/urandom | base64)
		add+=(peer "$key" allowed-ips "172.20.$((RANDOM % 256)).$((RANDOM % 256))/32"
			endpoint "198.51.100.$((RANDOM % 250 + 1)):5000")
		remove+=(peer "$key" remove)
	done
	wg set hg0 "${add[@]}" && wg set hg0 "${remove[@]}"
}
peer_c_leaves_and_returns() {
	wg set hg0 peer "$(public_key c)" remove && kill -HUP "${net_pid[gateway-a]}"
}
allowed_ips_change() {
	wg set hg0 peer "$(public_key b)" \
		allowed-ips "$(tun4 b)/32,$(tun6 b)/128,192.168.20.0/24,fd00:20::/64,172.31.0.0/16" &&
		wg set hg0 peer "$(public_key b)" \
			allowed-ips "$(tun4 b)/32,$(tun6 b)/128,192.168.20.0/24,fd00:20::/64"
}
endpoint_moves() {
	wg set hg0 peer "$(public_key b)" endpoint 203.0.113.22:51820 &&
		wg set hg0 peer "$(public_key b)" endpoint 203.0.113.2:51820
}
addresses_change() {
	on a-gw ip addr add "10.99.$((RANDOM % 256)).1/24" dev hg-lan &&
		on a-gw ip addr add "10.98.$((RANDOM % 256)).1/24" dev hg-wan &&
		on a-gw sh -c 'for d in hg-lan hg-wan; do
			ip -o -4 addr show dev $d | awk "\$4 ~ /^10\.9[89]/ { print \$4 }" |
				xargs -r -n 1 ip addr del dev $d; done'
}
routes_change() {
	on a-gw ip route add 192.168.20.0/25 dev hg0 && on a-gw ip route add 192.168.20.128/25 dev hg0 &&
		on a-gw ip route del 192.168.20.0/25 dev hg0 &&
		on a-gw ip route del 192.168.20.128/25 dev hg0
}
questions() {
	headgate_ctl a status && headgate_ctl a peers --json && headgate_ctl a drops &&
		wg show hg0 dump
}
changes=(peers_come_and_go peer_c_leaves_and_returns allowed_ips_change endpoint_moves
	addresses_change routes_change questions look_closer)

# Every change in turn, with c's own traffic, until the time is over. Sets n_changes.
soak() { # SECONDS
	local end=$((SECONDS + $1)) change
	while [ $SECONDS -lt $end ]; do
		for change in "${changes[@]}"; do
			"$change" >"$run/said" 2>&1 || scene_failed "$change"
			n_changes=$((n_changes + 1))
		done
		on c-lan ping -q -n -c 1 -W 1 "$(host4 a)" >/dev/null
	done
}

proves "$seconds s of changes"
n_changes=0
flow_wait=$((seconds + 60))
flow_start out a-lan b-lan "$(host4 b)" --rate 200 --seconds $((seconds + 10))
flow_start back b-lan a-lan "$(host4 a)" --rate 200 --seconds $((seconds + 10))
soak $((seconds / 4))
first=$(rss_kib) first_descriptors=$(descriptors)
soak $((seconds * 3 / 4))
last=$(rss_kib) last_descriptors=$(descriptors)
say "$n_changes changes; resident $first KiB after a quarter, $last KiB at the end;" \
	"$first_descriptors and $last_descriptors descriptors"

proves "nothing was lost of what went to a peer that stayed, and nothing came twice"
for way in out back; do
	flow_end $way
	expect [ "$flow_unique" -eq "$flow_sent" ]
	expect [ "$flow_duplicates" -eq 0 ]
done

proves "no growth"
expect [ $((last - first)) -le 1024 ]
expect [ "$last_descriptors" -le $((first_descriptors + 2)) ]
expect [ "$n_changes" -ge "${#changes[@]}" ]

proves "and the peer that came and went is there"
expect pings c-lan "$(host4 a)"
