#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The systemd units are ones that systemd takes without a remark, and that it does not call
# exposed beyond a bound:  tests/units.sh UNIT… HEADGATED HEADGATE
#
# Needs systemd-analyze but no running systemd. Exit 77: it is missing or too old for that.

set -u
command -v systemd-analyze >/dev/null || { echo "no systemd-analyze"; exit 77; }
systemd-analyze security --help 2>/dev/null | grep -q -- --offline ||
	{ echo "this systemd-analyze cannot look at units offline"; exit 77; }
units=("${@:1:$#-2}") headgated=$(realpath "${*: -2:1}") headgate=$(realpath "${*: -1}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

for unit in "${units[@]}"; do
	name=$(basename "$unit")
	name=${name/@./@wg0.}
	# The programs where they were built: verify wants them to be there.
	sed -e "s|^ExecStart=[^ ]*|ExecStart=$headgated|" \
		-e "s|^\(Exec[A-Z][A-Za-z]*\)=[^ ]*/headgate |\1=$headgate |" "$unit" >"$work/$name"
	# Remarks about other units and missing manual pages of this machine are not ours.
	systemd-analyze verify --man=no "$work/$name" 2>&1 | grep -F "$name" && failed=1
	case $name in
	*@*) bound=95 ;; # hooks have all of root's power, as under wg-quick
	*) bound=65 ;;
	esac
	if ! systemd-analyze security --offline=true --threshold=$bound "$work/$name" >"$work/said" 2>&1; then
		cat "$work/said"
		failed=1
	fi
	tail -n 1 "$work/said"
done
exit $failed
