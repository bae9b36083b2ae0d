#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What headgated keeps of root's privileges, by kind of port, and what it says without them.
#
#   a-lan ── a-gw [headgate] ─── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf b a
gateway_up b

status_of() { # FIELD
	awk -v f="$1:" '$1 == f { print $2 }' "/proc/${net_pid[gateway-a]}/status"
}

has() { # FIELD BIT
	((0x$(status_of "$1") >> $2 & 1))
}

only() { # FIELD BIT…: those and none but them
	local bit mask=0 field=$1
	shift
	for bit; do
		mask=$((mask | 1 << bit))
	done
	# A sanitizer's leak check needs to trace.
	[ $((0x$(status_of "$field") & ~(1 << 19))) -eq "$mask" ]
}

net_bind=10 net_admin=12 net_raw=13 ipc_lock=14 sys_admin=21 sys_nice=23

proves "with AF_PACKET: what the network needs, and nothing else, also not for its children"
port_kind=packet
site_conf a b
expect gateway_up a
for field in CapPrm CapEff CapBnd; do
	expect only $field $net_bind $net_admin $net_raw $ipc_lock $sys_nice
done
expect [ "$(status_of NoNewPrivs)" -eq 1 ]
expect pings a-lan "$(host4 b)"

proves "every thread of it"
for task in "/proc/${net_pid[gateway-a]}/task/"*; do
	expect [ "$(awk '/^CapPrm/ { print $2 }' "$task/status")" = "$(status_of CapPrm)" ]
done

proves "a hook that a reload brings: it is said that it has no more than that"
sed -i "/^\[Interface\]/a PostDown = true" "$(conf_of a)"
expect headgate_ctl a reload
expect grep -q "own privileges alone" "$run/gateway-a.log"

proves "no core dump, and no page that may be swapped"
expect grep -q '^Max core file size *0 *0 ' "/proc/${net_pid[gateway-a]}/limits"
[ "$(status_of VmLck)" -gt 0 ] || say "(memory is not locked: a sanitizer's build?)"
expect gateway_down a

proves "with AF_XDP: CAP_SYS_ADMIN too, to open the programs that are there already"
port_kind=xdp
site_conf a b
expect gateway_up a
expect only CapPrm $net_bind $net_admin $net_raw $ipc_lock $sys_admin $sys_nice
expect pings a-lan "$(host4 b)"
refuse has CapEff 1 # CAP_DAC_OVERRIDE
expect gateway_down a

proves "a hook, run as root, has what headgated was started with; headgated itself has not"
sed -i "/^\[Interface\]/a PostUp = grep ^Cap /proc/self/status >$run/hook" "$(conf_of a)"
expect gateway_up a
expect only CapPrm $net_bind $net_admin $net_raw $ipc_lock $sys_admin $sys_nice
expect grep -q "^CapEff:.$(awk '/^CapBnd/ { print $2 }' /proc/self/status)" "$run/hook"
expect gateway_down a

proves "another user, and root without its privileges, hear what is missing"
chmod 711 "$run" "$run/a"
cp "$headgated" "$run/headgated"
chmod 755 "$run/headgated"
without() { # WORDS NEEDED -- COMMAND…
	local word=$1
	shift
	on a-gw timeout 20 "$@" "$run/headgated" --port wan=net_af_xdp0,iface=wan0 >"$run/said" 2>&1
	[ $? -eq 1 ] && grep -q "$word" "$run/said"
}
expect without 'lacks CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN' \
	setpriv --reuid 65534 --regid 65534 --clear-groups
expect without 'lacks CAP_NET_RAW: run' setpriv --bounding-set -net_raw

proves "another user with those that AF_PACKET needs: it works, children included"
port_kind=packet
site_conf a b
caps=-all,+net_admin,+net_raw,+net_bind_service,+ipc_lock
chown -R 65534 "$run/a"
chown 65534 /run/headgate /run/wireguard # not what lies in it: wireguard-go ends when its socket changes
mkdir "$TMPDIR/user" && chown 65534 "$TMPDIR/user"
spawn gateway-a a-gw env XDG_RUNTIME_DIR="$TMPDIR/user" setpriv --reuid 65534 --regid 65534 \
	--clear-groups --bounding-set $caps --inh-caps $caps --ambient-caps $caps \
	"$run/headgated" -c "$(conf_of a)"
expect headgate_wait a 20
expect pings a-lan "$(host4 b)"
expect gateway_down a
