#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Two interfaces on one port, at two addresses of the box; refused where they would overlap.
#
#   a-lan ── a-gw [subject: hg0 at .1, hg1 at .9] ── switch ┬─ b-gw [wireguard-go] ── b-lan
#                                                           └─ c-gw [wireguard-go] ── c-lan
. "${0%/*}/scene.sh"
headgate_only

site_runs a headgate
site_runs b stock
site_runs c stock
site a b c
wire_sites a b c
site_conf a b
site_conf b a
site_conf c a
second=$run/a/hg1.conf
{
	conf_interface a | sed 's/^Address = .*/Address = 10.0.9.1\/24/'
	conf_peer c
} >"$second"
sed -i 's/^Endpoint = .*/Endpoint = 203.0.113.9:51820/' "$(conf_of c)"
sed -i 's/^\(Address = 203.0.113.1\/24\)/\1, 203.0.113.9\/24/' "$(conf_of a)"
chmod 600 "$second"
more_confs=$second

listens_at() { # FILE [ADDRESSES]
	sed -i '/^ListenAddress/d' "$1"
	[ -z "${2:-}" ] || sed -i "s/^ListenPort.*/&\nListenAddress = $2/" "$1"
}

checks() {
	on a-gw "$headgated" --check -c "$(conf_of a)" -c "$second" >"$run/checked" 2>&1
}

proves "the check refuses one port on overlapping addresses, with file and line of both"
refuse checks
expect grep -q 'hg1.conf:1: .*51820.*hg0.conf:.*ListenAddress' "$run/checked"
listens_at "$(conf_of a)" 203.0.113.1
refuse checks
listens_at "$second" 203.0.113.9,203.0.113.1
refuse checks
listens_at "$second" 203.0.113.9,224.0.0.1
refuse checks
expect grep -q 'hg1.conf:.*ListenAddress' "$run/checked"
listens_at "$second" 203.0.113.9
expect checks

proves "on two addresses both work, each from its own, whoever begins"
expect gateway_up b
expect gateway_up c
expect gateway_up a
expect pings a-lan "$(host4 b)"
expect pings c-lan "$(host4 a)"
expect pings a-lan "$(host4 c)"
expect endpoint_is "${site_dev[b]}" a 203.0.113.1:51820
expect endpoint_is "${site_dev[c]}" a 203.0.113.9:51820
expect [ "$(on a-gw ss -ulnH | grep -c '203.0.113.[19]:51820')" = 2 ]

proves "wg set listen-port is refused where another interface has it"
expect wg set hg1 listen-port 51830
expect pings a-lan "$(host4 c)"
sed -i 's/^ListenPort = .*/ListenPort = 51830/' "$second"
listens_at "$(conf_of a)"
expect headgate_ctl a reload
refuse wg set hg1 listen-port 51820
expect grep -q "ListenPort 51820 is interface hg0's" "$run/gateway-a.log"
expect [ "$(wg show hg1 listen-port)" = 51830 ]
expect pings a-lan "$(host4 c)"

proves "addresses come and go by reload, sessions go on"
flow_start steady a-lan b-lan "$(host4 b)" --rate 500 --seconds 3
listens_at "$(conf_of a)" 203.0.113.1
expect headgate_ctl a reload
listens_at "$second" "203.0.113.9, 127.0.0.1"
expect headgate_ctl a reload
sed -i 's/^ListenPort = .*/ListenPort = 51820/' "$second"
expect headgate_ctl a reload
flow_end steady
expect [ "$flow_unique" -eq "$flow_sent" ]
expect pings a-lan "$(host4 c)"
expect endpoint_is "${site_dev[c]}" a 203.0.113.9:51820

proves "what is sent to the port of an address that nobody listens at is the kernel's"
spawn own-service a-gw socat UDP-LISTEN:51820,bind=192.168.10.1,fork EXEC:cat
expect_within 5 on a-gw sh -c "ss -uln | grep -q '192.168.10.1:51820'"
expect [ "$(echo hello | on a-lan timeout 5 socat -T2 - UDP:192.168.10.1:51820)" = hello ]
