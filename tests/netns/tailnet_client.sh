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
#   client_up NODE [UP-OPTION…]    starts it and joins, by the key in $run/NODE.authkey or $run/authkey
#   client NODE COMMAND…           what its command line says
#   client_down NODE [SIGNAL]      ends the daemon; client_up again is the same node
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
	spawn client-door server socat "TCP-LISTEN:8080,bind=$client_server,fork,reuseaddr" TCP:203.0.113.9:8080
	[ "$server_kind" = control ] || return 0 # headscale brings its own relay; without any a client is idle
	spawn derper server "$client_programs/derper" -a "$server_derp:3340" -http-port -1 -c "$run/derper.json"
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
	on "$name" timeout "${client_limit:-60}" "$client_programs/tailscale" --socket="$run/$name.ts/socket" "$@"
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
	client "$name" up --login-server="http://$client_server:8080" --authkey="file:$key" --hostname="$name" \
		--accept-dns=false --netfilter-mode=off --timeout=50s "$@"
}

client_down() { # NODE [SIGNAL]
	halt "tailscaled-$1" "${2:-TERM}"
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
