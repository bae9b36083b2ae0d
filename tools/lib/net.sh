# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Network namespaces, the wires between them, and the processes inside, all of one run.
#
#   net_isolate "$0" "$@"  starts the script again in a mount and a process namespace of its own,
#                      with empty /run/wireguard, /run/headgate, /run/dpdk and /run/netns, so
#                      that several runs do not meet and nothing outlives one, however it ends
#   net_begin          a scratch directory, and a trap that removes all of this on any exit
#   node NAME          a namespace, seen from outside as $net_prefix-NAME
#   on NAME COMMAND…   runs a command in it
#   wire A DEV B DEV   a veth pair between two of them
#   spawn LABEL NAME COMMAND…   a background process in it, its output in $run/LABEL.log
#   halt LABEL [SIGNAL]         ends it and waits
#
# A node may be played by a guest with a kernel of its own (tests/interop/guest.sh): commands then
# run in it.
#
# Processes are ended by their id only. Needs say.sh.

net_prefix=hg$$
run=
net_nodes=()
declare -A net_pid=() net_guest=()

net_isolate() { # SCRIPT ARGUMENT…
	if [ -z "${HEADGATE_ISOLATED:-}" ]; then
		HEADGATE_ISOLATED=1 exec unshare --mount --pid --fork --kill-child --mount-proc \
			"$BASH" "$@"
	fi
	[ "$HEADGATE_ISOLATED" != shared ] || return 0 # who started this did the rest
	local d
	for d in wireguard headgate dpdk netns headgate-scratch; do
		mkdir -p "/run/$d" && mount -t tmpfs -o mode=0755 "run-$d" "/run/$d" ||
			die "cannot mount a private /run/$d"
	done
	export TMPDIR=/run/headgate-scratch
}

net_begin() {
	run=$(mktemp -d "${TMPDIR:-/tmp}/headgate-XXXXXX")
	umask 077
	trap net_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

net_end() {
	local status=$? label name
	trap - EXIT
	for label in "${!net_pid[@]}"; do
		kill -TERM "${net_pid[$label]}" 2>/dev/null
	done
	for label in "${!net_pid[@]}"; do
		halt "$label"
	done
	for name in "${net_nodes[@]}"; do
		ip netns del "$net_prefix-$name" 2>/dev/null
	done
	[ -z "$run" ] || rm -rf "$run"
	exit "$status"
}

node() { # NAME…
	local name
	for name; do
		ip netns add "$net_prefix-$name"
		net_nodes+=("$name")
		ip -n "$net_prefix-$name" link set lo up
	done
}

on() { # NAME COMMAND…
	local name=$1 place
	shift
	place_of "$name"
	"${place[@]}" "$@"
}

place_of() { # NAME: sets place, of the caller, to the words that run a command in that node
	read -ra place <<<"${net_guest[$1]:-ip netns exec $net_prefix-$1}"
}

wire() { # NODE DEVICE NODE DEVICE: a veth pair; its ends complete their checksums themselves
	ip link add "v$$x" netns "$net_prefix-$1" type veth peer name "v$$y" netns "$net_prefix-$3"
	ip -n "$net_prefix-$1" link set "v$$x" name "$2" up
	ip -n "$net_prefix-$3" link set "v$$y" name "$4" up
	full_checksums "$1" "$2"
	full_checksums "$3" "$4"
}

# The kernel hands a packet to a veth with its TCP or UDP checksum left for a NIC to fill in.
full_checksums() { # NODE DEVICE
	on "$1" ethtool -K "$2" tx off >/dev/null 2>&1
}

spawn() { # LABEL NODE COMMAND…
	local label=$1 place
	place_of "$2"
	shift 2
	: >"$run/$label.log" # at once: nobody is to find an earlier process's words in it
	"${place[@]}" "$@" >"$run/$label.log" 2>&1 &
	net_pid[$label]=$!
}

is_alive() { # LABEL
	[ -n "${net_pid[$1]:-}" ] && kill -0 "${net_pid[$1]}" 2>/dev/null
}

halt() { # LABEL [SIGNAL]: returns the exit status of the process; after 10 s it is killed
	local pid=${net_pid[$1]:-}
	[ -n "$pid" ] || return 0
	unset "net_pid[$1]"
	halt_pid "$pid" "${2:-TERM}" 2>/dev/null # the shell would report its death
}

halt_pid() { # PID SIGNAL
	local turns=100
	kill -"$2" "$1"
	while kill -0 "$1"; do
		if ((turns-- == 0)); then
			kill -KILL "$1"
			break
		fi
		sleep 0.1
	done
	wait "$1"
}

await() { # SECONDS COMMAND…: until the command succeeds; fails when the time is over
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/[.,]/} < end)) || return 1
		sleep 0.1
	done
}
