# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# What the scripts of this folder share: each change to the machine is a step that is printed
# before it is done, and only printed with --dry-run. Sourced; needs nothing else.
#
#   parse_steps_options "$@"   takes --dry-run, --undo, --force, --help; arguments[] is the rest
#   put_file PATH              writes standard input there, unless it says so already
#   drop_file PATH             removes it, if it is there
#   put_value PATH VALUE       writes a value into a file of /sys or /proc, unless it stands there
#   step WORDS… -- COMMAND…    any other change
#   steps_done                 the last word: what was done, or that nothing was left to do
#
# ROOT stands in front of every path, for trying the scripts on a made-up tree (tests/drivers).

root=${ROOT:-}
dry_run=no undo=no force=no n_steps=0
arguments=()

say() {
	printf '%s\n' "$*"
}

die() { # TEXT: what is wrong and what to do
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

usage() { # the comment at the head of the script
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
}

parse_steps_options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--dry-run) dry_run=yes ;;
		--undo) undo=yes ;;
		--force) force=yes ;;
		-h | --help)
			usage
			exit 0
			;;
		-*) die "there is no option $1; see ${0##*/} --help" ;;
		*) arguments+=("$1") ;;
		esac
		shift
	done
	[ "$dry_run" = yes ] || [ -n "$root" ] || [ "$(id -u)" -eq 0 ] ||
		die "needs root; --dry-run shows what it would do"
}

step() { # WORDS… -- COMMAND…
	local said=()
	while [ "$1" != -- ]; do
		said+=("$1")
		shift
	done
	shift
	n_steps=$((n_steps + 1))
	if [ "$dry_run" = yes ]; then
		say "would ${said[*]}"
		return
	fi
	say "${said[*]}"
	"$@" || die "that failed: ${said[*]}"
}

put_file() { # PATH, its text on standard input
	local text
	text=$(cat)
	[ "$(cat "$root$1" 2>/dev/null)" != "$text" ] || return 0
	step write "$1" -- write_file "$root$1" "$text"
}

write_file() { # PATH TEXT: whole or not at all
	mkdir -p "${1%/*}" && printf '%s\n' "$2" >"$1.new" && mv "$1.new" "$1"
}

drop_file() { # PATH
	[ -e "$root$1" ] || return 0
	step remove "$1" -- rm "$root$1"
}

put_value() { # PATH VALUE
	[ "$(cat "$root$1" 2>/dev/null)" != "$2" ] || return 0
	step set "$1" to "${2:-nothing}" -- write_value "$root$1" "$2"
}

write_value() { # PATH VALUE
	printf '%s\n' "$2" 2>/dev/null >"$1"
}

steps_done() { # TEXT: what holds now, or would
	if [ $n_steps -eq 0 ]; then
		say "nothing to do: $*"
	elif [ "$dry_run" = yes ]; then
		say "then: $*"
	else
		say "done: $*"
	fi
}
