#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Two gateways that each take the other for the way to 172.30.0.0/16: a packet goes round
# until its TTL is used up, and no longer.
#
#   a-lan ── a-gw [subject] ═════ tunnel ═════ b-gw [wireguard-go] ── b-lan
#            172.30/16 ─────────────►
#                      ◄───────────── 172.30/16
. "${0%/*}/scene.sh"

two_sites
site_conf a b
site_conf b a
for x in a b; do
	sed -i 's|^\(AllowedIPs = .*\)|\1, 172.30.0.0/16, 192.168.0.0/16, fd00::/16|' \
		"$(conf_of $x)"
done
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}
expect pings a-lan "$(host4 b)"

sent_bytes() { wg show "$dev" transfer | cut -f 3; }

quiet_after_loop() { # nothing more goes out
	local before
	before=$(sent_bytes)
	sleep 1
	[ $(($(sent_bytes) - before)) -lt 1000 ]
}

proves "one packet into the loop: about 64 / 2 times through each gateway, then it ends"
before=$(sent_bytes)
on a-lan ping -q -n -c 1 -W 1 172.30.1.1 >/dev/null
expect quiet_after_loop
turns=$((($(sent_bytes) - before) / 128))
say "$turns packets left through the tunnel"
expect [ "$turns" -ge 20 ]
expect [ "$turns" -le 90 ]

proves "the same over IPv6, by the hop limit"
on a-lan ping -q -n -c 1 -W 1 fd00:aaaa::1 >/dev/null
expect quiet_after_loop

proves "a packet with TTL 1 does not enter the tunnel; the sender is told"
expect sh -c "ip netns exec $net_prefix-a-lan ping -n -c 1 -W 2 -t 1 $(host4 b) | grep -qi 'time to live'"
expect pings a-lan "$(host4 b)"
