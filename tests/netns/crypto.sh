#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Every AEAD backend carries the same traffic to and from a stock peer, one after the other, as
# --crypto or the config says; what cannot be had is refused.
#
#   a-lan ── a-gw [headgate --crypto NAME] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf a b
site_conf b a
expect gateway_up b

backends() { # the names that headgated knows, in its order
	"$headgated" --describe | python3 -c '
import json, re, sys
row = [o for o in json.load(sys.stdin)["options"] if o["name"] == "--crypto"][0]
print(*(n for n in re.split(", | or ", row["help"].split(": ")[1]) if n != "auto"))'
}

crypto() { # FIELD of the status
	headgate_ctl a status --json | python3 -c '
import json, sys
print(json.load(sys.stdin)["crypto"][sys.argv[1]])' "$1"
}

refused() { # WORDS NEEDED IN THE MESSAGE…: headgated ends, with headgate_options, and says so
	local word
	! on a-gw timeout 20 "$headgated" -c "$(conf_of a)" "${headgate_options[@]}" \
		>"$run/refusal" 2>&1 || return 1
	for word; do
		grep -qF -- "$word" "$run/refusal" || { cat "$run/refusal"; return 1; }
	done
}

is_lacking() { # NAME -> this CPU lacks it, which is the one reason to leave a backend out
	refused "this machine has no" "aead backend $1"
}

carries() { # the main traffic: both families, both ways, every size, large and small mixed
	local bytes
	for bytes in 0 1 64 200 512 1372; do
		expect on a-lan ping -q -n -c 2 -i 0.2 -W 8 -s "$bytes" -M "do" "$(host4 b)"
		expect on b-lan ping -q -n -c 2 -i 0.2 -W 8 -s "$bytes" -M "do" "$(host6 a)"
	done
	flow_quiet=1 flow_start mixed a-lan b-lan "$(host6 b)" --seconds 2 --size 300
	expect copies_file a-lan b-lan "$(host4 b)"
	expect copies_file b-lan a-lan "[$(host6 a)]"
	flow_end mixed
	expect [ "$flow_unique" -ge $((flow_sent * 9 / 10)) ] # TCP fills the peer's queues meanwhile
	expect [ "$(drops_like '^wg-auth$')" -eq 0 ]
}

read -r -a names < <(backends)
expect [ ${#names[@]} -ge 2 ]
for name in "${names[@]}"; do
	proves "$name, forced, carries all of it and is told as such"
	headgate_options=(--crypto "$name")
	if ! gateway_up a >"$run/said" 2>&1; then
		expect is_lacking "$name"
		say "left out: $(sed -n 's/.*this machine has no/this machine has no/p' "$run/refusal")"
		continue
	fi
	expect [ "$(crypto backend)" = "$name" ]
	expect [ "$(crypto why)" = "forced by --crypto" ]
	expect [ "$(crypto second_backend)" = None ]
	carries
	gateway_down a
	taken=$name
done

proves "left to itself it takes one of them, and says why"
headgate_options=()
expect gateway_up a
expect grep -qw "$(crypto backend)" <<<"${names[*]}"
expect grep -qw "$(crypto second_backend)" <<<"${names[*]} None"
expect grep -Eq "start-up timing|the only one" <<<"$(crypto why)"
expect grep -qF "crypto: $(crypto backend) ($(crypto why))" "$run/gateway-a.log"
expect grep -qF "beside it: $(crypto second_backend | sed s/None/none/) (" <<<"$(headgate_ctl a status)"
carries
gateway_down a

proves "the config forces one; the command line wins over it, auto too"
sed -i "s/^\[Gateway\]/&\nCrypto = $taken/" "$(conf_of a)"
expect gateway_up a
expect [ "$(crypto backend)" = "$taken" ]
expect [ "$(crypto why)" = "forced by Crypto at $(conf_of a):2" ]
gateway_down a
headgate_options=(--crypto auto)
expect gateway_up a
refuse grep -q forced <<<"$(crypto why)"
gateway_down a

proves "a name that there is not is refused, and the known ones are named"
headgate_options=(--crypto rot13)
expect refused "--crypto rot13" "${names[0]}" portable auto
headgate_options=()
sed -i "s/^Crypto = .*/Crypto = rot13/" "$(conf_of a)"
expect refused "$(conf_of a):2" rot13 "${names[0]}" portable auto
refuse "$headgate" check "$(conf_of a)"
