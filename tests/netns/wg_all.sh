#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Everything wg(8) can ask for and set, said to headgate and to wireguard-go alike: the words, the
# errors and the exit status have to be the same.
#
#   a-gw [headgate hg0]          b-gw [wireguard-go wg1]: the oracle
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf a b
site_conf b a
sed -i "s/^ListenPort/Table = off\n&/" "$(conf_of a)"
expect gateway_up b
expect gateway_up a
export WG_HIDE_KEYS=never
wg genkey >"$run/key"
wg genkey >"$run/other-key"
wg genpsk >"$run/psk"
anne=$(wg genkey | wg pubkey) bert=$(wg genkey | wg pubkey)

# What two programs have in common of an answer: not their names, nor what they sent meanwhile,
# nor the order of peers, which wireguard-go leaves to chance.
plain() { # DEVICE
	sed -e "s/\b$1\b/DEV/g" -e '/^  transfer: /d' |
		awk -F '\t' -v OFS='\t' 'NF >= 8 { $6 = $7 = "-" } NF == 3 { $2 = $3 = "-" } 1' | sort
}

both() { # wg's words, % for the device: whether the two say the same
	local dev status
	for dev in "${site_dev[a]}" "${site_dev[b]}"; do
		wg "${@//%/$dev}" >"$run/words-$dev" 2>&1
		status=$?
		{ plain "$dev" <"$run/words-$dev"; echo "status $status"; } >"$run/plain-$dev"
	done
	diff "$run/plain-${site_dev[a]}" "$run/plain-${site_dev[b]}"
}

looks_same() { # all forms of show
	local field
	for field in public-key private-key listen-port fwmark peers preshared-keys endpoints \
		allowed-ips latest-handshakes transfer persistent-keepalive dump; do
		both show % "$field" || return 1
	done
	both show % && both showconf %
}

does() { # WORDS: both do it, and look the same behind it
	expect both "$@"
	expect grep -q '^status 0' "$run/plain-${site_dev[a]}"
	expect looks_same
}

fails() { # WORDS: neither does, in the same words, and nothing has changed
	expect both "$@"
	refuse grep -q '^status 0' "$run/plain-${site_dev[a]}"
	expect looks_same
}

conf_file() { # NAME, the text on stdin -> a file for setconf
	cat >"$run/$1"
	echo "$run/$1"
}

proves "setconf, and each option of set"
does setconf % "$(conf_file first <<-END
	[Interface]
	PrivateKey = $(cat "$run/key")
	ListenPort = 52000
	FwMark = 0x20
	[Peer]
	PublicKey = $anne
	AllowedIPs = 10.1.0.0/16, fd01::/64, 10.99.0.1/32
END
)"
does set % listen-port 52001 fwmark 0x1234
does set % fwmark off
does set % fwmark 77 private-key "$run/other-key"
does set % fwmark 0
does set % peer "$anne" preshared-key "$run/psk" endpoint 192.0.2.7:9
does set % peer "$anne" endpoint '[2001:db8::7]:51820' persistent-keepalive 25
does set % peer "$anne" persistent-keepalive off preshared-key /dev/null
does set % peer "$anne" persistent-keepalive 65535
does set % peer "$anne" persistent-keepalive 0
does set % peer "$anne" allowed-ips 10.1.0.0/16,fd01::/64,0.0.0.0/0,::/0
does set % peer "$bert" allowed-ips 10.1.2.3/16 peer "$anne" endpoint 192.0.2.8:1
does set % peer "$bert" allowed-ips ''
does set % peer "$anne" allowed-ips ''
does set % peer "$bert" remove
does set % peer "$bert" remove
does set % private-key /dev/null
does set % private-key "$run/key" listen-port 52002 peer "$bert" allowed-ips 10.2.0.0/16

proves "addconf and syncconf; a file that showconf made changes nothing"
does addconf % "$(conf_file added <<-END
	[Peer]
	PublicKey = $anne
	PresharedKey = $(cat "$run/psk")
	Endpoint = [2001:db8::9]:7
	AllowedIPs = 10.2.0.0/16
	PersistentKeepalive = off
END
)"
wg showconf "${site_dev[a]}" >"$run/shown"
does syncconf % "$run/shown"
does setconf % "$run/shown"
does syncconf % "$run/first"
printf '[Interface]\nListenPort = 52003\n' >"$run/almost-nothing"
does syncconf % "$run/almost-nothing"

proves "mistakes: the same words, and nothing changes"
fails set % listen-port nonsense
fails set % fwmark nonsense
fails set % peer nonsense
fails set % peer "$anne" allowed-ips 10.0.0.0/33
fails set % peer "$anne" endpoint nowhere
fails set % peer "$anne" persistent-keepalive 65536
fails set % private-key "$run/nothing-there"
fails setconf % "$run/psk"
fails setconf % "$run/nothing-there"
fails show % colour
fails set % colour red
fails show nothing-there
fails set nothing-there listen-port 1

proves "all and interfaces name both; the dump has the fields that scripts count on"
expect [ "$(wg show interfaces | tr ' ' '\n' | sort | xargs)" = "hg0 wg1" ]
expect wg set hg0 peer "$anne" allowed-ips 10.1.0.0/16
expect [ "$(wg show all dump | awk -F '\t' '$1 == "hg0" { print NF }' | xargs)" = "5 9" ]
expect [ "$(wg show all peers | grep -c "^hg0.$anne")" = 1 ]
expect grep -q 'interface: hg0' <(wg)

proves "a port that another program of the box has is refused in wg's own words"
spawn holder a-gw socat UDP-LISTEN:53000 STDOUT
expect_within 5 on a-gw sh -c "ss -uln | grep -q ':53000 '"
refuse wg set hg0 listen-port 53000
expect grep -q 'Address already in use' <(wg set hg0 listen-port 53000 2>&1)
expect [ "$(wg show hg0 listen-port)" = "$(wg show wg1 listen-port)" ]
