#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Either end starts anew under traffic; the tunnel comes back by itself.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}
expect pings a-lan "$(host4 b)"

proves "the peer restarts: its new handshake replaces the old session at once"
gateway_down b
expect gateway_up b
expect_within 8 on b-lan ping -q -n -c 1 -W 1 "$(host4 a)"
expect pings a-lan "$(host4 b)"

proves "the peer restarts and stays silent: this side notices within 15 s + 5 s, and renews"
gateway_down b
expect gateway_up b
expect_within 25 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"

proves "headgate is stopped and started: back when it is ready"
expect gateway_down a
expect gateway_up a
expect_within 10 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"
expect pings b-lan "$(host4 a)"

proves "headgate is killed and started: back as well, whatever was left behind"
gateway_down a KILL
expect gateway_up a
expect_within 25 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"
expect pings b-lan "$(host4 a)"
expect has_handshake "$dev" b
