#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What became of a packet: where it came in, where and why it ended, and whose it was.
#
#   a-lan ── a-gw [headgate] ───────────── b-gw [wireguard-go] ── b-lan
#                                          also 172.16.9.9: not allowed
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf a b
site_conf b a
expect gateway_up b
expect gateway_up a
on b-gw ip addr add 172.16.9.9/32 dev lo
expect pings a-lan "$(host4 b)"

trace_start() { # ARGUMENT…: in the background, until it has begun
	headgate_ctl a trace --json --timeout 20 "$@" >"$run/trace" 2>"$run/trace.err" &
	trace_pid=$!
	expect_within 5 grep -q 'trace of packets begins' "$run/gateway-a.log"
	sleep 0.3
}
trace_end() { # sets trace_lines, of packets
	wait "$trace_pid" || scene_failed "the trace ended with $?: $(cat "$run/trace.err")"
	trace_lines=$(grep -c verdict "$run/trace")
}
shows() { # FIELD=VALUE…: one packet has all of them; FIELD may be inner.source
	python3 - "$run/trace" "$@" <<-'END'
		import json, sys
		def get(j, path):
		    for key in path.split("."):
		        j = (j or {}).get(key)
		    return str(j)
		wants = [w.split("=", 1) for w in sys.argv[2:]]
		lines = [json.loads(l) for l in open(sys.argv[1])]
		sys.exit(not any(all(get(j, k) == v for k, v in wants) for j in lines))
	END
}

proves "a packet's whole way: into the tunnel, and the answer out of it"
trace_start -n 2 address "$(host4 b)"
on a-lan ping -q -n -c 1 -W 5 "$(host4 b)" >/dev/null
trace_end
expect [ "$trace_lines" -eq 2 ]
expect shows verdict=sent stage=encap in=lan out=wan "to.public_key=$(public_key b)" \
	"inner.source=$(host4 a)" "outer.destination=$(wan4 b)" outer.destination_port=51820
expect shows verdict=sent stage=route in=wan out=lan "from.public_key=$(public_key b)" \
	"inner.source=$(host4 b)" "outer.source=$(wan4 b)" inner.protocol=1

proves "a reason alone: what is dropped for it is shown, with its sentence, and nothing else"
trace_start -n 3 reason wg-inner-source
on b-gw ping -q -n -c 3 -i 0.2 -W 1 -I 172.16.9.9 "$(host4 a)" >/dev/null
expect pings a-lan "$(host4 b)"
trace_end
expect [ "$trace_lines" -eq 3 ]
expect shows verdict=dropped stage=verify reason=wg-inner-source inner.source=172.16.9.9
refuse shows verdict=sent

proves "a peer by its key, a stage and a verdict; nobody matches: it ends in time"
trace_start --timeout 3 peer "$(public_key b)" verdict dropped stage peers
on a-lan ping -q -n -c 2 -i 0.2 -W 1 "$(host4 b)" >/dev/null
trace_end
expect [ "$trace_lines" -eq 0 ]
expect grep -q '"told":0,"lost":0' "$run/trace"

proves "people get a line each"
headgate_ctl a trace -n 1 --timeout 10 reason no-peer >"$run/line" &
sleep 0.5
on a-lan ping -q -n -c 1 -W 1 10.0.0.77 >/dev/null
wait $!
expect grep -Eq 'dropped +peers +lan > .* inner .* > 10.0.0.77 icmp 84 .*no-peer: no peer' "$run/line"

proves "what cannot be is said"
refuse headgate_ctl a trace reason bad-weather
refuse headgate_ctl a trace peer nobody
refuse headgate_ctl a trace port hg7
refuse headgate_ctl a trace address 300.1.2.3
refuse headgate_ctl a trace address
