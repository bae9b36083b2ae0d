#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A port whose device does not exist yet when headgate starts.
#
#   a-lan ─╌╌ a-gw [headgate] ───────────── b-gw [wireguard-go] ── b-lan
#         lan0 comes later
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf a b
site_conf b a
on a-gw ip link set lan0 down
on a-gw ip link set lan0 name later
expect gateway_up b
expect gateway_up a

proves "the other port and the tunnel work meanwhile, and the log says what is missing"
expect pings b-gw "$(tun4 a)"
expect grep -q 'lan0' "$run/gateway-a.log"
expect_within 2 headgate_ctl a ports

proves "the device comes: the port is taken up without a restart"
on a-gw ip link set later name lan0
on a-gw ip link set lan0 up
expect_within 15 on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"
expect pings b-lan "$(host4 a)"

proves "sessions were not touched by that"
expect has_handshake hg0 b
