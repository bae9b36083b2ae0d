#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# headgate answers: only the stock peer knows an endpoint.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
#   192.168.10.10   203.0.113.1    203.0.113.2     192.168.20.10
. "${0%/*}/scene.sh"

two_sites
site_conf a b:passive
site_conf b a
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}

proves "without an endpoint nothing can be sent, and nothing breaks"
refuse on a-lan ping -q -n -c 1 -W 1 "$(host4 b)"
expect [ "$(handshake_age "$dev" b)" -eq -1 ]

proves "the peer's handshake is answered, and its endpoint learned from it"
expect pings b-lan "$(host4 a)"
expect endpoint_is "$dev" b 203.0.113.2:51820

proves "the responder sends too, once the initiator's first packet has come"
expect pings a-lan "$(host4 b)"
expect copies_file a-lan b-lan "$(host4 b)"
