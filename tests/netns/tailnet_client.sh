# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Stock Tailscale clients in a scene: tailscaled with a TUN device of its own, in a node on the
# switch of tailnet_wires. Needs tailnet_server.sh. Underlay addresses must not be of 100.64.0.0/10,
# which tailscaled takes for a tailnet's.
#
#   clients_begin                  finds the programs (tests/interop/fetch tailscale), or skips;
#                                  before server_up
#   clients_meet                   what clients need of the node `server`, once it has its wire
#   client_node NODE ADDRESS       makes it; ADDRESS is in 203.0.113.0/24
#   client_up NODE [UP-OPTION…]    starts it and joins, as NODE, or as $client_name;
#                                  with the key in $run/NODE.authkey, or in $run/authkey
#   client NODE COMMAND…           what its command line says
#   client_down NODE [SIGNAL]      ends the daemon; client_up again is the same node
#   stock_router_up X ROUTES       one as the gateway of site X; stock_router_down X
#
# Nothing outlives the scene: state, socket and log are in $run, the processes are the scene's.

# By a public address tailscaled would soon insist on HTTPS at 443; by a private one it does not.
client_server=10.203.0.9

clients_begin() {
	client_programs=$("$scene_top/tests/interop/fetch" tailscale) || exit
	# Whatever a client does about names, it does to a file of the scene.
	echo 'nameserver 203.0.113.9' >"$run/resolv.conf"
	mount --bind "$run/resolv.conf" /etc/resolv.conf || skip "cannot cover /etc/resolv.conf"
	server_derp=203.0.113.9
}

clients_meet() {
	on server ip addr add "$client_server/32" dev wan0
	spawn client-door server socat "TCP-LISTEN:8080,bind=$client_server,fork,reuseaddr" \
		TCP:203.0.113.9:8080
	[ "$server_kind" = control ] || return 0 # headscale brings its own relay; without any a client idles
	spawn derper server "$client_programs/derper" -a "$server_derp:3340" -http-port -1 \
		-c "$run/derper.json"
	await 20 grep -q 'serving on' "$run/derper.log"
}

client_node() { # NODE ADDRESS
	node "$1"
	wire "$1" wan0 switch "port-$1"
	on switch ip link set "port-$1" master br0
	on "$1" ip addr add "$2/24" dev wan0
	on "$1" ip route add "$client_server" dev wan0
}

client() { # NODE COMMAND…
	local name=$1
	shift
	on "$name" timeout 60 "$client_programs/tailscale" --socket="$run/$name.ts/socket" "$@"
}

client_start() { # NODE: the daemon alone
	mkdir -p "$run/$1.ts"
	spawn "tailscaled-$1" "$1" env TS_NO_LOGS_NO_SUPPORT=true TS_DEBUG_USE_DERP_HTTP=true \
		TS_DISABLE_PORTMAPPER=true "$client_programs/tailscaled" --no-logs-no-support \
		--statedir="$run/$1.ts" --socket="$run/$1.ts/socket" --verbose="${client_verbose:-0}"
	await 20 test -S "$run/$1.ts/socket"
}

client_up() { # NODE [UP-OPTION…]
	local name=$1 key=$run/$1.authkey
	shift
	[ -e "$key" ] || key=$run/authkey
	client_start "$name" || return 1
	# A daemon that was up goes to the server by itself, without a key; the control server's
	# refusal of that may be what the first one hears.
	client_join "$name" "$key" "$@" || client_join "$name" "$key" "$@"
}

client_join() { # NODE KEY-FILE [UP-OPTION…]
	local name=$1 key=$2
	shift 2
	client "$name" up --login-server="http://$client_server:8080" --authkey="file:$key" \
		--hostname="${client_name:-$name}" --accept-dns=false --netfilter-mode=off --timeout=50s "$@"
}

client_down() { # NODE [SIGNAL]
	halt "tailscaled-$1" "${2:-TERM}"
}

# A stock client in the place of the gateway of site X, with the same addresses: a subnet router
# that, like headgate, leaves sources as they are.
stock_router_up() { # X ROUTES
	local x=$1 n
	n=$(site_index "$x")
	stock_addresses "$x-gw" "$(wan4 "$x")" "$(wan6 "$x")" wan0
	stock_addresses "$x-gw" "192.168.${n}0.1" "fd00:${n}0::1" lan0
	on "$x-gw" ip route replace "$client_server" dev wan0
	client_up "$x-gw" --advertise-routes="$2" --snat-subnet-routes=false
}

stock_router_down() { # X: …and the place is free again
	client_down "$1-gw"
	on "$1-gw" ip addr flush dev wan0 scope global
	on "$1-gw" ip addr flush dev lan0 scope global
}

client_says() { # NODE PYTHON-EXPRESSION of s, the status as JSON
	client "$1" status --json | python3 -c "
import json, sys
s = json.load(sys.stdin)
print($2)"
}

client_address() { # NODE [4|6] -> in the tailnet
	client "$1" ip "-${2:-4}"
}

client_sees() { # NODE HOSTNAME: it is in the netmap and online
	[ "$(client_says "$1" "[p['Online'] for p in s['Peer'].values() if p['HostName'] == '$2']")" = "[True]" ]
}

client_path() { # NODE HOSTNAME -> the underlay address it sends to, when it sends directly
	client_says "$1" "''.join(p['CurAddr'] for p in s['Peer'].values() if p['HostName'] == '$2')"
}

# ---- the gateway under test of site X: headgate, or a stock client in its place (SUBJECT=stock) ----

router_up() { # X: offers its LAN
	case $subject in
	stock) stock_router_up "$1" "192.168.$(site_index "$1")0.0/24" ;;
	headgate)
		tailnet_conf "$1"
		gateway_up "$1" && await 60 has_joined "$1"
		;;
	esac
}

router_down() { # X
	case $subject in
	stock) stock_router_down "$1" ;;
	headgate) gateway_down "$1" ;;
	esac
}

router_name() { # X -> in the tailnet
	case $subject in
	stock) echo "$1-gw" ;;
	headgate) echo "${1}1" ;;
	esac
}

router_address() { # X [4|6]
	case $subject in
	stock) client_address "$1-gw" "${2:-4}" ;;
	headgate) tailnet_address "$@" ;;
	esac
}

# ---- a flow that something cuts, and when that was felt ----

stream_begin() { # FROM TO ADDRESS: until stream_end
	spawn stream-sink "$2" python3 "$scene_dir/flow.py" sink --port 7000 --wait 60 --quiet 60 \
		--stamps "$run/stamps"
	await 10 grep -q listening "$run/stream-sink.log"
	spawn stream-source "$1" python3 "$scene_dir/flow.py" source --to "$3" --rate 100 --seconds 600
	await 20 test -s "$run/stamps"
}

stream_end() {
	halt stream-source
	halt stream-sink
}

# The clock is read first: what the question itself takes is not part of the answer.
stream_rests() { # nothing has come for a second
	(($(milliseconds "$EPOCHREALTIME" "$(tail -n 1 "$run/stamps")") > 1000))
}

stream_runs() {
	(($(milliseconds "$EPOCHREALTIME" "$(tail -n 1 "$run/stamps")") < 500))
}

milliseconds() { # TIME TIME -> from the second to the first
	python3 -c "print(round(($1 - $2) * 1000))"
}

# Both within 2 s, and $took_ms says how long it took: until the last packet that came, or the first.
# Where more wants to run than there are cores for, everything takes longer, and 20 s is the limit.
is_soon() {
	((took_ms <= $(awk -v n="$(nproc)" '{ print ($1 > 2 * n ? 20000 : 2000) }' /proc/loadavg)))
}

stream_is_cut() { # AT
	await 30 stream_rests || return 1
	took_ms=$(milliseconds "$(tail -n 1 "$run/stamps")" "$1") # less than 0: at once
	is_soon
}

stream_is_back() { # AT
	await 30 stream_runs || return 1
	took_ms=$(milliseconds "$(awk -v at="$1" '$1 > at { print $1; exit }' "$run/stamps")" "$1")
	is_soon
}
