#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Mistakes in the config: each ends the start with file, line and what to do.
#
#   a-gw [headgate] alone; nothing is forwarded
. "${0%/*}/scene.sh"
headgate_only

two_sites
site_conf a b

complains() { # WORDS NEEDED IN THE MESSAGE…: headgated ends with an error that has them all
	local word
	if on a-gw timeout 20 "$headgated" -c "$(conf_of a)" >"$run/complaint" 2>&1; then
		return 1
	fi
	for word; do
		grep -qiF -- "$word" "$run/complaint" || { cat "$run/complaint"; return 1; }
	done
}

with() { # SED: the file changed that way, from the good one
	site_conf a b
	sed -i -e "$1" "$(conf_of a)"
}

proves "an unknown key names its line and the nearest known one"
with 's/^AllowedIPs/AllowdIPs/'
line=$(grep -n AllowdIPs "$(conf_of a)" | cut -d : -f 1)
expect complains "hg0.conf:$line" AllowdIPs AllowedIPs

proves "so does an unknown section"
with 's/^\[Peer\]/[Pear]/'
expect complains hg0.conf: Pear Peer

proves "values that are not what they should be"
with 's/^ListenPort = .*/ListenPort = 99999/'
expect complains hg0.conf: ListenPort 99999
with 's/^PublicKey = .*/PublicKey = notakey/'
expect complains hg0.conf: PublicKey
with 's|^AllowedIPs = .*|AllowedIPs = 10.0.0.2/33|'
expect complains hg0.conf: 10.0.0.2/33
with 's/^Endpoint = .*/Endpoint = 203.0.113.2/'
expect complains hg0.conf: Endpoint

with 's/^ListenPort/DNS = 10.0.0.53; reboot\n&/'
expect complains hg0.conf: DNS reboot
with 's/^ListenPort/SaveConfig = sometimes\n&/'
expect complains hg0.conf: SaveConfig sometimes

proves "no private key; a key file that others may read; a file that is not there"
with '/^PrivateKey/d'
expect complains PrivateKey
cp "$run/a/private.key" "$run/a/open.key" && chmod 644 "$run/a/open.key"
with "s|^PrivateKey = .*|PrivateKeyFile = $run/a/open.key|"
expect complains open.key
mv "$(conf_of a)" "$(conf_of a).away"
expect complains hg0.conf
site_conf a b

proves "a device string that DPDK does not know, a listen port that is taken"
with 's/^Device = net_af_xdp_wan0.*/Device = net_nonsense0/'
expect complains net_nonsense0
site_conf a b
spawn squatter a-gw socat -u UDP6-LISTEN:51820,reuseaddr,ipv6only=0 /dev/null
expect_within 5 on a-gw sh -c "ss -lun | grep -q ':51820 '"
expect complains 51820
halt squatter

proves "a VLAN of a port that there is not, an id that cannot be, a VLAN of a VLAN"
with 's/^Device = .*lan0.*/Device = wam.100/'
line=$(grep -n '^\[Port lan' "$(conf_of a)" | cut -d : -f 1)
expect complains "hg0.conf:$line" wam "did you mean wan.100"
with 's/^Device = .*lan0.*/Device = wan.4095/'
expect complains hg0.conf: wan.4095 "1 to 4094"
printf '\n[Port x]\nDevice = lan.5\n' >>"$(conf_of a)"
sed -i 's/^Device = wan.4095/Device = wan.100/' "$(conf_of a)"
expect complains hg0.conf: "a VLAN itself"
site_conf a b

proves "headgate check finds them without starting; the good file it calls good"
expect "$headgate" check "$(conf_of a)"
with 's/^AllowedIPs/AllowdIPs/'
refuse "$headgate" check "$(conf_of a)"

proves "none of these left anything behind; the good file starts"
refuse on a-gw ip link show hg0
refuse on a-gw ip link show hg-wan
site_conf a b
expect gateway_up a
