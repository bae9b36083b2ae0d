#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Other kinds of DPDK ports than AF_XDP and AF_PACKET, each with the profile of its driver.
#
#   a-lan ── a-gw [headgate] ═══ memif ═══ [headgate] b-gw ── b-lan
#   a-lan ── a-gw [headgate] TAP ── bridge ── veth ── [wireguard-go] b-gw ── b-lan
. "${0%/*}/scene.sh"
headgate_only

wan_is() { # X DEVICE: another device for the port wan in the file of X
	sed -i "/^\[Port wan\]/,/^Device/s|^Device = .*|Device = $2|" "$(conf_of "$1")"
}

has_profile() { # X PORT NAME
	headgate_ctl "$1" ports --json | python3 -c '
import json, sys
profiles = {p["name"]: p["profile"] for p in json.load(sys.stdin)}
sys.exit(profiles[sys.argv[1]] != sys.argv[2] + " (built in)")' "$2" "$3"
}

proves "two gateways joined by shared memory: a tunnel over memif, both ways"
site_runs a headgate
site_runs b headgate
site a b
site_conf a b
site_conf b a
wan_is a "net_memif0,role=server,socket=$run/memif.sock,socket-abstract=no"
wan_is b "net_memif0,role=client,socket=$run/memif.sock,socket-abstract=no"
expect gateway_up a
expect gateway_up b
expect pings a-lan "$(host4 b)"
expect pings b-lan "$(host6 a)"
expect copies_file a-lan b-lan "$(host4 b)"
expect has_profile a wan memif
expect has_profile a lan af_xdp
expect gateway_down b
expect gateway_down a

proves "a TAP device as a port"
site_runs a headgate
site_runs b stock
wire a-gw out b-gw wan0
on b-gw sysctl -qw net.ipv6.conf.lan0.disable_ipv6=0 # it was a port's above
site_conf a b
site_conf b a
wan_is a "net_tap0,iface=wan0"
expect gateway_up b
expect gateway_up a
on a-gw ip link add br0 type bridge
on a-gw ip link set out master br0
on a-gw ip link set wan0 address 02:00:00:00:0b:0b # the port keeps the one it was made with
on a-gw ip link set wan0 master br0
on a-gw ip link set br0 up
expect pings a-lan "$(host4 b)"
expect pings b-lan "$(host6 a)"
expect copies_file b-lan a-lan "$(host4 a)"
expect has_profile a wan tap
