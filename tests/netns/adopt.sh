#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# One NIC and no word about it in the config: the port adopts what the kernel had on it, and
# sessions over it go on.
#
#   admin eth0 ── adm0 b-gw [wireguard-go] wan0 ────────── wan0 a-gw [headgate hg0]
#   198.51.100.10                          203.0.113.2     203.0.113.1, default by .2
. "${0%/*}/scene.sh"
. "$scene_dir/adopt_box.sh"
headgate_only

adopt_box
expect gateway_up b
box_state >"$run/before"
session_start four "$(wan4 a)"
session_start six "$(wan6 a)"
sleep 1

proves "the port adopts the netdev: what it had is on the twin, exactly"
expect box_up
expect on a-gw ip route get "$admin4"
box_has >"$run/on-twin"
sed 's/wan0/DEVICE/g' "$run/had" >"$run/had.device"
sed 's/hg-wan/DEVICE/g' "$run/on-twin" >"$run/on-twin.device"
expect diff "$run/had.device" "$run/on-twin.device"
expect [ -z "$(on a-gw ip -o addr show dev wan0)" ]
expect [ -z "$(on a-gw ip route show table all dev wan0)" ]

proves "WireGuard runs over the same NIC, beside the box's own traffic"
expect pings b-lan "$(tun4 a)"
expect pings b-gw "$(tun6 a)"
expect_within 10 on admin ping -q -n -c 1 -W 2 "$(wan4 a)"
expect_within 10 on admin ping -q -n -c 1 -W 2 "$(wan6 a)"
expect_within 10 on admin ping -q -n -c 1 -W 2 203.0.113.11
refuse sh -c "ip netns exec $net_prefix-admin ping -n -c 3 -i 0.2 $(wan4 a) | grep -q DUP"

proves "an address that comes while it runs stays when it ends"
expect on a-gw ip addr add 203.0.113.13/24 dev hg-wan
expect halt gateway-a TERM
expect on a-gw ip addr del 203.0.113.13/24 dev wan0

proves "SIGTERM: links, addresses, routes, rules and settings are as before"
box_state >"$run/after"
expect diff "$run/before" "$run/after"
expect [ -z "$(ls /run/headgate)" ]

proves "the sessions went on over start and end, without a second of silence"
sleep 1
session_unbroken four
session_unbroken six
