# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Words to the person in front of the terminal: progress lines with their seconds, and one
# way to give up. Sourced by the other tools; needs nothing.

say_began=$SECONDS

say() { # TEXT: a progress line, stamped with the seconds since the tool began
	printf '[%4ds] %s\n' $((SECONDS - say_began)) "$*"
}

die() { # TEXT: what failed, where, and what to do; ends the tool
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

need_root() { # namespaces and AF_XDP need it
	[ "$(id -u)" -eq 0 ] || die "needs root (network namespaces, AF_XDP): run it with sudo"
}

need_commands() { # NAME…: each must be on PATH
	local name
	for name; do
		command -v "$name" >/dev/null || die "$name is missing: tools/deps installs it"
	done
}
