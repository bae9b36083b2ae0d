# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Load between two nodes by iperf3, and what arrived of it.
#
#   load_begin TO             an iperf3 server in node TO, for all the measurements below
#   load_tcp FROM ADDR SECONDS        -> bits per second at the receiver
#   load_udp FROM ADDR BYTES SECONDS [BITRATE]   -> packets per second at the receiver
#   load_udp_best FROM ADDR BYTES SECONDS        -> the most that was delivered, see there
#
# Needs say.sh and net.sh.

load_begin() { # TO
	spawn "iperf-$1" "$1" iperf3 --server --forceflush
	await 5 grep -q listening "$run/iperf-$1.log" || die "iperf3 does not listen in $1"
}

load_end() { # TO
	halt "iperf-$1"
}

load_run() { # FROM OUT ARGUMENT…: one client; a server still busy with the last one is waited for
	local from=$1 out=$2 turns=5
	shift 2
	until on "$from" timeout 60 iperf3 --json --connect-timeout 3000 "$@" >"$out" 2>"$out.err"; do
		((turns-- > 0)) || return 1
		sleep 0.5
	done
}

load_tcp() { # FROM ADDR SECONDS -> bit/s
	local out=$run/iperf.$BASHPID.json
	load_run "$1" "$out" --client "$2" --time "$3" || { echo 0; return 1; }
	load_figure "$out" tcp
}

load_udp() { # FROM ADDR BYTES SECONDS [BITRATE; 0 = as fast as the sender can] -> packets/s
	local out=$run/iperf.$BASHPID.json
	load_run "$1" "$out" --client "$2" --udp --length "$3" --time "$4" --bitrate "${5:-0}" ||
		{ echo 0; return 1; }
	load_figure "$out" udp
}

load_figure() { # FILE tcp|udp
	python3 - "$1" "$2" <<-'END'
		import json, sys
		end = json.load(open(sys.argv[1]))["end"]
		if sys.argv[2] == "tcp":
		    print(int(end["sum_received"]["bits_per_second"]))
		else:
		    s = end["sum"]
		    print(int((s["packets"] - s["lost_packets"]) / s["seconds"]))
	END
}

# All ends share the machine's cores: a sender at full speed starves the gateway, so the most
# is delivered somewhat below that. Try full speed, then a quarter above what came through (in bits: 10 for 8),
# as long as that brings more (at most three times).
load_udp_best() { # FROM ADDR BYTES SECONDS -> packets/s
	local best rate
	best=$(load_udp "$1" "$2" "$3" "$4") || return 1
	for _ in 1 2 3; do
		rate=$(load_udp "$1" "$2" "$3" "$4" $((best * $3 * 10))) || return 1
		((rate > best)) || break
		best=$rate
	done
	echo "$best"
}
