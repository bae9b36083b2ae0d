#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A pre-shared key on top of the public keys.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"

two_sites
psk=$(wg genpsk)
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}

proves "equal keys: a tunnel, opened from either end"
expect pings a-lan "$(host4 b)"
expect pings b-lan "$(host4 a)"
expect [ "$(wg show "$dev" preshared-keys | cut -f 2)" = "$psk" ]

proves "unequal keys: no tunnel, whoever starts"
wg genpsk >"$run/other"
wg set "${site_dev[b]}" peer "$(public_key a)" remove
psk=$(cat "$run/other")
site_conf b a
stock_load b
refuse on b-lan ping -q -n -c 2 -W 1 "$(host4 a)"

proves "equal again, set on the running gateway by wg set: a tunnel"
wg set "$dev" peer "$(public_key b)" preshared-key "$run/other"
expect_within 12 on b-lan ping -q -n -c 1 -W 1 "$(host4 a)"
