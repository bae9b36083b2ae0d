# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Sites: a LAN host behind a gateway that is either headgate or a stock WireGuard: wireguard-go,
# or what PEER says, boringtun or kernel.
#
#   X-lan ──────────────── lan0  X-gw  wan0 ──────── the wire
#   192.168.N0.10          192.168.N0.1             203.0.113.N
#   fd00:N0::10            fd00:N0::1               2001:db8::N      tunnel 10.0.0.N, fd00::N
#
# X is a letter, a to d, and N its place in the alphabet. One wg-quick file a site describes
# its gateway, whichever program it is: site_conf writes it, gateway_up starts the program.
# A headgate gateway's ports are wan0 and lan0, their kernel twins hg-wan and hg-lan, its
# tunnel hg(N-1); a stock one's tunnel is wg(N-1).
#
#   site X…                namespaces X-gw and X-lan, joined
#   site_conf X PEER…      $run/X/NAME.conf; PEER is a site, or `b:passive`: endpoint not told
#   gateway_up X headgate|stock
#   gateway_down X [SIGNAL]
#
# Knobs, read when the file is written: outer (4 or 6), psk (a key for every pair),
# keepalive (seconds), port_kind (xdp or packet), and gateway_lines (more for [Gateway]);
# more_confs (files of further interfaces) and headgate_options (an array) when headgate starts.
# Needs say.sh and net.sh, and tests/interop/guest.sh when PEER=kernel.

outer=4
psk=
keepalive=
port_kind=xdp
gateway_lines=
more_confs=
headgate_options=()
stock_kind=${PEER:-wireguard-go}
declare -A site_dev=() site_program=()

site_index() { # X -> N
	case $1 in
	a) echo 1 ;; b) echo 2 ;; c) echo 3 ;; d) echo 4 ;;
	*) die "no site $1" ;;
	esac
}

wan4() { echo "203.0.113.$(site_index "$1")"; }
wan6() { echo "2001:db8::$(site_index "$1")"; }
tun4() { echo "10.0.0.$(site_index "$1")"; }
tun6() { echo "fd00::$(site_index "$1")"; }
host4() { echo "192.168.$(site_index "$1")0.10"; }
host6() { echo "fd00:$(site_index "$1")0::10"; }

site() { # X…: the LAN side of a site; its wan0 comes with a wire
	local x n
	for x; do
		n=$(site_index "$x")
		node "$x-gw" "$x-lan"
		wire "$x-gw" lan0 "$x-lan" eth0
		forward_on "$x-gw"
		on "$x-lan" ip addr add "$(host4 "$x")/24" dev eth0
		on "$x-lan" ip addr add "$(host6 "$x")/64" dev eth0 nodad
		on "$x-lan" ip route add default via "192.168.${n}0.1"
		on "$x-lan" ip route add default via "fd00:${n}0::1"
		mkdir -p "$run/$x"
		new_key "$x"
	done
}

forward_on() { # NODE: it is a router
	on "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0 \
		net.ipv4.conf.all.promote_secondaries=1
}

new_key() { # X
	(umask 077 && wg genkey >"$run/$1/private.key")
	wg pubkey <"$run/$1/private.key" >"$run/$1/public.key"
}

public_key() { # X
	cat "$run/$1/public.key"
}

# One wire between two sites, or a switch for more of them.
wire_sites() { # X Y [Z…]
	if [ $# -eq 2 ]; then
		wire "$1-gw" wan0 "$2-gw" wan0
		return
	fi
	local x
	node switch
	on switch ip link add br0 type bridge
	on switch ip link set br0 up
	for x; do
		wire "$x-gw" wan0 switch "port-$x"
		on switch ip link set "port-$x" master br0
	done
}

site_conf() { # X PEER…: writes the file of the gateway of X
	local x=$1 file
	shift
	[ -n "${site_dev[$x]:-}" ] || die "site_conf: say which program runs at $x first (site_runs)"
	file=$(conf_of "$x")
	{
		[ "${site_program[$x]}" != headgate ] || conf_gateway "$x"
		conf_interface "$x"
		local peer
		for peer; do
			conf_peer "$peer"
		done
	} >"$file"
	chmod 600 "$file"
}

conf_of() { # X -> path of its file
	echo "$run/$1/${site_dev[$1]}.conf"
}

site_runs() { # X headgate|stock: which program is its gateway
	local n
	n=$(($(site_index "$1") - 1))
	site_program[$1]=$2
	case $2 in
	headgate) site_dev[$1]=hg$n ;;
	stock) site_dev[$1]=${3:-wg$n} ;;
	*) die "no program $2" ;;
	esac
}

conf_gateway() { # X: what only headgate reads
	local n
	n=$(site_index "$1")
	cat <<-END
		[Gateway]
		Workers = $((n % $(nproc)))
		Idle = sleep
		${gateway_lines:-Hugepages = no}

		[Port wan]
		Device = $(port_device wan0)
		Address = $(wan4 "$1")/24, $(wan6 "$1")/64

		[Port lan]
		Device = $(port_device lan0)
		Address = 192.168.${n}0.1/24, fd00:${n}0::1/64

	END
}

port_device() { # NETDEV -> a DPDK device string
	case $port_kind in
	xdp) echo "net_af_xdp_$1,iface=$1" ;;
	packet) echo "net_af_packet_$1,iface=$1" ;;
	esac
}

conf_interface() { # X
	cat <<-END
		[Interface]
		PrivateKey = $(cat "$run/$1/private.key")
		ListenPort = 51820
		Address = $(tun4 "$1")/24, $(tun6 "$1")/64
	END
}

conf_peer() { # PEER[:passive]
	local x=${1%%:*} n
	n=$(site_index "$x")
	echo
	echo "[Peer]"
	echo "PublicKey = $(public_key "$x")"
	[ -z "$psk" ] || echo "PresharedKey = $psk"
	echo "AllowedIPs = $(tun4 "$x")/32, $(tun6 "$x")/128, 192.168.${n}0.0/24, fd00:${n}0::/64"
	[ "$x" != "$1" ] || echo "Endpoint = $(endpoint_of "$x")"
	[ -z "$keepalive" ] || echo "PersistentKeepalive = $keepalive"
}

endpoint_of() { # X
	case $outer in
	4) echo "$(wan4 "$1"):51820" ;;
	6) echo "[$(wan6 "$1")]:51820" ;;
	esac
}

gateway_up() { # X: starts the program that site_runs named
	case ${site_program[$1]} in
	headgate) headgate_up "$1" ;;
	stock) stock_up "$1" ;;
	esac
}

gateway_down() { # X [SIGNAL]
	halt "gateway-$1" "${2:-TERM}"
}

# ---- headgate ----

headgate_up() { # X
	local dev
	for dev in wan0 lan0; do
		on "$1-gw" test -e "/sys/class/net/$dev" && netdev_is_ports "$1-gw" "$dev"
	done
	headgate_start "$1"
	headgate_wait "$1" 20
}

headgate_start() { # X
	local file files=()
	for file in "$(conf_of "$1")" ${more_confs:-}; do
		files+=(-c "$file")
	done
	spawn "gateway-$1" "$1-gw" "$headgated" "${files[@]}" --log-level "${HEADGATE_LOG:-info}" \
		"${headgate_options[@]}"
}

headgate_wait() { # X SECONDS: until it forwards
	local left=$(($2 * 10))
	until grep -q "headgate is ready" "$run/gateway-$1.log"; do
		if ! is_alive "gateway-$1" || ((left-- == 0)); then
			tail -n 20 "$run/gateway-$1.log" >&2
			echo "headgated of site $1 did not become ready within $2 s" >&2
			return 1
		fi
		sleep 0.1
	done
}

headgate_ctl() { # X COMMAND…: the headgate command line, asked about site X
	local x=$1
	shift
	"$headgate" --socket "/run/headgate/${site_dev[$x]}.sock" "$@"
}

# A netdev that is a port belongs to headgate: the kernel must not answer on it as well.
netdev_is_ports() { # NODE DEVICE
	on "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
	[ "$port_kind" = packet ] || return 0
	on "$1" nft -f - <<-END
		table netdev port_$2 {
			chain drop { type filter hook ingress device "$2" priority 0; policy drop; }
		}
	END
}

# ---- the stock gateway: kernel addresses on the wires, another's WireGuard for the tunnel ----

stock_up() { # X
	local x=$1 n
	n=$(site_index "$x")
	[ "$stock_kind" != kernel ] || [ -n "${net_guest[$x-gw]:-}" ] || guest_boot "$x-gw" || return 1
	stock_addresses "$x-gw" "$(wan4 "$x")" "$(wan6 "$x")" wan0
	stock_addresses "$x-gw" "192.168.${n}0.1" "fd00:${n}0::1" lan0
	stock_start "$x"
}

stock_addresses() { # NODE ADDRESS4 ADDRESS6 DEVICE
	on "$1" sh -c "ip addr replace $2/24 dev $4 && ip addr replace $3/64 dev $4 nodad"
}

stock_start() { # X
	local x=$1 dev=${site_dev[$1]}
	spawn_stock "$x" "$dev"
	if ! await 10 wg show "$dev"; then
		cat "$run/gateway-$x.log" >&2
		echo "the $stock_kind of site $x did not start" >&2
		return 1
	fi
	stock_load "$x"
	stock_addresses "$x-gw" "$(tun4 "$x")" "$(tun6 "$x")" "$dev"
	on "$x-gw" ip link set "$dev" mtu 1420 up
	stock_routes "$x"
}

spawn_stock() { # X DEVICE: a process that holds the tunnel, whose end is that of the tunnel
	local x=$1 dev=$2
	case $stock_kind in
	wireguard-go)
		spawn "gateway-$x" "$x-gw" env WG_PROCESS_FOREGROUND=1 LOG_LEVEL=error wireguard-go "$dev"
		;;
	boringtun)
		spawn "gateway-$x" "$x-gw" "$BORINGTUN" --foreground --disable-drop-privileges "$dev"
		;;
	kernel)
		spawn "gateway-$x" "$x-gw" bash "$scene_top/tests/interop/kernel_device" "$dev"
		;;
	*) die "no PEER $stock_kind: wireguard-go, boringtun or kernel" ;;
	esac
}

stock_load() { # X: what `wg-quick strip` does, then setconf
	grep -v '^Address' "$(conf_of "$1")" >"$run/$1/stripped"
	wg setconf "${site_dev[$1]}" "$run/$1/stripped"
}

stock_routes() { # X: a route for each allowed prefix, as wg-quick adds them
	local prefix
	for prefix in $(sed -n 's/^AllowedIPs = //p' "$(conf_of "$1")" | tr -d ','); do
		echo "ip route replace $prefix dev ${site_dev[$1]}"
	done | on "$1-gw" sh -e
}
