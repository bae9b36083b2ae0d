#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Which AEAD backend is chosen on machines that have less than this one, as qemu shows them:
#
#   tests/qemu/choice.sh CRYPTO-CHOICE TEST-PROGRAM…
#
# On each, just those backends that it can run are offered, one of them is chosen (it has passed its
# self-test), the others are refused by name, and the test programs (all vectors on all that is
# supported) pass. Times mean nothing there: which of those is chosen is not looked at.
# Exit 77: there is no qemu-x86_64.

set -u
choice=$1
shift
command -v qemu-x86_64 >/dev/null || { echo "no qemu-x86_64: install qemu-user"; exit 77; }
said=$(mktemp) failed=0
trap 'rm -f "$said"' EXIT

# A model of qemu's, and what its instructions are enough for. No qemu of today knows AVX-512.
machines='
Nehalem|portable|no AES
Westmere|ipsecmb portable|no AVX
SandyBridge|ipsecmb portable|no AVX2
Haswell|avx2 ipsecmb portable|no AVX-512
max|avx2 ipsecmb portable|no AVX-512'

fail() { # TEXT
	echo "FAILED on $model: $*"
	cat "$said"
	failed=1
}

on_model() { # COMMAND…: there, with what it says kept
	timeout 100 qemu-x86_64 -cpu "$model" "$@" >"$said" 2>/dev/null
}

field() { # WORD -> what stands behind it
	sed -n "s/^$1 //p" "$said" | tr '\n' ' '
}

while IFS='|' read -r model wanted lacking; do
	[ -n "$model" ] || continue
	on_model "$choice" || fail "nothing is chosen"
	has=$(field has) lacks=$(field lacks) chosen=$(field chosen)
	echo "$model, $lacking: has ${has}lacks ${lacks:-nothing }chosen $chosen"
	[ "${has% }" = "$wanted" ] || fail "it has: $has, not: $wanted"
	[[ " $has" == *" ${chosen% } "* ]] || fail "what it lacks is chosen: $chosen"
	for name in $lacks; do
		! on_model "$choice" "$name" || fail "$name can be forced"
		grep -q "^refused aead backend $name: this machine has no " "$said" ||
			fail "$name is refused in other words"
	done
	for name in $has; do
		on_model "$choice" "$name" || fail "$name cannot be forced"
		[ "$(field chosen)" = "$name " ] || fail "$name was forced, another taken"
	done
	for program; do
		on_model "$program" || fail "${program##*/}"
	done
done <<<"$machines"
exit $failed
