# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# tools/demo --tailnet: headgate as a node of a tailnet, with stock Tailscale clients.
#
#   tailnet_demo_begin   finds or installs the server and the clients
#   tailnet_demo         all of it
#
# The places, the server and the clients are those of the tests' scenes. Needs what tools/demo has.

scene_top=$top
scene_dir=$top/tests/netns
lan_of_a=192.168.10.0/24
allow_all='{"SrcIPs":["*"],"DstPorts":[{"IP":"*","Ports":{"First":0,"Last":65535}}]}'

skip() { # TEXT: the tests' files say so when something cannot be had
	say "cannot be shown: $*"
	exit 77
}

tailnet_demo_begin() {
	if [ -z "${TAILNET_SERVER:-}" ] && "$top/tests/interop/fetch" headscale >/dev/null 2>&1; then
		TAILNET_SERVER=headscale
	fi
	. "$scene_dir/tailnet_server.sh"
	. "$scene_dir/tailnet_client.sh"
	say "the coordination server: $(server_name); the clients: tailscaled." \
		"What is missing is built now, which takes go some minutes the first time"
	can_be_had "$server_kind"
	can_be_had tailscale
	tailnet_begin
	clients_begin
}

can_be_had() { # PROGRAM of tests/interop/fetch
	"$top/tests/interop/fetch" "$1" >/dev/null ||
		skip "$1 is missing and cannot be built, see above: it takes Go 1.21 or newer and a module proxy"
}

server_name() {
	[ "$server_kind" = headscale ] && echo headscale || echo "Tailscale's test control server"
}

draw_tailnet() {
	cat <<-END

		  a-lan ────────── a-gw ═════ $(wire_kind) ═════ switch ─── c1, c2
		  192.168.10.10    headgate (node a1)               │      tailscaled
		                                                 server

	END
}

lay_tailnet() {
	site_runs a headgate
	site a
	tailnet_wires a
	client_node c1 203.0.113.11
	client_node c2 203.0.113.12
}

all_join() {
	local x
	must "the server is up: $(server_name)" server_up
	must "…and a relay, without which clients idle" clients_meet
	auth_key >"$run/authkey"
	tailnet_conf a
	must "headgate is up" gateway_up a
	must "headgate has joined as a1" await 30 has_joined
	for x in c1 c2; do
		must "tailscaled has joined as $x" client_up $x --accept-routes
	done
	must "the server approves a1's route $lan_of_a" approve_routes a1 $lan_of_a
	for x in c1 c2; do
		must "$x sees a1" await 60 client_sees $x a1
		must "$x has the route to the LAN" await 60 on $x ip route get 192.168.10.10 oif tailscale0
	done
}

show_nodes() {
	echo
	if [ "$server_kind" = headscale ]; then
		hs nodes list | sed 's/\x1b\[[0-9;]*m//g'
	else
		ask_door /nodes | python3 -c "
import json, sys
for n in json.load(sys.stdin):
    print('%-4s %-34s %s' % (n['Hostinfo']['Hostname'], n['Key'][:28] + '...',
        ', '.join(n.get('AllowedIPs') or n['Addresses'])))"
	fi
	echo
	echo "c1: tailscale status"
	client c1 status
	echo
	echo "headgate peers"
	headgate_ctl a peers
	echo
}

show_direct() {
	local x
	for x in c1 c2; do
		must "tailscale ping from $x to a1 goes directly" \
			client $x ping --until-direct --c 20 "$(tailnet_address a)"
		sed 's/^/          /' "$run/said"
	done
}

reaches() { # NODE ADDRESS
	await 30 on "$1" ping -q -n -c 1 -W 1 "$2" && pings "$@"
}

show_lan() {
	local rate lan
	lan=$(host4 a)
	must "pings from c1 to the LAN" reaches c1 "$lan"
	must "pings from c2 to the LAN" reaches c2 "$lan"
	must "pings from the LAN to c1" reaches a-lan "$(client_address c1)"
	load_begin a-lan
	rate=$(load_tcp c1 "$lan" "$seconds")
	must "TCP from c1 to the LAN: $(mbit "$rate")" at_least "$rate" 1000000
	rate=$(load_udp c2 "$lan" 1172 "$seconds" 20M)
	must "UDP from c2 to the LAN, 2133 packets/s sent: $rate arrive" at_least "$rate" 1700
	load_end a-lan
}

# ---- a policy that changes under a flow ----

policy_is() { # allow|deny
	case $server_kind.$1 in
	headscale.*)
		local acl=
		[ "$1" = deny ] || acl='{"action":"accept","src":["*"],"dst":["*:*"]}'
		echo "{\"tagOwners\":{\"tag:gw\":[]},\"acls\":[$acl]}" >"$run/hs/policy.hujson"
		kill -HUP "${net_pid[server]}"
		;;
	*.deny) say_raw '{"PacketFilters":{"*":null,"base":[]}}' ;;
	*.allow) say_raw "{\"PacketFilters\":{\"base\":[$allow_all]}}" ;;
	esac
}

replies() {
	grep -c 'bytes from' "$run/flow.log"
}

flow_goes_on() {
	local n
	n=$(replies)
	sleep 1
	[ "$(replies)" -gt "$n" ]
}

flow_is_cut() {
	local n
	n=$(replies)
	sleep 1
	[ "$(replies)" -eq "$n" ]
}

show_policy() {
	spawn flow c1 ping -n -i 0.2 "$(host4 a)"
	must "a flow from c1 to the LAN: five pings a second" await 20 flow_goes_on
	must "the policy allows nothing from now on" policy_is deny
	must "the flow is cut" await 20 flow_is_cut
	must "the policy allows all again" policy_is allow
	must "the flow goes on" await 20 flow_goes_on
	halt flow INT
	say "      $(tail -n 2 "$run/flow.log" | head -n 1)"
}

tailnet_demo() {
	draw_tailnet
	lay_tailnet
	all_join
	show_direct
	show_nodes
	show_lan
	show_policy
	show_counters
}
