#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Answers and requests of `wg` that are large or odd, and come back as they were put in.
#
#   a-lan ── a-gw [subject] ───────────── b-gw
. "${0%/*}/scene.sh"

two_sites
site_conf a
expect gateway_up a
dev=${site_dev[a]}
key() { wg genkey | wg pubkey; }

shown() { # PEER -> how many prefixes it is shown with
	wg show "$dev" allowed-ips | awk -v k="$1" '$1 == k { print NF - 1 }'
}

interface() { # what setconf wants before the peers
	echo "[Interface]"
	echo "PrivateKey = $(cat "$run/a/private.key")"
	echo "ListenPort = 51820"
}

proves "one peer with 8192 prefixes of either family"
many=$(key)
{
	interface
	echo "[Peer]"
	echo "PublicKey = $many"
	for ((i = 0; i < 8192; i++)); do
		echo "AllowedIPs = 10.$((i / 256 + 100)).$((i % 256)).0/24, fd00:$((i / 256 + 100)):$((i % 256))::/48"
	done
} >"$run/large"
expect wg setconf "$dev" "$run/large"
expect [ "$(shown "$many")" -eq 16384 ]

proves "40 peers with 52 each, and one with none"
{
	interface
	for ((i = 0; i < 40; i++)); do
		echo "[Peer]"
		echo "PublicKey = $(key)"
		for ((k = 0; k < 52; k++)); do
			echo "AllowedIPs = 10.$((100 + i)).$k.0/24"
		done
	done
	echo "[Peer]"
	echo "PublicKey = $many"
} >"$run/peers"
expect wg setconf "$dev" "$run/peers"
expect [ "$(wg show "$dev" allowed-ips | awk 'NF == 53' | wc -l)" -eq 40 ]
expect grep -qx "$many	(none)" <(wg show "$dev" allowed-ips)
wg showconf "$dev" >"$run/shown"
expect [ "$(grep -c '^\[Peer\]' "$run/shown")" -eq 41 ]

proves "the default route and parts of it, set and set again"
for list in 0.0.0.0/0,10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16 0.0.0.0/0 \
	::/0,1700::/111,5000::/4,e000::/37,9000::/75 ::/0; do
	expect wg set "$dev" peer "$many" allowed-ips "$list"
	expect [ "$(shown "$many")" -eq "$(tr , '\n' <<<"$list" | wc -l)" ]
done
expect wg set "$dev" peer "$many" remove

proves "a peer with this end's own key is nobody: it goes when the key comes, and does not come after"
wg genkey >"$run/own"
own=$(wg pubkey <"$run/own")
wg set "$dev" peer "$own" allowed-ips 10.9.9.0/24
expect grep -q "$own" <(wg show "$dev" peers)
wg set "$dev" private-key "$run/own"
refuse grep -q "$own" <(wg show "$dev" peers)
wg set "$dev" peer "$own"
refuse grep -q "$own" <(wg show "$dev" peers)

proves "a private key is clamped when it is stored"
python3 -c 'import base64; print(base64.b64encode(bytes([255]) * 32).decode())' >"$run/loose"
wg set "$dev" private-key "$run/loose"
expect [ "$(wg show "$dev" private-key | base64 -d | od -An -tu1 -w32 | awk '{ print $1, $2, $32 }')" \
	= "248 255 127" ]
expect [ "$(wg show "$dev" public-key)" = "$(wg pubkey <"$run/loose")" ]
