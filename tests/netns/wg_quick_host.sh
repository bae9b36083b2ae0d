#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# DNS by resolvconf, SaveConfig and the MTU: what a wg-quick file asks of its host. resolvconf
# keeps a file of the scene's own; the machine's /etc/resolv.conf is not touched.
#
#   a-lan ── a-gw [headgate hg0] ───────────── b-gw [wireguard-go] ── b-lan
. "${0%/*}/scene.sh"
headgate_only
[ -x /sbin/resolvconf ] || skip "openresolv is not installed"

two_sites
site_conf b a:passive
expect gateway_up b
for dev in wan0 lan0; do netdev_is_ports a-gw $dev; done
resolv=$run/resolv.conf
mkdir -p /run/resolvconf
mount -t tmpfs scene /run/resolvconf
printf 'resolv_conf=%s\nlibc_service=true\n' "$resolv" >"$run/resolvconf.conf"
mount --bind "$run/resolvconf.conf" /etc/resolvconf.conf
machine=$(md5sum </etc/resolv.conf)
echo 'nameserver 192.0.2.1' | resolvconf -a eth9
file=$(conf_of a)

with() { # LINE…: site a's file with these lines in [Interface]
	site_conf a b
	printf '%s\n' "$@" >"$run/lines"
	sed -i "/^ListenPort/r $run/lines" "$file"
}

proves "the name servers and search domains are this host's, and no longer after any end"
with "DNS = 10.0.0.53, example.org" "DNS = fd00::53"
headgate_start a
expect headgate_wait a 20
expect grep -q '^nameserver 10.0.0.53' "$resolv"
expect grep -q '^nameserver fd00::53' "$resolv"
expect grep -q '^search example.org' "$resolv"
refuse grep -q 192.0.2.1 "$resolv"
sed -i 's/^DNS = fd00::53/DNS = fd00::54/' "$file"
expect headgate_ctl a reload
expect grep -q '^nameserver fd00::54' "$resolv"
expect halt gateway-a TERM
expect grep -q '^nameserver 192.0.2.1' "$resolv"
refuse grep -q 10.0.0.53 "$resolv"

headgate_start a
expect headgate_wait a 20
halt gateway-a KILL
expect grep -q 10.0.0.53 "$resolv"
expect on a-gw "$headgate" restore
refuse grep -q 10.0.0.53 "$resolv"

proves "without anybody to give them to, the start is refused and says what to do"
mount --bind /dev/null "$(readlink -f /sbin/resolvconf)"
refuse sh -c "ip netns exec $net_prefix-a-gw timeout 20 $headgated -c $file 2>$run/complaint"
expect grep -q 'DNS = .*install openresolv' "$run/complaint"
umount "$(readlink -f /sbin/resolvconf)"
expect [ "$(md5sum </etc/resolv.conf)" = "$machine" ]

proves "the MTU follows the route to the endpoint"
on a-gw ip link set lo up
with
sed -i '/^\[Port wan\]/a MTU = 1400' "$file"
headgate_start a
expect headgate_wait a 20
expect sh -c "ip -n $net_prefix-a-gw link show hg0 | grep -q 'mtu 1320'"
expect halt gateway-a TERM

proves "SaveConfig: what runs at the end is in the file, and what is headgate's is still there"
with "SaveConfig = true" "PostUp = true %i" "Table = auto"
chown 12:34 "$file" # hooks in it are root's alone: a file of somebody else is refused
refuse on a-gw timeout 20 "$headgated" -c "$file"
chown 0:34 "$file"
headgate_start a
expect headgate_wait a 20
wg set hg0 peer "$(public_key b)" persistent-keepalive 9 \
	allowed-ips "$(tun4 b)/32,192.168.20.0/24,192.168.77.0/24"
wg set hg0 peer "$(wg genkey | wg pubkey)" allowed-ips 10.9.9.9/32
wg show hg0 dump | cut -f 1-4 >"$run/ran"
on a-gw ip addr add 10.7.7.7/32 dev hg0
on a-gw ip addr del "$(tun6 a)/64" dev hg0
expect halt gateway-a TERM
expect grep -q '^Device = net_af_xdp_wan0' "$file"
expect grep -q '^PostUp = true %i' "$file"
expect [ "$(sed -n 's/^Address = 10/10/p' "$file" | tr '\n' ' ')" = '10.0.0.1/24 10.7.7.7/32 ' ]
refuse grep -q "$(tun6 a)/64" "$file"
expect [ "$(stat -c '%a %u %g' "$file")" = '600 0 34' ]
headgate_start a
expect headgate_wait a 20
expect diff <(wg show hg0 dump | cut -f 1-4 | sort) <(sort "$run/ran")
expect grep -q 'PersistentKeepalive = 9' "$file"
expect pings a-lan "$(host4 b)"
