# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# What the scenes about adopting share: a box whose only NIC has everything that a kernel can
# have on one, and sessions of an administrator over it. Needs scene.sh.

admin4=198.51.100.10
admin6=fd00:99::10

# Site a with one NIC, b as its WireGuard peer and its router; behind b an administrator.
adopt_box() {
	two_sites
	node admin
	wire b-gw adm0 admin eth0
	on b-gw ip addr add 198.51.100.1/24 dev adm0
	on b-gw ip addr add fd00:99::1/64 dev adm0 nodad
	on admin ip addr add "$admin4/24" dev eth0
	on admin ip addr add "$admin6/64" dev eth0 nodad
	on admin ip route add default via 198.51.100.1
	on admin ip route add default via fd00:99::1
	box_gets_all
	{ conf_interface a && conf_peer b; } >"$(conf_of a)"
	chmod 600 "$(conf_of a)"
	site_conf b a
	on a-gw ip -o addr show dev wan0 | grep -q 203.0.113.1 || die "the box has no address"
}

# Addresses, routes, neighbours and rules of many kinds; duplicate address detection as usual.
box_gets_all() {
	on a-gw sysctl -qw net.ipv6.conf.wan0.accept_dad=1
	expect on a-gw ip -b - <<-END
		addr add 203.0.113.1/24 brd + dev wan0
		addr add 203.0.113.11/24 dev wan0 label wan0:1
		addr add 192.0.2.1 peer 192.0.2.2 dev wan0 noprefixroute
		addr add 198.18.0.1/32 dev wan0 scope link valid_lft 9000 preferred_lft 8000
		addr add 2001:db8::1/64 dev wan0 nodad
		addr add 2001:db8::11/64 dev wan0 nodad preferred_lft 0
		addr add 2001:db8:1::1/64 dev wan0 nodad noprefixroute metric 77
		route add default via 203.0.113.2 dev wan0 metric 100 proto dhcp src 203.0.113.1
		route add 198.18.16.0/20 via 203.0.113.2 dev wan0 src 203.0.113.11 mtu 1300
		route add 198.18.32.0/20 via 100.64.0.1 dev wan0 onlink
		route add 198.18.48.0/20 nexthop via 203.0.113.2 dev wan0 weight 3 nexthop dev lan0
		route add 198.18.64.0/20 dev wan0 table 77
		route add default via 203.0.113.2 dev wan0 table 77
		route add blackhole 198.18.80.0/20
		route add default via 2001:db8::2 dev wan0 metric 512 pref high
		route add 2001:db8:2::/48 via 2001:db8::2 dev wan0 src 2001:db8::11 mtu 1400
		route add default via 2001:db8::2 dev wan0 table 77
		route add 2001:db8:3::/64 dev wan0 proto static metric 5
		rule add from 203.0.113.11 lookup 77 priority 500
		rule add iif wan0 fwmark 7 lookup 77 priority 501
		neigh add 203.0.113.99 lladdr 02:00:00:00:00:99 dev wan0 nud permanent
		neigh add 2001:db8::99 lladdr 02:00:00:00:00:99 dev wan0 nud permanent
	END
	expect_within 5 sh -c "[ -z \"\$(ip -n $net_prefix-a-gw addr show tentative)\" ]"
	box_has >"$run/had"
}

# What one device has, whichever it is: hg-wan when there is one.
box_has() {
	local dev=wan0
	[ -z "$(on a-gw ip -o link show dev hg-wan 2>/dev/null)" ] || dev=hg-wan
	on a-gw ip -o addr show dev $dev | sed 's/^[0-9]*: //' | without_times
	on a-gw ip -4 route show table all dev $dev
	on a-gw ip -4 route show 198.18.48.0/20
	on a-gw ip -6 route show table all dev $dev | without_times
	on a-gw ip neigh show dev $dev nud permanent
}

# All that a run may not change. Of equal IPv6 routes over several devices (the anycast addresses
# that the kernel makes itself) it lists first what came first, so those lines are sorted.
box_state() {
	on a-gw ip -d link
	on a-gw ip addr | without_times
	on a-gw ip -4 route show table all
	on a-gw ip -6 route show table all | without_times | sort
	on a-gw ip neigh show nud permanent
	on a-gw ip rule
	on a-gw ip -6 rule
	on a-gw nft list ruleset
	on a-gw sysctl -a 2>/dev/null | grep '^net\.ipv[46]\.conf\.wan0'
}

without_times() {
	sed 's/valid_lft.*//; s/expires [0-9]*sec//'
}

# Nothing but the interface's file and the port.
box_up() {
	spawn gateway-a a-gw "$headgated" -c "$(conf_of a)" \
		--port "wan=$(port_device wan0)" --log-level "${HEADGATE_LOG:-info}"
	headgate_wait a 20
}

session_start() { # NAME ADDRESS: of the box
	local port=$((6000 + ${#net_pid[@]}))
	spawn "server-$1" a-gw python3 "$scene_dir/session.py" server --port $port
	expect_within 5 grep -q listening "$run/server-$1.log"
	spawn "client-$1" admin python3 "$scene_dir/session.py" client --to "$2" --port $port
	expect_within 5 grep -q connected "$run/client-$1.log"
}

# Every line came back.
session_survived() { # NAME
	kill -TERM "${net_pid[client-$1]}"
	wait "${net_pid[client-$1]}" || scene_failed "session $1: $(tail -n 1 "$run/client-$1.log")"
	unset "net_pid[client-$1]"
	say "session $1: $(tail -n 1 "$run/client-$1.log")"
}

# And no silence was longer than a second, plus what the machine's load explains.
session_unbroken() { # NAME
	local json gap late
	session_survived "$1"
	json=$(tail -n 1 "$run/client-$1.log")
	gap=$(flow_field longest_gap_ms) late=$(flow_field late_ms)
	expect [ "$gap" -le $((1000 + 10 * late)) ]
}
