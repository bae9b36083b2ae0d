#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What a service manager hears, and that a stuck thread ends the watchdog's pings.
#
#   manager.py at $NOTIFY_SOCKET ◄─── a-gw [headgate] ─── b-gw [wireguard-go]
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf a b
site_conf b a
spawn manager a-gw python3 "$scene_dir/manager.py" listen "$run/notify.sock"
expect_within 5 grep -q listening "$run/manager.log"
heard=$run/manager.log
gateway_up b

pings_heard() { grep -c '^WATCHDOG=1$' "$heard"; }
more_pings_than() { [ "$(pings_heard)" -gt "$1" ]; }
line_of() { grep -n -m 1 -- "$1" "$heard" | cut -d : -f 1; }
thread() { # NAME -> its number
	grep -lx "$1" "/proc/${net_pid[gateway-a]}/task/"*/comm | sed 's|.*/\([0-9]*\)/comm|\1|'
}

proves "READY=1 comes once packets pass, with a status line"
NOTIFY_SOCKET=$run/notify.sock WATCHDOG_USEC=2000000 expect gateway_up a
expect_within 5 grep -qx 'READY=1' "$heard"
expect pings a-lan "$(host4 b)"
expect_within 12 grep -qx 'STATUS=1 of 1 peers connected, 2 of 2 ports up' "$heard"

proves "the watchdog hears that all is well"
expect_within 10 more_pings_than 1

proves "a reload begins and ends, also one that is refused"
expect headgate_ctl a reload
expect_within 3 grep -q '^RELOADING=1 MONOTONIC_USEC=[0-9]*$' "$heard"
expect [ "$(sed -n "$(($(line_of RELOADING) + 1)),\$p" "$heard" | grep -c '^READY=1$')" -eq 1 ]
cp "$(conf_of a)" "$run/good.conf"
echo "Nonsense = 1" >>"$(conf_of a)"
refuse headgate_ctl a reload
expect_within 3 [ "$(grep -c '^READY=1$' "$heard")" -eq 3 ]
cp "$run/good.conf" "$(conf_of a)"
expect "$headgate" --pid "${net_pid[gateway-a]}" reload
refuse "$headgate" --pid $$ reload

for name in dpdk-worker1 rte-worker-1 lcore-worker-1 hg-exception hg-shake-0; do
	tid=$(thread "$name")
	[ -n "$tid" ] || continue
	proves "one thread stops ($name): no more pings, and the log says whose fault it is"
	spawn stop a-gw python3 "$scene_dir/manager.py" stop "$tid" 5
	expect_within 5 grep -q stopped "$run/stop.log"
	before=$(pings_heard)
	sleep 4 # as many pings, otherwise
	expect [ "$(pings_heard)" -le $((before + 1)) ] # it had made a turn since the last one
	before=$(pings_heard)
	expect grep -q 'made no turn for 1 s' "$run/gateway-a.log"
	proves "it goes on: so do the pings"
	expect_within 10 more_pings_than "$before"
	wait "${net_pid[stop]}"
	unset 'net_pid[stop]'
	stopped="${stopped:-} $name"
done
expect [ "$(wc -w <<<"$stopped")" -eq 3 ]

proves "STOPPING=1 at the end"
expect gateway_down a
expect grep -qx 'STOPPING=1' "$heard"
