# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# PEER=kernel: the gateway of a stock site is a guest with Debian's kernel, run by qemu (software
# emulation), so that the kernel's own WireGuard is the peer:
#
#   X-gw ── the scene's wires ── wan0 ─ bridge ─ tap ── wan0 ┐
#                                lan0 ─ bridge ─ tap ── lan0 ┘ the kernel's wg1
#                                [ the machine         [ the guest
#
# The guest has the files of the machine outside, to read, and the scratch folder, to write. From
# guest_boot on, `on X-gw` and `spawn … X-gw` run their commands in it, so that a scene need not
# know. A scene starts a guest of its own unless GUEST_MACHINE names the namespace of one that
# with_guest started. Needs net.sh; tests/interop/fetch gets the kernel.

guest_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
guest_machine=${GUEST_MACHINE:-}

guest_boot() { # NODE: the guest takes its place, with its wan0 and lan0
	local name=$1 dev
	[ -n "$guest_machine" ] || guest_start || return 1
	for dev in wan0 lan0; do
		ip netns exec "$guest_machine" ip link del "$dev" 2>/dev/null # of a scene before
		ip -n "$net_prefix-$name" link set "$dev" netns "$guest_machine"
		ip -n "$guest_machine" link set "$dev" master "br-$dev" up
	done
	ip netns exec "$guest_machine" "$guest_top/tests/interop/guest.py" admin \
		"$guest_top/tests/interop/guest_scene" || return 1
	net_guest[$name]="ip netns exec $guest_machine $guest_top/tests/interop/guest.py run"
	forward_on "$name"
}

guest_start() { # boots it, and sets guest_machine
	local root version arguments
	root=$("$guest_top/tests/interop/fetch" kernel) || return
	version=$(ls "$root/lib/modules")
	guest_initramfs "$root" "$version" "$run/initramfs" || return 1
	node guest
	guest_plugs
	arguments="console=ttyS0 quiet net.ifnames=0 mitigations=off cryptomgr.notests audit=0
		apparmor=0 rodata=off tsc=reliable no_timer_check random.trust_cpu=on panic=-1
		guest_shared=$TMPDIR guest_top=$guest_top guest_modules=$root"
	spawn guest guest qemu-system-x86_64 -M pc,usb=off -accel tcg -cpu Nehalem,+rdrand -m 256 \
		-nodefaults -nographic -serial stdio -no-reboot -kernel "$root/vmlinuz" \
		-initrd "$run/initramfs" -append "${arguments//[$'\n\t']/ }" \
		-virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap \
		-virtfs "local,path=$TMPDIR,mount_tag=shared,security_model=none" \
		-netdev user,id=commands,restrict=on,hostfwd=tcp:127.0.0.1:7-:7 \
		-netdev tap,id=wan0,ifname=tap-wan0,script=no,downscript=no \
		-netdev tap,id=lan0,ifname=tap-lan0,script=no,downscript=no \
		-device "$(guest_nic commands 03)" -device "$(guest_nic wan0 01)" \
		-device "$(guest_nic lan0 02)"
	guest_wait 90 || return 1
	guest_machine=$net_prefix-guest
}

# A NIC that leaves no checksum for others to fill in, as `wire` has it.
guest_nic() { # NAME LAST-BYTE
	echo "virtio-net-pci,netdev=$1,mac=02:00:00:00:77:$2,romfile=,csum=off,guest_csum=off,gso=off"
}

guest_plugs() { # a bridge for each NIC, which its wire will join
	local dev
	on guest sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	for dev in wan0 lan0; do
		on guest ip link add "br-$dev" type bridge mcast_snooping 0
		on guest ip tuntap add "tap-$dev" mode tap
		on guest ip link set "tap-$dev" master "br-$dev" up
		on guest ip link set "br-$dev" up
	done
}

guest_wait() { # SECONDS: until it takes commands
	local left=$(($1 * 10)) log=$run/guest.log
	until grep -q "the guest takes commands" "$log"; do
		if ! is_alive guest || ((left-- == 0)); then
			tail -n 30 "$log" >&2
			echo "the guest did not start within $1 s" >&2
			return 1
		fi
		sleep 0.1
	done
}

# busybox, the modules that it takes to reach the files outside, and guest_init.
guest_initramfs() { # ROOT VERSION FILE
	local tree=$run/initramfs-tree module
	mkdir -p "$tree"/{bin,proc,outside,modules}
	cp "$(command -v busybox)" "$tree/bin/"
	cp "$guest_top/tests/interop/guest_init" "$tree/init"
	modprobe -d "$1" -S "$2" --show-depends -a virtio_pci 9pnet_virtio 9p |
		sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' |
		while read -r module; do
			cp "$module" "$tree/modules/"
			basename "$module"
		done >"$run/order"
	mv "$run/order" "$tree/modules/order"
	(cd "$tree" && find . | cpio --quiet -o -H newc) >"$3"
}

# wg, in the guest when the device is there: what is not a file of both is made one.
wg() {
	local x
	for x in "${!site_dev[@]}"; do
		if [ "${site_dev[$x]}" = "${2:-}" ] && [ -n "${net_guest[$x-gw]:-}" ]; then
			guest_wg "$x-gw" "$@"
			return
		fi
	done
	command wg "$@"
}

guest_wg() { # NODE ARGUMENT…
	local name=$1 word words=()
	shift
	for word; do
		case $word in
		/dev/fd/*)
			cat "$word" >"$run/wg-${word##*/}"
			word=$run/wg-${word##*/}
			;;
		esac
		words+=("$word")
	done
	on "$name" wg "${words[@]}"
}
