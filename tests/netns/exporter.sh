#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A Prometheus exporter that knows WireGuard and not headgate (tests/interop/fetch exporter) shows
# the same peers and numbers as wg does.
#
#   a-lan ── a-gw [subject, exporter] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"
exporter=$("$scene_top/tests/interop/fetch" exporter) || exit

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}
expect pings a-lan "$(host4 b)"
# One that never comes up, to be shown as such.
silent=$(wg genkey | wg pubkey)
expect wg set "$dev" peer "$silent" allowed-ips 10.66.0.0/16,fd66::/64

metric() { # NAME KEY -> its value
	sed -n "s|^wireguard_$1{.*interface=\"$dev\".*public_key=\"$2\".*} ||p" "$run/metrics"
}

wg_says() { # FIELD-OF-THE-DUMP KEY
	wg show "$dev" dump | awk -F '\t' -v key="$2" -v n="$1" '$1 == key { print $n }'
}

scrape() {
	on a-gw python3 -c 'import urllib.request as u
print(u.urlopen("http://127.0.0.1:9586/metrics", timeout=5).read().decode())' >"$run/metrics"
}

lies_between() { # LEAST NUMBER MOST
	[ "$1" -le "$2" ] && [ "$2" -le "$3" ]
}

# Packets may pass between the two questions, so wg is asked before and after.
agree_on() { # METRIC FIELD KEY
	local before after
	before=$(wg_says "$2" "$3")
	scrape || return 1
	after=$(wg_says "$2" "$3")
	say "$1: wg $before to $after, exporter $(metric "$1" "$3")"
	lies_between "$before" "$(metric "$1" "$3")" "$after"
}

proves "it finds the interface and all its peers"
spawn exporter a-gw "$exporter" -l 127.0.0.1 -p 9586
expect_within 10 scrape
expect [ "$(grep -c "^wireguard_sent_bytes_total{.*interface=\"$dev\"" "$run/metrics")" = 2 ]
expect grep -q "public_key=\"$silent\".*allowed_ips=\"10.66.0.0/16,fd66::/64\"" "$run/metrics"

proves "bytes and handshakes are what wg says, and grow with the traffic"
b=$(public_key b)
expect agree_on received_bytes_total 6 "$b"
expect agree_on sent_bytes_total 7 "$b"
expect agree_on latest_handshake_seconds 5 "$b"
expect agree_on sent_bytes_total 7 "$silent"
expect agree_on latest_handshake_seconds 5 "$silent"
before=$(metric sent_bytes_total "$b")
expect copies_file a-lan b-lan "$(host4 b)"
expect agree_on sent_bytes_total 7 "$b"
expect [ "$(metric sent_bytes_total "$b")" -gt $((before + 4194304)) ]
