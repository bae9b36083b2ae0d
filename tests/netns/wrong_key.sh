#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Strangers: a peer whose key is not in the config, and one that expects another key of ours.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"

two_sites
site_conf a b
site_conf b a
known=$(public_key b)
new_key b
site_conf b a
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}

proves "a handshake of an unknown key is not answered"
refuse on b-lan ping -q -n -c 2 -W 1 "$(host4 a)"
expect [ -z "$(wg show "${site_dev[b]}" latest-handshakes | awk '$2 > 0')" ]
expect [ -z "$(wg show "$dev" latest-handshakes | awk '$2 > 0')" ]

proves "nor does anything of it change the peer that is configured"
expect [ "$(wg show "$dev" endpoints | awk -v k="$known" '$1 == k { print $2 }')" = \
	203.0.113.2:51820 ]

proves "a peer that takes us for somebody else gets no answer either"
new_key a
site_conf b a
stock_load b
refuse on b-lan ping -q -n -c 2 -W 1 "$(host4 a)"

proves "once the key is told, by wg set, the tunnel opens"
wg set "$dev" peer "$known" remove
wg set "$dev" peer "$(public_key b)" endpoint 203.0.113.2:51820 \
	allowed-ips 10.0.0.2/32,192.168.20.0/24
wg set "${site_dev[b]}" peer "$(public_key a)" remove
wg set "${site_dev[b]}" peer "$(wg show "$dev" public-key)" endpoint 203.0.113.1:51820 \
	allowed-ips 10.0.0.1/32,192.168.10.0/24
expect_within 12 on b-lan ping -q -n -c 1 -W 1 "$(host4 a)"
