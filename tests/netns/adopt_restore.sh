#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# kill -9: `headgate restore`, or the next start, puts the box back as it was.
#
#   admin eth0 ── adm0 b-gw [wireguard-go] wan0 ────────── wan0 a-gw [headgate hg0]
#   198.51.100.10                          203.0.113.2     203.0.113.1, default by .2
. "${0%/*}/scene.sh"
. "$scene_dir/adopt_box.sh"
headgate_only

# The variant over AF_PACKET is adopt_packet.sh.
port_kind=${adopt_kind:-xdp}
restore() { # [OPTION]: what it says goes to $run/restored
	on a-gw "$headgate" restore "$@" 2>&1 | tee "$run/restored"
	return "${PIPESTATUS[0]}"
}

adopt_box
expect gateway_up b
box_state >"$run/before"
session_start four "$(wan4 a)"
session_start six "$(wan6 a)"
expect box_up
expect pings a-gw "$(tun4 b)"

proves "while it runs, restore leaves it alone"
expect restore
expect grep -q "headgated runs" "$run/restored"
expect pings a-gw "$(tun4 b)"

proves "kill -9: the twin has gone with its addresses, the netdev still passes frames on"
halt gateway-a KILL
expect [ ! -e "/proc/${net_pid[gateway-a]:-none}" ]
if [ $port_kind = xdp ]; then
	expect sh -c "ip -n $net_prefix-a-gw -d link show dev wan0 | grep -q prog/xdp"
	expect on a-gw ip addr add 203.0.113.77/24 dev wan0
	expect_within 10 on b-gw ping -q -n -c 1 -W 2 203.0.113.77
	expect on a-gw ip addr del 203.0.113.77/24 dev wan0
fi

proves "a dry run says what would be done, and does nothing"
expect restore --dry-run
expect grep -q "would put the address 203.0.113.1/24 back on wan0" "$run/restored"
expect [ -z "$(on a-gw ip -o addr show dev wan0)" ]

proves "headgate restore: links, addresses, routes, rules and settings are as before"
expect restore
box_state >"$run/after"
expect diff "$run/before" "$run/after"
expect [ -z "$(find /run/headgate -name '*.restore')" ]

proves "a second time there is nothing to do"
expect restore
expect grep -qx "nothing to restore" "$run/restored"

proves "the next start does the same first, and goes on from there"
expect box_up
halt gateway-a KILL
expect box_up
expect grep -q "has ended and left" "$run/gateway-a.log"
expect pings a-gw "$(tun4 b)"
expect halt gateway-a TERM
box_state >"$run/after"
expect diff "$run/before" "$run/after"

proves "the administrator's sessions outlived both deaths"
sleep 1
session_survived four
session_survived six
