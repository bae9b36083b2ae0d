# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# The coordination server of a tailnet scene, at 203.0.113.9:8080 of the node `server`, and what is
# asked of it and of the gateways. TAILNET_SERVER says which one it is:
#
#   control     Tailscale's own test control server, tests/interop/control (default)
#   headscale   the real one: the program that HEADSCALE names, or the one on PATH
#
# tailnet_begin first; both then answer to server_up, server_key, server_shows, approve_routes.

server_kind=${TAILNET_SERVER:-control}
server_url=http://203.0.113.9:8080
server_cert='' # …and key: files, for TLS
server_derp='' # where a relay runs, which stock clients need (control; headscale has its own)
server_keep='' # the file of the key that makes it the same one each time: control alone
door_url=http://127.0.0.1:8081

tailnet_begin() { # finds the program, or skips the scene
	server_program=$("$scene_top/tests/interop/fetch" "$server_kind") || exit
}

only_with() { # KIND: the scene needs that server
	[ "$server_kind" = "$1" ] || skip "needs the server $1"
}

server_up() { # [AUTHKEY that every node must have: control alone]
	case $server_kind in
	control)
		spawn server server env CONTROL_CERT="$server_cert" CONTROL_KEY="${server_cert:+$server_cert.key}" \
			CONTROL_DERP="$server_derp" CONTROL_KEEP="$server_keep" \
			"$server_program" 203.0.113.9:8080 127.0.0.1:8081 "$@"
		await 10 fetch_key
		;;
	headscale) headscale_up ;;
	esac
}

fetch_key() {
	on server curl -kfsS "$server_url/key?v=131" >"$run/server.json"
}

server_key() {
	sed 's/.*"publicKey":"\(mkey:[0-9a-f]*\)".*/\1/I' "$run/server.json"
}

# ---- headscale ----

headscale_up() {
	local hs=$run/hs
	if [ ! -d "$hs" ]; then
		mkdir "$hs"
		headscale_config >"$hs/config.yaml"
		echo '{"acls":[{"action":"accept","src":["*"],"dst":["*:*"]}],"tagOwners":{"tag:gw":[]}}' \
			>"$hs/policy.hujson"
	fi
	spawn server server "$server_program" -c "$hs/config.yaml" serve
	await 20 fetch_key && await 10 hs users list
}

headscale_config() {
	cat <<-END
		server_url: $server_url
		listen_addr: 203.0.113.9:8080
		tls_cert_path: "$server_cert"
		tls_key_path: "${server_cert:+$server_cert.key}"
		metrics_listen_addr: ""
		grpc_listen_addr: 127.0.0.1:50443
		grpc_allow_insecure: true
		unix_socket: $run/hs/sock
		unix_socket_permission: "0770"
		disable_check_updates: true
		noise: {private_key_path: $run/hs/noise.key}
		prefixes: {v4: 100.64.0.0/10, v6: "fd7a:115c:a1e0::/48", allocation: sequential}
		derp:
		  server: {enabled: true, region_id: 999, region_code: hs, region_name: lab,
		    verify_clients: true, stun_listen_addr: "203.0.113.9:3478",
		    private_key_path: $run/hs/derp.key, automatically_add_embedded_derp_region: true}
		  urls: []
		  paths: []
		  auto_update_enabled: false
		database: {type: sqlite, sqlite: {path: $run/hs/db.sqlite, write_ahead_log: true}}
		dns: {magic_dns: true, base_domain: tail.test, override_local_dns: false,
		  nameservers: {global: []}}
		policy: {mode: file, path: $run/hs/policy.hujson}
		node: {expiry: 0, ephemeral: {inactivity_timeout: 70s},
		  routes: {ha: {probe_interval: 4s, probe_timeout: 2s}}}
		log: {level: info, format: text}
		logtail: {enabled: false}
	END
}

hs() { # COMMAND…: headscale's own command line
	on server "$server_program" -c "$run/hs/config.yaml" "$@"
}

hs_node() { # NODE PYTHON-EXPRESSION of n -> of what headscale knows of it
	hs nodes list -o json | python3 -c "
import json, sys
n = next(n for n in json.load(sys.stdin) if n['name'] == '$1')
print($2)"
}

# ---- both ----

server_goes() { # nobody reaches it until server_returns, with all that it knew
	case $server_kind in
	control) ask_door -X POST "/away?on=1" ;;
	headscale) halt server ;;
	esac
}

server_returns() {
	case $server_kind in
	control) ask_door -X POST "/away?on=0" ;;
	headscale) headscale_up ;;
	esac
}

auth_key() { # -> one that lets a gateway in
	case $server_kind in
	control) echo tskey-auth-right ;;
	headscale) hs preauthkeys create --tags tag:gw --reusable -e 1h ;;
	esac
}

ephemeral_key() { # -> one for nodes that are forgotten when they leave
	case $server_kind in
	control) echo tskey-auth-right ;;
	headscale) hs preauthkeys create --tags tag:gw --reusable --ephemeral -e 1h ;;
	esac
}

server_shows_site() { # X
	server_shows "${1}1"
}

server_shows() { # NODE: it is online
	case $server_kind in
	control) server_says "$1" '["ID"]' && [ "$(ask_door /online)" -gt 0 ] ;;
	headscale) [ "$(hs_node "$1" 'n.get("online", False)')" = True ] ;;
	esac
}

server_routes() { # NODE -> what it offers
	case $server_kind in
	control) server_says "$1" '["Hostinfo"].get("RoutableIPs") or []' ;;
	headscale) hs_node "$1" 'n.get("available_routes") or []' ;;
	esac
}

approve_routes() { # NODE PREFIX
	case $server_kind in
	control) ask_door -X POST "/routes?node=$(server_says "$1" '["Key"]')&routes=$2" ;;
	headscale) hs nodes approve-routes -i "$(hs_node "$1" 'n["id"]')" -r "$2" ;;
	esac
}

# ---- the control server's door ----

ask_door() { # CURL-OPTION… PATH
	local path=${*: -1}
	on server curl -fsS "${@:1:$#-1}" "$door_url$path"
}

server_says() { # NODE PYTHON-INDEX -> of what the server knows of it
	ask_door /nodes | python3 -c "
import json, sys
print(next(n for n in json.load(sys.stdin) if n['Hostinfo'].get('Hostname') == '$1')$2)"
}

say_raw() { # JSON [NODE]: a message on the map stream of a1, or of that node
	ask_door -H 'Content-Type: application/json' -d "$1" \
		"/raw?node=$(server_says "${2:-a1}" '["Key"]')"
}

server_forgets() { # all its nodes, before it is started again
	[ "$server_kind" = control ] || rm -f "$run"/hs/db.sqlite*
}

server_loses_key() { # before it is started again
	rm -f "$run/server.key" "$run/hs/noise.key"
}

server_keys() { # -> the WireGuard keys of all its nodes
	case $server_kind in
	control) ask_door /nodes ;;
	headscale) hs nodes list -o json ;;
	esac | python3 -c '
import base64, json, sys
for n in json.load(sys.stdin):
	key = (n.get("Key") or n["node_key"]).split(":")[1]
	print(base64.b64encode(bytes.fromhex(key)).decode())'
}

peers_are_the_servers() { # [X]: its peers are all nodes but itself, and no others
	local dev=${site_dev[${1:-a}]}
	diff <(server_keys | sort) <({ wg show "$dev" peers && own_key "${1:-a}"; } | sort)
}

clients_join() { # NAME N [AUTHKEY]: nodes that do nothing but be there
	spawn "clients-$1" server "$("$scene_top/tests/interop/fetch" control)" \
		clients "$server_url" "${3:-$(cat "$run/authkey")}" "$1" "$2"
	await 60 grep -q joined "$run/clients-$1.log"
}

clients_leave() { # NAME
	halt "clients-$1" && { [ "$server_kind" != control ] || ask_door -X POST "/delete?name=$1"; }
}

# ---- the gateways ----

tailnet_wires() { # X…: a switch that they and the server hang on
	local end
	node switch server
	on switch ip link add br0 type bridge
	on switch ip link set br0 up
	for end in "${@/%/-gw}" server; do
		wire "$end" wan0 switch "port-$end"
		on switch ip link set "port-$end" master br0
	done
	on server ip addr add 203.0.113.9/24 dev wan0
}

# The gateway of site X as node X1 that offers its LAN; $headscale_lines has more of [Headscale].
tailnet_conf() { # X PEER…: static ones beside the tailnet
	local x=$1
	site_conf "$@"
	sed -i '/^PrivateKey/d' "$(conf_of "$x")"
	cat >>"$(conf_of "$x")" <<-END

		[Headscale]
		Server = $server_url
		ServerKey = $(server_key)
		AuthKeyFile = $run/authkey
		StateFile = $run/$x/tailnet.state
		Hostname = ${x}1
		AdvertiseRoutes = 192.168.$(site_index "$x")0.0/24
		${headscale_lines:-}
	END
}

tailnet_says() { # FIELD [X] -> of headgate's status
	headgate_ctl "${2:-a}" status --json | python3 -c "
import json, sys
print(json.load(sys.stdin)['tailnet']['$1'])"
}

has_joined() { # [X]
	[ "$(tailnet_says state "${1:-a}")" = running ]
}

peers_are() { # NUMBER [X]: of the tailnet
	[ "$(tailnet_says peers "${2:-a}")" = "$1" ]
}

trouble_is() { # REGEX [X]
	tailnet_says trouble "${2:-a}" | grep -q "$1"
}

state_is() { # STATE [X]
	[ "$(tailnet_says state "${2:-a}")" = "$1" ]
}

own_key() { # [X] -> WireGuard's public key of the gateway
	wg show "${site_dev[${1:-a}]}" public-key
}

peers_show() { # REGEX [X]
	headgate_ctl "${2:-a}" peers | grep -q "$1"
}

has_changed() { # REGEX LINE: the peer of that line is another line now
	peers_show "$1" && [ "$(headgate_ctl a peers | grep "$1")" != "$2" ]
}

filter_shows() { # REGEX
	headgate_ctl a filter --json | grep -q "$1"
}

routes_show() { # REGEX
	on a-gw ip route show dev hg0 | grep -q "$1"
}

tailnet_address() { # X [4|6] -> its address in the tailnet
	on "$1-gw" ip "-${2:-4}" -o addr show dev "${site_dev[$1]}" |
		sed -n 's|.* \(100\.[0-9.]*\)/32.*|\1|p; s|.* \(fd7a:[0-9a-f:]*\)/128.*|\1|p'
}
