#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The tunnel runs over IPv6; inside go both families.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
#            2001:db8::1       2001:db8::2
. "${0%/*}/scene.sh"

two_sites
outer=6
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}

proves "a handshake over IPv6, started here"
expect pings a-lan "$(host4 b)"
expect endpoint_is "$dev" b "[2001:db8::2]:51820"
expect endpoint_is "${site_dev[b]}" a "[2001:db8::1]:51820"

proves "IPv4 and IPv6 inside, both ways, the outer UDP checksum right (0 is illegal there)"
expect pings b-lan "$(host4 a)"
expect pings a-lan "$(host6 b)"
expect pings b-lan "$(host6 a)"
expect pings a-lan "$(host6 b)" -s 1372 -M "do"
expect copies_file a-lan b-lan "$(host4 b)"
expect copies_file b-lan a-lan "$(host4 a)"
