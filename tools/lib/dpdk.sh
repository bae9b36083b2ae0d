# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# DPDK leaves a folder of its maps and sockets behind for each program that ran. headgated removes
# its own; tests and benches leave theirs to whoever started them.

dpdk_forget_runs() { # of our tests and benches, as far as they have ended
	local dir
	for dir in /var/run/dpdk/hg-{unit,test,scene,perf,fuzz,stress}-[0-9]*; do
		[ -d "$dir" ] && [ ! -d "/proc/${dir##*-}" ] && rm -rf "$dir"
	done
	return 0
}
