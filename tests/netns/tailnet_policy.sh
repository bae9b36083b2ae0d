#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What a policy lets through is the same with headgate as the subnet router as it is with a stock
# tailscaled in its place: the same policies (policies.py), under each the same probes of two
# clients and of a host on the LAN, compared one by one. SUBJECT=stock compares tailscaled with itself.
#
#                    server [control or headscale]
#                      │
#                    switch ── c1 [tailscaled, of user lab]
#                      │   └── c2 [tailscaled, tag:cli]
#   a-lan ── lan0 a-gw wan0 [tailscaled, then headgate; tag:gw]
#   192.168.10.10 and .200, fd00:10::10
. "${0%/*}/scene.sh"
. "$scene_dir/tailnet_server.sh"
. "$scene_dir/tailnet_client.sh"
tailnet_begin
clients_begin

routes=192.168.10.0/24,fd00:10::/64
site_runs a headgate
site a
tailnet_wires a
client_node c1 203.0.113.11
client_node c2 203.0.113.12
on a-lan ip addr add 192.168.10.200/24 dev eth0
expect server_up tskey-auth-right
expect clients_meet
mapfile -t policies < <(python3 "$scene_dir/policies.py" names)

if [ "$server_kind" = headscale ]; then
	cp "$run/hs/policy.hujson" "$run/hs/policy.first"
	hs users create lab >/dev/null
	hs preauthkeys create -u 1 --reusable >"$run/c1.authkey"
	hs preauthkeys create --tags tag:cli --reusable >"$run/c2.authkey"
fi
auth_key >"$run/authkey"

policy_says() { # WHAT NAME: with the addresses of the day
	python3 "$scene_dir/policies.py" "$1" "$2" "${addresses[@]}"
}
policy_comes() { # NAME ROUTER-NODE
	case $server_kind in
	control) say_raw "$(policy_says control "$1")" "$2" ;;
	headscale) policy_says headscale "$1" >"$run/hs/policy.hujson" && kill -HUP "${net_pid[server]}" ;;
	esac
	[ "$1" != "${policies[0]}" ] || expect_within 60 eval '! opens c1 "${canaries[-1]}" 0.7'
	canary=$(python3 "$scene_dir/policies.py" canary "$1")
	expect opens c1 "$canary" 30
	expect opens c2 "$canary" 30
}
opens() { # NODE PORT SECONDS: of the router
	on "$1" python3 "$scene_dir/probe.py" await 192.168.10.1 "$2" "$3"
}
ask_all() { # ROUTER NAME SECONDS
	local source asking=()
	for source in c1 c2 lan; do
		on "${source/#lan/a-lan}" python3 "$scene_dir/probe.py" ask "$1-$2" "$3" \
			<"$run/probes-$source" >"$run/$1-$2-$source" &
		asking+=($!)
	done
	wait "${asking[@]}"
}
catch_up() { # what came of packets that nobody answers
	spawn catch-gw a-gw python3 "$scene_dir/probe.py" catch
	spawn catch-lan a-lan python3 "$scene_dir/probe.py" catch
	await 10 grep -q listening "$run/catch-gw.log" && await 10 grep -q listening "$run/catch-lan.log"
}
is_reached() { # by both clients
	on c1 ping -q -c 1 -W 1 192.168.10.10 && on c2 ping -q -c 1 -W 1 fd00:10::10
}

# Each router is played whole, with more time for an answer when the machine is busy; what differs is
# asked again before it counts.
play_router() { # LABEL SITE-NODE
	local name source
	approve_routes "$2" "$routes" >/dev/null
	expect_within 60 is_reached
	for source in c1 c2 lan; do
		policy_says probes "$source" >"$run/probes-$source"
	done
	for name in "${policies[@]}"; do
		policy_comes "$name" "$2"
		ask_all "$1" "$name" "$(awk '{ print 1.2 + $1 / 10 }' /proc/loadavg)"
		[ "$1" = tailscaled ] || compare_ok "$name" >/dev/null || ask_all "$1" "$name" 5
	done
}
compare_ok() { # [NAME…]
	python3 "$scene_dir/policies.py" compare "$run" tailscaled "$subject" "$@"
}

expect client_up c1 --accept-routes
expect client_up c2 --accept-routes
addresses=("c1=$(client_address c1)" "c16=$(client_address c1 6)"
	"c2=$(client_address c2)" "c26=$(client_address c2 6)")
mapfile -t canaries < <(seq 20000 $((20000 + ${#policies[@]})))
for name in c1 c2 a-lan a-gw; do
	spawn "serve-$name" "$name" python3 "$scene_dir/ask.py" serve 22 53 80 443 5005 8050 9000 \
		"${canaries[@]}"
	expect_within 10 grep -q serving "$run/serve-$name.log"
done
expect catch_up

proves "with tailscaled as the router: ${#policies[@]} policies, and what gets through under each"
expect stock_router_up a "$routes"
addresses+=("gw=$(client_address a-gw)" "gw6=$(client_address a-gw 6)")
play_router tailscaled a-gw
expect stock_router_down a
case $server_kind in # nobody else has its routes
control) approve_routes a-gw '' ;;
headscale)
	hs nodes delete -i "$(hs_node a-gw 'n["id"]')" --force >/dev/null
	cp "$run/hs/policy.first" "$run/hs/policy.hujson"
	kill -HUP "${net_pid[server]}"
	;;
esac
rm -r "$run/a-gw.ts"

proves "the same through $subject in its place"
case $subject in
stock)
	gateway=again
	client_name=again
	expect stock_router_up a "$routes"
	addresses+=("gw=$(client_address a-gw)" "gw6=$(client_address a-gw 6)")
	;;
headgate)
	gateway=a1
	tailnet_conf a
	sed -i "s|^AdvertiseRoutes = .*|AdvertiseRoutes = ${routes/,/, }|" "$(conf_of a)"
	expect gateway_up a
	expect_within 60 has_joined
	addresses+=("gw=$(tailnet_address a)" "gw6=$(tailnet_address a 6)")
	;;
esac
play_router "$subject" "$gateway"
compare_ok || scene_failed "another router, other outcomes"
