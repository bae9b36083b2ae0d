#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# No memory growth after the warm-up, under traffic with handshakes, reloads and questions.
#
#   a-lan ── a-gw [headgate] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf a b
site_conf b a:passive
expect gateway_up b
expect gateway_up a
expect pings a-lan "$(host4 b)"

rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/${net_pid[gateway-a]}/status"; }

busy() { # SECONDS of everything that could leak
	local end=$((SECONDS + $1))
	spawn load a-lan iperf3 --client "$(host4 b)" --udp --length 200 --bitrate 30M --time "$1"
	while [ $SECONDS -lt $end ]; do
		wg show hg0 dump >/dev/null
		headgate_ctl a status >/dev/null
		headgate_ctl a drops --json >/dev/null
		wg set hg0 peer "$(public_key b)" allowed-ips 10.0.0.2/32,192.168.20.0/24,172.31.0.0/16
		wg set hg0 peer "$(public_key b)" allowed-ips 10.0.0.2/32,192.168.20.0/24
		kill -HUP "${net_pid[gateway-a]}"
		on b-lan ping -q -n -c 2 -i 0.1 -W 1 "$(host4 a)" >/dev/null
		on a-gw ip addr add 192.168.77.1/24 dev hg-lan
		on a-gw ip addr del 192.168.77.1/24 dev hg-lan
	done
	wait "${net_pid[load]}"
	unset "net_pid[load]"
}

load_begin b-lan
proves "10 s to warm up, then 30 s that may not grow it by more than 256 KiB"
busy 10
first=$(rss_kib)
busy 15
middle=$(rss_kib)
busy 15
last=$(rss_kib)
say "resident: $first KiB, $middle KiB, $last KiB"
expect [ $((last - first)) -le 256 ]
expect is_alive gateway-a
