#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What a peer sends must come from its allowed-ips; the rest is dropped after opening.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
#                                         also 172.16.9.9, fd00:99::9: not allowed
. "${0%/*}/scene.sh"

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
on b-gw ip addr add 172.16.9.9/32 dev lo
on b-gw ip addr add fd00:99::9/128 dev lo nodad
expect pings a-lan "$(host4 b)"

counted() { # ADDRESS-OF-SENDER TO: how many packets of 100 reach the LAN host
	flow_quiet=1 flow_wait=4
	flow_start "$1" b-gw a-lan "$2" --bind "$1" --rate 200 --seconds 0.5
	flow_end "$1"
}

proves "from an allowed source all arrive"
counted 10.0.0.2 "$(host4 a)"
expect [ "$flow_unique" -eq 100 ]
counted fd00::2 "$(host6 a)"
expect [ "$flow_unique" -eq 100 ]

proves "from another source none does, in either family, and each is counted"
counted 172.16.9.9 "$(host4 a)"
expect [ "$flow_unique" -eq 0 ]
counted fd00:99::9 "$(host6 a)"
expect [ "$flow_unique" -eq 0 ]
expect [ "$subject" = stock -o "$(drops_like 'source|allowed')" -ge 200 ]

proves "the session lives on"
expect pings b-lan "$(host4 a)"
