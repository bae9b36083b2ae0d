#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Ten thousand peers through `wg syncconf`, each with two prefixes that become routes of the
# kernel, in time that grows with their number and not with its square.
#
#   a-lan ── a-gw [subject] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
dev=${site_dev[a]}

conf_with() { # COUNT [SEED] -> file with the peers there are and as many more
	{
		wg showconf "$dev"
		python3 "$scene_dir/peers.py" "$@"
	} >"$run/peers-$1"
	echo "$run/peers-$1"
}

took_ms() { # COMMAND… -> how long it took
	local began=${EPOCHREALTIME/[.,]/}
	expect "$@"
	echo $(((${EPOCHREALTIME/[.,]/} - began) / 1000))
}

lesser() { # A B
	echo $(($1 < $2 ? $1 : $2))
}

n_routes() { # FAMILY
	on a-gw ip "-$1" route show dev "$dev" | wc -l
}

come_and_go() { # COUNT: sets come_ms and go_ms, each the better of two, for others work here too
	local file ms
	file=$(conf_with "$1")
	come_ms=1000000 go_ms=1000000
	for _ in 1 2; do
		ms=$(took_ms wg syncconf "$dev" "$file")
		come_ms=$(lesser "$come_ms" "$ms")
		expect [ "$(wg show "$dev" peers | wc -l)" -eq $(($1 + 1)) ]
		expect [ "$(n_routes 4)" -ge "$1" ]
		expect [ "$(n_routes 6)" -ge "$1" ]
		ms=$(took_ms wg syncconf "$dev" "$run/none")
		go_ms=$(lesser "$go_ms" "$ms")
		expect [ "$(wg show "$dev" peers | wc -l)" -eq 1 ]
		expect [ "$(n_routes 4)" -lt 10 ]
	done
	say "$1 peers come within $come_ms ms and go within $go_ms ms"
}

wg showconf "$dev" >"$run/none"

proves "twice the peers take about twice as long, not four times"
come_and_go 5000
half_come=$come_ms half_go=$go_ms
come_and_go 10000
expect [ "$come_ms" -lt $((half_come * 3)) ]
expect [ "$go_ms" -lt $((half_go * 3)) ]

proves "what the kernel told meanwhile was too much at once, and all is known all the same"
expect pings a-lan "$(host4 b)"
