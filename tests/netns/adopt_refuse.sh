#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What cannot be adopted is refused before anything is touched; what shall not be is left alone.
#
#   admin eth0 ── adm0 b-gw ──────────── wan0 a-gw [headgate]
. "${0%/*}/scene.sh"
. "$scene_dir/adopt_box.sh"
headgate_only

adopt_box
box_state >"$run/before"

refused() { # REGEX: headgate does not start, says so, and changes nothing
	spawn gateway-a a-gw "$headgated" -c "$(conf_of a)" --port "wan=$(port_device wan0)"
	refuse wait "${net_pid[gateway-a]}"
	unset "net_pid[gateway-a]"
	expect grep -q "$1" "$run/gateway-a.log"
	box_state >"$run/after"
	expect diff "$run/before" "$run/after"
	expect [ -z "$(ls /run/headgate)" ]
}

warned() { # REGEX LINE…: with the lines as [Port wan] it runs, and warns
	local about=$1
	shift
	{ printf '%s\n' "[Port wan]" "Device = $(port_device wan0)" "$@"; cat "$(conf_of a)"; } >"$run/with-port"
	chmod 600 "$run/with-port"
	spawn gateway-a a-gw "$headgated" -c "$run/with-port"
	expect headgate_wait a 20
	expect grep -q "$about" "$run/gateway-a.log"
}

proves "a route by a nexthop object, a bridge's member: refused with a sentence"
expect on a-gw ip nexthop add id 5 via 203.0.113.2 dev wan0
expect on a-gw ip route add 198.18.96.0/20 nhid 5
box_state >"$run/before"
refused "the route to 198.18.96.0/20 in table 254 of wan0 cannot be moved to hg-wan"
expect on a-gw ip nexthop del id 5
expect on a-gw ip link add br0 type bridge
expect on a-gw ip link set wan0 master br0
box_state >"$run/before"
refused "wan0 belongs to br0"
expect on a-gw ip link set wan0 nomaster
expect on a-gw ip link del br0

proves "Adopt = no leaves the addresses where they are"
warned "wan0 still has the address" "Adopt = no"
expect on a-gw ip -o addr show dev wan0 to 203.0.113.1
expect [ -z "$(on a-gw ip -4 -o addr show dev hg-wan)" ]
expect halt gateway-a TERM

proves "with an Address in the config nothing is adopted, and what the netdev has is warned of"
warned "wan0 still has the address" "Address = 203.0.113.201/24"
expect on a-gw ip -o addr show dev hg-wan to 203.0.113.201
expect halt gateway-a TERM

proves "rules of the firewall that name the netdev are warned of"
expect on a-gw nft -f - <<-END
	table inet own { chain in { type filter hook input priority 0; iifname "wan0" accept; }; }
END
warned "rules of the firewall name wan0" "MTU = 1500"
expect on a-gw ip -o addr show dev hg-wan to 203.0.113.1
expect halt gateway-a TERM

proves "a device that stands on the netdev is warned of"
if on a-gw ip link add link wan0 name mv0 type macvlan 2>"$run/said"; then
	warned "mv0 stands on wan0" "MTU = 1500"
	expect halt gateway-a TERM
else
	say "not tried: $(cat "$run/said")"
fi
