#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Two interfaces in one process, each with 0.0.0.0/0 and a FwMark of its own, by the rules that
# wg-quick makes for each. The ends' endpoints lie behind the default route, so only the rules
# keep outer packets from going into a tunnel. b routes between the wire and 198.51.100.0/24.
#
#   a-lan ── a-gw [subject: hg0, hg1] ── switch ┬─ b-gw [wireguard-go, 198.51.100.2] ── b-lan
#                                               └─ c-gw [wireguard-go, 198.51.100.3] ── c-lan
. "${0%/*}/scene.sh"
headgate_only

wire_end4() { echo "198.51.100.$(site_index "$1")"; }

default_conf() { # X DEVICE PORT MARK -> an interface whose only peer X gets everything
	cat <<-END
		[Interface]
		PrivateKey = $(cat "$run/a/private.key")
		ListenPort = $3
		Address = 10.0.$(site_index "$1").1/24
		Table = off
		FwMark = $4

		[Peer]
		PublicKey = $(public_key "$1")
		AllowedIPs = 0.0.0.0/0
		Endpoint = $(wire_end4 "$1"):51820
	END
}

default_rules() { # DEVICE MARK, as wg-quick sets them
	on a-gw ip route add default dev "$1" table "$2"
	on a-gw ip rule add not fwmark "$2" table "$2"
	on a-gw ip rule add table main suppress_prefixlength 0
}

site_runs a headgate
site_runs b stock
site_runs c stock
site a b c
wire_sites a b c
site_conf b a
site_conf c a
{
	conf_gateway a
	default_conf b hg0 51820 51820
} >"$(conf_of a)"
default_conf c hg1 51821 51821 >"$run/a/hg1.conf"
chmod 600 "$(conf_of a)" "$run/a/hg1.conf"
sed -i 's/^Endpoint = .*/Endpoint = 203.0.113.1:51821/' "$(conf_of c)"
sed -i 's/^AllowedIPs = /&10.0.2.0\/24, 10.0.3.0\/24, /' "$(conf_of b)" "$(conf_of c)"
for x in b c; do
	expect gateway_up $x
	on $x-gw ip addr add "$(wire_end4 $x)/32" dev wan0
done
on b-gw ip route add 198.51.100.3 via 203.0.113.3
more_confs=$run/a/hg1.conf
expect gateway_up a
on a-gw ip route add default via 203.0.113.2 dev hg-wan
default_rules hg0 51820
default_rules hg1 51821

proves "what no route names goes into the interface of the first rule, and straight out"
expect pings a-lan "$(host4 c)"
expect endpoint_is "${site_dev[c]}" a 203.0.113.1:51821

proves "a route for the other interface leads there, past the same allowed-ips of the first"
on a-gw ip route add 192.168.20.0/24 dev hg0
expect pings a-lan "$(host4 b)"
expect pings b-lan "$(host4 a)"
expect pings c-lan "$(host4 a)"
expect endpoint_is "${site_dev[b]}" a 203.0.113.1:51820
expect [ "$(drops_like no-underlay)" -eq 0 ]

proves "a rule for one mark is followed by the outer packets of that interface alone"
on a-gw ip route add blackhole default table 77
on a-gw ip rule add fwmark 51821 table 77 priority 100
refuse on a-lan ping -q -n -c 2 -W 1 "$(host4 c)"
expect pings a-lan "$(host4 b)"
expect drops_counted no-underlay

proves "wg set fwmark takes effect on established sessions, without a packet lost elsewhere"
flow_start other a-lan b-lan "$(host4 b)" --rate 500 --seconds 4
expect wg set hg1 fwmark 51820
expect pings a-lan "$(host4 c)"
expect wg set hg1 fwmark 51821
expect_within 5 sh -c "! ip netns exec $net_prefix-a-lan ping -q -n -c 1 -W 1 $(host4 c)"
flow_end other
expect [ "$flow_unique" -eq "$flow_sent" ]
on a-gw ip rule del fwmark 51821 table 77
expect pings a-lan "$(host4 c)"

proves "more different marks than there are underlays are refused with a sentence"
for n in $(seq 2 10); do
	sed "s/^FwMark = .*/FwMark = $n/;s/^ListenPort = .*/ListenPort = $((52000 + n))/" \
		"$run/a/hg1.conf" >"$run/a/hg$n.conf"
	chmod 600 "$run/a/hg$n.conf"
	files="${files:-} -c $run/a/hg$n.conf"
done
# shellcheck disable=SC2086 # one word a file
on a-gw "$headgated" --check $files >"$run/refused" 2>&1
expect grep -q "hg10.conf:.*FwMark 0xa" "$run/refused"
