#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# How the world sees a gateway behind a NAT, by the relay that the server tells of; the server and
# so its peers hear of that endpoint.
#
#   a-lan ── a-gw [headgate] ── nat (masquerade) ── switch ── server [control or headscale, and
#            198.51.100.2    .1   203.0.113.77                        a relay: 203.0.113.9]
. "${0%/*}/scene.sh"
headgate_only
. "$scene_dir/tailnet_server.sh"
. "$scene_dir/tailnet_client.sh"
tailnet_begin
clients_begin

site_runs a headgate
site a
tailnet_wires
node nat
wire a-gw wan0 nat in0
wire nat out0 switch port-nat
on switch ip link set port-nat master br0
on nat ip addr add 198.51.100.1/24 dev in0
on nat ip addr add 203.0.113.77/24 dev out0
forward_on nat
on nat nft -f - <<-END || skip "no nft masquerade on this kernel"
	table ip nat {
		chain post { type nat hook postrouting priority 100;
			oifname "out0" ip protocol udp masquerade to :61000-61010
			oifname "out0" masquerade; }
	}
END
wan4() { echo 198.51.100.2; }
expect server_up tskey-auth-right
expect clients_meet
auth_key >"$run/authkey"
chmod 600 "$run/authkey"
tailnet_conf a
sed -i '/^\[Port wan\]/a Gateway = 198.51.100.1' "$(conf_of a)"
expect gateway_up a
expect_within 20 has_joined

netcheck_says() { # FIELD
	headgate_ctl a netcheck --json | python3 -c "
import json, sys
print(json.load(sys.stdin)['$1'])"
}

sees() { # FIELD REGEX
	netcheck_says "$1" | grep -Eq "$2"
}

told_server() { # REGEX
	server_says a1 '["Endpoints"]' | grep -Eq "$1"
}

proves "the public endpoint is the NAT's"
expect_within 30 sees GlobalV4 '^203\.0\.113\.77:610[01][0-9]$'
expect sees UDP True
expect sees IPv6 False
expect sees PreferredDERP '^9[0-9]+$'
headgate_ctl a netcheck >"$run/said-to-people"
expect grep -q "IPv4: yes, seen at 203.0.113.77:" "$run/said-to-people"

proves "the server is told of it, beside our own address"
if [ "$server_kind" = control ]; then
	expect_within 30 told_server '203\.0\.113\.77:610'
	expect told_server '198\.51\.100\.2:51820'
fi

proves "without an answer it says so"
on nat nft add table ip cut
on nat nft "add chain ip cut forward { type filter hook forward priority 0; }"
on nat nft add rule ip cut forward udp dport 3478 drop
expect sees UDP False
expect sees GlobalV4 '^$'
