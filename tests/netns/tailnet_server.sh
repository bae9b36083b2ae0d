# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# The coordination server of a tailnet scene, at 203.0.113.9:8080 of the node `server`, and what is
# asked of it. Wants: $control, a node `server`, $run/authkey.

server_url=http://203.0.113.9:8080
door_url=http://127.0.0.1:8081

server_up() { # [AUTHKEY that every node must have]
	spawn server server "$control" 203.0.113.9:8080 127.0.0.1:8081 "$@"
	await 10 fetch_key
}

fetch_key() {
	on server curl -fsS "$server_url/key?v=131" >"$run/server.json"
}

server_key() {
	sed 's/.*"publicKey":"\(mkey:[0-9a-f]*\)".*/\1/I' "$run/server.json"
}

# The gateway of site a as a node; $headscale_lines has more of [Headscale].
tailnet_conf() { # PEER…: static ones beside the tailnet
	site_conf a "$@"
	sed -i '/^PrivateKey/d' "$(conf_of a)"
	cat >>"$(conf_of a)" <<-END

		[Headscale]
		Server = $server_url
		ServerKey = $(server_key)
		AuthKeyFile = $run/authkey
		StateFile = $run/a/tailnet.state
		Hostname = a1
		AdvertiseRoutes = 192.168.10.0/24
		${headscale_lines:-}
	END
}

ask_door() { # CURL-OPTION… PATH
	local path=${*: -1}
	on server curl -fsS "${@:1:$#-1}" "$door_url$path"
}

server_says() { # NODE PYTHON-INDEX -> of what the server knows of it
	ask_door /nodes | python3 -c "
import json, sys
print(next(n for n in json.load(sys.stdin) if n['Hostinfo'].get('Hostname') == '$1')$2)"
}

server_shows() { # NODE: with a stream open
	server_says "$1" '["ID"]' && [ "$(ask_door /online)" -gt 0 ]
}

tailnet_says() { # FIELD -> of headgate's status
	headgate_ctl a status --json | python3 -c "
import json, sys
print(json.load(sys.stdin)['tailnet']['$1'])"
}

has_joined() {
	[ "$(tailnet_says state)" = running ]
}

n_peers() { # of the tailnet
	tailnet_says peers
}

peers_are() { # NUMBER
	[ "$(n_peers)" = "$1" ]
}

peers_show() { # REGEX
	headgate_ctl a peers | grep -q "$1"
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

say_raw() { # JSON: a message on our map stream
	ask_door -H 'Content-Type: application/json' -d "$1" "/raw?node=$(server_says a1 '["Key"]')"
}
