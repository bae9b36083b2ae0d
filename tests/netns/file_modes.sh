#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Whose word headgated takes: modes and owners of its files, and the way to them.
#
#   a-gw [headgate] ─── b-gw [wireguard-go]
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf b a
expect gateway_up b

complains() { # WORDS: headgated ends with an error that has them
	if on a-gw timeout 20 "$headgated" -c "${file:-$(conf_of a)}" >"$run/complaint" 2>&1; then
		return 1
	fi
	grep -qF -- "$1" "$run/complaint" || { cat "$run/complaint"; return 1; }
}

remarks() { # WORDS: headgate check takes the file, with a note that has them
	"$headgate" check "$(conf_of a)" >"$run/complaint" 2>&1 &&
		grep -qF -- "$1" "$run/complaint" || { cat "$run/complaint"; return 1; }
}

proves "a file with keys that others may read: a warning, and it starts"
site_conf a b
chmod 644 "$(conf_of a)"
expect remarks "hg0.conf is world accessible and holds keys"
chmod 640 "$(conf_of a)"
expect remarks "hg0.conf is group accessible and holds keys"
chmod 644 "$(conf_of a)"
expect gateway_up a
expect grep -q 'is world accessible' "$run/gateway-a.log"

proves "a reload by a link of another user: refused, and what runs goes on"
mv "$(conf_of a)" "$run/a/real.conf"
ln -s real.conf "$(conf_of a)"
expect headgate_ctl a reload
chown -h 65534 "$(conf_of a)"
refuse headgate_ctl a reload
expect grep -q 'a symbolic link of user 65534' "$run/gateway-a.log"
expect pings a-lan "$(host4 b)"
expect gateway_down a
expect complains 'a symbolic link of user 65534'
rm "$(conf_of a)"

proves "a file that everybody may write, and one in a directory of everybody: refused"
site_conf a b
chmod 602 "$(conf_of a)"
expect complains "everybody may write"
chmod 600 "$(conf_of a)"
chmod 777 "$run/a"
expect complains "in which everybody may write"
chmod 1777 "$run/a"
expect "$headgate" check "$(conf_of a)"
chmod 700 "$run/a"

proves "another user's file, or directory: a note"
chown 65534 "$(conf_of a)"
expect remarks "belongs to user 65534"
chown 0 "$(conf_of a)"
chown 65534 "$run/a"
expect remarks "in a directory of user 65534"

proves "a key file is held to more: an error"
key_line="PrivateKeyFile = $run/a/private.key"
sed -i "s|^PrivateKey = .*|$key_line|" "$(conf_of a)"
expect complains "in a directory of user 65534"
chown 0 "$run/a"
expect "$headgate" check "$(conf_of a)"
chmod 640 "$run/a/private.key"
expect complains "mode 0640"
chmod 600 "$run/a/private.key"
mv "$run/a/private.key" "$run/a/moved.key"
ln -s moved.key "$run/a/private.key"
expect complains "symbolic link"

proves "what a shell makes of <(command) is a file as well"
site_conf a b 2>/dev/null || mv "$run/a/moved.key" "$run/a/private.key"
site_conf a b
file=<(echo) expect "$headgate" check <(cat "$(conf_of a)")
