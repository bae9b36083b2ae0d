#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# No key leaves the process but by `wg`: not by its log at its most talkative, not by any answer
# of headgate, not by telemetry, errors or a core dump.
#
#   a-lan ── a-gw [headgate] ─── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"
headgate_only

HEADGATE_LOG=debug
psk=$(wg genpsk)
two_sites
site_conf a b
site_conf b a
out=$run/out
mkdir "$out"
{
	cat "$run/a/private.key"
	echo "$psk"
} >"$run/keys"
cd "$out" || exit # where a core dump would go
ulimit -c unlimited

sed -i "/^\[Interface\]/a PostUp = true $psk" "$(conf_of a)"
expect gateway_up b
expect gateway_up a
expect pings a-lan "$(host4 b)"

proves "the search itself finds them where they are: in the file"
refuse python3 "$scene_dir/secrets.py" "$run/keys" "$(conf_of a)"

proves "every command of headgate, plain and as JSON"
mapfile -t commands < <("$headgate" --describe |
	python3 -c 'import json, sys; [print(c["name"]) for c in json.load(sys.stdin)["commands"]]')
expect [ ${#commands[@]} -ge 6 ]
for command in "${commands[@]}"; do
	[ "$command" != restore ] || continue # is about the machine
	timeout 4 "$headgate" --socket /run/headgate/hg0.sock "$command" >"$out/$command" 2>&1
	timeout 4 "$headgate" --socket /run/headgate/hg0.sock "$command" --json >"$out/$command.json" 2>&1
done
expect grep -q "$(public_key b)" "$out/peers.json" # they do tell of peers
"$headgate" --json check "$(conf_of a)" >"$out/check-file.json" 2>&1

proves "mistakes around a key: the error does not quote it"
key=$(cat "$run/a/private.key")
for line in "PrivateKey = ${key}x" "PrivateKey ${key}" "$key" "PrivateKeyy = $key" "PresharedKey = =$psk" \
	"[$key]" "PresharedKey = $psk $psk" "PrivateKeyFile = $key" "Endpoint = $psk" "AllowedIPs = $key"; do
	site_conf a b
	echo "$line" >>"$(conf_of a)"
	refuse headgate_ctl a reload
	"$headgate" check "$(conf_of a)" >>"$out/mistakes" 2>&1
	"$headgate" --json check "$(conf_of a)" >>"$out/mistakes.json" 2>&1
done
site_conf a b
expect headgate_ctl a reload

proves "keys that come by wg, refused or taken"
wg genpsk >"$run/psk2"
cat "$run/psk2" >>"$run/keys"
expect wg set hg0 peer "$(public_key b)" preshared-key "$run/psk2"
printf 'set=1\nprivate_key=%sg\n\n' "$(base64 -d <"$run/psk2" | od -An -tx1 | tr -d ' \n')" |
	timeout 5 socat - UNIX-CONNECT:/var/run/wireguard/hg0.sock >"$out/uapi"
expect grep -q 'errno=' "$out/uapi"

proves "DPDK's telemetry"
python3 "$scene_dir/secrets.py" telemetry /run/dpdk/headgate-*/dpdk_telemetry.v2 >"$out/telemetry" 2>"$run/said" ||
	scene_failed "telemetry does not answer"
expect grep -q with_session "$out/telemetry"

proves "a crash: no core dump"
cp /run/headgate/* "$out" 2>/dev/null # what is kept for headgate restore
halt gateway-a SEGV
expect [ -z "$(find "$out" "$run" /run/headgate -name 'core*')" ]

proves "none of it has a key"
cp "$run/gateway-a.log" "$out/log"
expect grep -q ' debug ' "$out/log"
mapfile -t files < <(find "$out" -type f)
expect [ ${#files[@]} -ge 15 ]
expect python3 "$scene_dir/secrets.py" "$run/keys" "${files[@]}"
cat "$run/said"
