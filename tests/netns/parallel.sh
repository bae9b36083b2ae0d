#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Many TCP flows at once through one tunnel: none is starved, in either family and direction.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
expect pings a-lan "$(host4 b)"
load_begin b-lan

least_of_flows() { # NUMBER ADDRESS [OPTION…] -> bytes of the flow that got the least
	local out=$run/flows.json number=$1 to=$2
	shift 2
	load_run a-lan "$out" --client "$to" --time 3 --parallel "$number" "$@" || return 1
	python3 - "$out" "$number" <<-'END'
		import json, sys
		streams = json.load(open(sys.argv[1]))["end"]["streams"]
		assert len(streams) == int(sys.argv[2])
		print(min(s["receiver"]["bytes"] for s in streams))
	END
}

proves "four, then fifty, each gets something through"
for number in 4 50; do
	least=$(least_of_flows $number "$(host4 b)")
	say "$number flows: the least had $least bytes"
	expect [ "$least" -gt 1000 ]
done

proves "fifty the other way, and over IPv6"
least=$(least_of_flows 50 "$(host4 b)" --reverse)
expect [ "$least" -gt 1000 ]
least=$(least_of_flows 50 "$(host6 b)")
expect [ "$least" -gt 1000 ]
expect pings b-lan "$(host4 a)"
