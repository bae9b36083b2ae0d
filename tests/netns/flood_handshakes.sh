#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Forged handshake messages from made-up addresses, as many as this machine can send.
#
#   a-lan ── a-gw [subject] ──┐          ┌── b-gw [wireguard-go] ── b-lan    a flow goes on
#                             switch ────┤
#   forged messages ──────────┘          └── c-gw [wireguard-go] ── c-lan    comes meanwhile
. "${0%/*}/scene.sh"

flood=$scene_build/tests/flood/flood
[ -x "$flood" ] || die "no $flood: build it first (tools/build)"
site_runs a "$subject"
site_runs b stock
site_runs c stock
site a b c
wire_sites a b c
site_conf a b:passive c:passive
site_conf b a
site_conf c a
expect gateway_up b
expect gateway_up a
expect pings b-lan "$(host4 a)"
mac=$(on a-gw cat "/sys/class/net/$(twin a wan)/address")

flood_start() { # KIND SECONDS PACKETS/S (0: as many as can be) [FROM]
	spawn "flood-$1" switch "$flood" "$1" --dev port-a --mac "$mac" --to "$(wan4 a)" --port 51820 \
		--seconds "$2" --pps "$3" --key "$(public_key a)" --from "${4:-198.51.0.0}"
}

flood_end() { # KIND
	wait "${net_pid[flood-$1]}"
	unset "net_pid[flood-$1]"
	flood_sent=$(tail -n 1 "$run/flood-$1.log")
	say "flood of $1: $flood_sent sent"
	expect [ "$flood_sent" -gt 1000 ]
}

rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/${net_pid[gateway-a]}/status"; }

# At the highest rate the wire itself loses some: a veth queues 256 packets, an AF_XDP port 2048.
loses_nothing() { [ "$flow_unique" -eq "$flow_sent" ]; }
loses_next_to_nothing() { [ "$flow_unique" -gt $((flow_sent * 99 / 100)) ]; }

proves "established flows go on in a flood of forged initiations, as many as can be sent"
first=$(rss_kib)
flow_start out a-lan b-lan "$(host4 b)" --rate 300 --seconds 22
flow_start back b-lan a-lan "$(host4 a)" --rate 300 --seconds 22
flood_start initiation 20 0
sleep 1

proves "a peer that comes in the middle of it gets in: at its first try, or at its second with a cookie"
expect gateway_up c
began=$EPOCHREALTIME
expect_within 30 on c-lan ping -q -n -c 1 -W 1 "$(host4 a)"
say "it took $(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }') s"
flood_end initiation
flow_end out
expect loses_next_to_nothing
flow_end back
expect loses_next_to_nothing

proves "and lose nothing at 100,000 a second, be they right, or from those that do not know our key, or cookie replies"
for kind in initiation bad-mac cookie; do
	flow_start "$kind" b-lan a-lan "$(host4 a)" --rate 300 --seconds 5
	flood_start "$kind" 4 100000
	flood_end "$kind"
	flow_end "$kind"
	expect loses_nothing
done

proves "sources on our own wire, that ARP would have to find: nothing is asked or kept for them all"
flow_start near b-lan a-lan "$(host4 a)" --rate 300 --seconds 5
flood_start initiation 4 100000 203.0.113.0
flood_end initiation
flow_end near
expect loses_nothing

proves "nobody who is not authentic makes us keep anything"
last=$(rss_kib)
say "resident: $first KiB before, $last KiB after"
expect [ $((last - first)) -le 2048 ]
expect pings c-lan "$(host4 a)"
expect is_alive gateway-a
