# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# What every scene starts with: `. "${0%/*}/scene.sh"`.
#
# A scene runs isolated (net_isolate). It says what it proves (`proves`), and every expectation
# is an `expect` or a `refuse`; the first that fails ends the scene with the logs.
#
#   -i                 stop inside with everything running, in a shell
#   SUBJECT=stock      wireguard-go in headgate's place: tries the scene, not headgate
#   PEER=NAME          who the stock peers are: wireguard-go, boringtun or kernel (tests/interop)
#   HEADGATE_BUILD=DIR the build to test (default build-check/short, see tests/netns/run)
#   HEADGATE_LOG=debug how much headgated says
#
# Exit: 0 passed, 77 skipped, else failed.

scene_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scene_dir=$scene_top/tests/netns

. "$scene_top/tools/lib/say.sh"
. "$scene_top/tools/lib/net.sh"
. "$scene_top/tools/lib/gateway.sh"
. "$scene_top/tools/lib/load.sh"
case ${PEER:-} in
kernel) . "$scene_top/tests/interop/guest.sh" ;;
boringtun) BORINGTUN=$("$scene_top/tests/interop/fetch" boringtun) || exit ;;
esac

scene_stops_inside=
[ "${1:-}" != -i ] || scene_stops_inside=1
subject=${SUBJECT:-headgate}
scene_build=${HEADGATE_BUILD:-$scene_top/build-check/short}
headgated=$scene_build/app/headgated/headgated
headgate=$scene_build/app/headgate/headgate

need_root
net_isolate "$0" "$@"
[ "$subject" = stock ] || [ -x "$headgated" ] || die "no $headgated: build it first (tools/build)"
net_begin
trap scene_end EXIT

scene_end() {
	local status=$?
	if [ -n "$scene_stops_inside" ] && [ -t 0 ]; then
		scene_look_around
	fi
	if [ "$status" -eq 0 ] && ! scene_gateways_end; then
		status=1
	fi
	(exit "$status")
	net_end
}

# Whatever a scene was about: a headgate that still runs ends with status 0 (no crash, no leak).
scene_gateways_end() {
	local x status
	for x in "${!site_program[@]}"; do
		[ "${site_program[$x]}" = headgate ] || continue
		gateway_down "$x" && continue
		status=$?
		say "FAILED: headgated of site $x ended with status $status"
		tail -n 300 "$run/gateway-$x.log"
		return 1
	done
}

scene_look_around() {
	cat <<-END

		Stopped inside. Nodes: ip netns; enter one: ip netns exec $net_prefix-a-gw bash
		Files and logs: $run      wg show      leave with exit
	END
	(cd "$run" && PATH=$scene_build/app/headgate:$PATH "$BASH" -i)
}

proves() { # TEXT: what the block below shows
	say "$*"
}

skip() { # TEXT: this machine or this subject cannot do it
	say "skipped: $*"
	exit 77
}

headgate_only() { # the scene asks for what only headgate does
	[ "$subject" = headgate ] || skip "about headgate alone"
}

expect() { # COMMAND…: must succeed; what it says is shown when it does not
	"$@" >"$run/said" 2>&1 || scene_failed "expected: $*"
}

refuse() { # COMMAND…: must fail
	! "$@" >/dev/null 2>&1 || scene_failed "should have failed: $*"
}

expect_within() { # SECONDS COMMAND…: must succeed before the time is over
	local seconds=$1
	shift
	await "$seconds" "$@" || scene_failed "not within $seconds s: $*"
}

scene_failed() { # TEXT
	say "FAILED at ${BASH_SOURCE[2]##*/}:${BASH_LINENO[1]}: $*"
	local log
	for log in "$run"/said "$run"/gateway-*.log; do
		[ -s "$log" ] || continue
		echo "---- the end of ${log##*/}"
		tail -n 25 "$log"
	done
	if is_alive gateway-a && [ "$subject" = headgate ]; then
		echo "---- headgate drops"
		timeout 5 "$headgate" --socket "/run/headgate/${site_dev[a]}.sock" drops
	fi
	exit 1
}

# ---- what most scenes have in common ----

# Site a with the subject, site b with wireguard-go, one wire:
#
#   a-lan ── lan0 a-gw wan0 ─────────── wan0 b-gw lan0 ── b-lan
#            [subject hg0]              [wireguard-go wg1]
two_sites() {
	site_runs a "$subject"
	site_runs b stock
	site a b
	wire_sites a b
}

# The link that carries the addresses of a port: its twin with headgate, else the netdev.
twin() { # X wan|lan
	case ${site_program[$1]} in
	headgate) echo "hg-$2" ;;
	stock) echo "${2}0" ;;
	esac
}

pings() { # NODE ADDRESS [OPTION…]: four in a row come back; one before may start a handshake
	local name=$1 to=$2
	shift 2
	on "$name" ping -q -n -c 1 -W 8 "$@" "$to" || return 1
	# For the last reply ping waits one interval, whatever -W says: not too short on a busy machine.
	on "$name" ping -q -n -c 4 -i 0.3 -W 2 "$@" "$to" | tee /dev/stderr | grep -q ' 0% packet loss'
}

handshake_age() { # DEVICE X -> seconds since the latest handshake with site X, or -1
	local at
	at=$(wg show "$1" latest-handshakes | awk -v k="$(public_key "$2")" '$1 == k { print $2 }')
	[ "${at:-0}" -gt 0 ] && echo $(($(date +%s) - at)) || echo -1
}

has_handshake() { # DEVICE X
	[ "$(handshake_age "$1" "$2")" -ge 0 ]
}

# wireguard-go of 2022 clings to a source address that is gone (newer kernels say ENETUNREACH
# where it waits for EINVAL); setting its port anew makes it look again.
look_again() { # X PORT
	[ "${site_program[$1]}" = headgate ] || wg set "${site_dev[$1]}" listen-port "$2"
}

endpoint_is() { # DEVICE X ENDPOINT
	[ "$(wg show "$1" endpoints | awk -v k="$(public_key "$2")" '$1 == k { print $2 }')" = "$3" ]
}

# A counted flow: flow_start, then whatever should happen meanwhile, then flow_end, which
# sets flow_sent and, from the sink, flow_unique, flow_duplicates, flow_reordered, flow_gap_ms.
flow_start() { # NAME FROM TO ADDRESS [OPTION of the source…]
	local name=$1 from=$2 to=$3 address=$4 port
	shift 4
	port=$((7000 + ${#net_pid[@]} * 8 + RANDOM % 8))
	spawn "sink-$name" "$to" python3 "$scene_dir/flow.py" sink --port "$port" \
		--quiet "${flow_quiet:-2}" --wait "${flow_wait:-20}"
	expect_within 5 grep -q listening "$run/sink-$name.log"
	spawn "source-$name" "$from" python3 "$scene_dir/flow.py" source --to "$address" \
		--port "$port" "$@"
}

flow_end() { # NAME
	local name=$1 json
	wait "${net_pid[source-$name]}" "${net_pid[sink-$name]}"
	unset "net_pid[source-$name]" "net_pid[sink-$name]"
	flow_sent=$(tail -n 1 "$run/source-$name.log")
	json=$(tail -n 1 "$run/sink-$name.log")
	flow_unique=$(flow_field unique) flow_duplicates=$(flow_field duplicates)
	flow_reordered=$(flow_field reordered) flow_gap_ms=$(flow_field longest_gap_ms)
	say "flow $name: sent $flow_sent, arrived $flow_unique, duplicates $flow_duplicates," \
		"reordered $flow_reordered, longest gap $flow_gap_ms ms"
}

flow_field() { # NAME, from the json of the caller
	sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" <<<"$json"
}

# How often headgate dropped for a reason whose name matches; 0 for another subject.
drops_like() { # REGEX -> count
	[ "$subject" = headgate ] || { echo 0; return; }
	headgate_ctl a drops --json | python3 "$scene_dir/drops.py" "$1"
}

drops_counted() { # REGEX: at least one (nothing to ask with another subject)
	[ "$subject" != headgate ] || [ "$(drops_like "$1")" -gt 0 ]
}

tcp_service() { # NODE PORT: answers each line with itself
	spawn "tcp-$1-$2" "$1" socat "TCP6-LISTEN:$2,fork,reuseaddr,ipv6only=0" EXEC:cat
	expect_within 5 on "$1" sh -c "ss -ltn | grep -q ':$2 '"
}

tcp_answers() { # NODE ADDRESS PORT: a line goes there and comes back
	local reply
	reply=$(on "$1" timeout 8 bash -c \
		'exec 3<>"/dev/tcp/$0/$1" && echo hello >&3 && head -n 1 <&3' "$2" "$3")
	[ "$reply" = hello ]
}

copies_file() { # FROM TO ADDRESS: 4 MiB over TCP arrive unchanged
	head -c 4194304 /dev/urandom >"$run/sent"
	spawn "copy-$2" "$2" socat -u "TCP6-LISTEN:9000,reuseaddr,ipv6only=0" "CREATE:$run/arrived"
	expect_within 5 on "$2" sh -c "ss -ltn | grep -q ':9000 '"
	on "$1" timeout 60 socat -u "FILE:$run/sent" "TCP:$3:9000" || return 1
	wait "${net_pid[copy-$2]}"
	unset "net_pid[copy-$2]"
	cmp -s "$run/sent" "$run/arrived"
}

packet_passes() { # KIND FROM TO SRC DST: a packet of that kind (packet.py) arrives as it was sent
	local status
	spawn catch "$3" timeout 8 python3 "$scene_dir/packet.py" catch "$1" "$4" "$5" eth0
	await 5 grep -q listening "$run/catch.log" || return 1
	on "$2" python3 "$scene_dir/packet.py" send "$1" "$4" "$5" 0.6
	wait "${net_pid[catch]}"
	status=$?
	unset "net_pid[catch]"
	cat "$run/catch.log" >&2
	return "$status"
}
