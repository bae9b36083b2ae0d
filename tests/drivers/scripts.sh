#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The scripts of drivers-config/ on a made-up tree of /sys, /proc and /etc (ROOT): what they would
# write, that a second run finds nothing to do, that --undo takes all back, and what they refuse.
# No driver is bound here: that takes a NIC.

set -u
top=$(cd "${0%/*}/../.." && pwd)
config=$top/drivers-config
failed=0
ROOT=$(mktemp -d)
export ROOT
trap 'rm -rf "$ROOT"' EXIT

expect() { # WHAT COMMAND…: it succeeds and says WHAT (a regex)
	local what=$1 said
	shift
	if ! said=$("$@" 2>&1) || ! grep -Eq -- "$what" <<<"$said"; then
		printf 'FAILED: %s\n  wanted: %s\n  said: %s\n' "$*" "$what" "$said"
		failed=1
	fi
}

refuse() { # WHAT COMMAND…: it fails and says WHAT
	local what=$1 said
	shift
	if said=$("$@" 2>&1) || ! grep -Eq -- "$what" <<<"$said"; then
		printf 'FAILED: %s\n  wanted a refusal: %s\n  said: %s\n' "$*" "$what" "$said"
		failed=1
	fi
}

put() { # PATH TEXT
	mkdir -p "$ROOT${1%/*}"
	printf '%s\n' "$2" >"$ROOT$1"
}

holds() { # PATH TEXT
	[ "$(cat "$ROOT$1")" = "$2" ]
}

pci() { # ADDRESS VENDOR DEVICE DRIVER NETDEV
	put "/sys/bus/pci/devices/$1/vendor" "0x$2"
	put "/sys/bus/pci/devices/$1/device" "0x$3"
	put "/sys/bus/pci/devices/$1/class" 0x020000
	put "/sys/bus/pci/devices/$1/driver_override" ''
	put "/sys/bus/pci/drivers/$4/unbind" ''
	ln -sfn "$ROOT/sys/bus/pci/drivers/$4" "$ROOT/sys/bus/pci/devices/$1/driver"
	[ -z "$5" ] || mkdir -p "$ROOT/sys/bus/pci/devices/$1/net/$5" "$ROOT/sys/class/net/$5"
	[ -z "$5" ] || ln -sfn "$ROOT/sys/bus/pci/devices/$1" "$ROOT/sys/class/net/$5/device"
}

snapshot() {
	(cd "$ROOT" && find . -type f -exec md5sum {} + | sort -k2)
}

# ---- bind ----

pci 0000:3b:00.0 8086 1592 ice eth1
pci 0000:5e:00.0 15b3 1017 mlx5_core eth2
pci 0000:00:03.0 1af4 1041 virtio-pci ''
put /sys/bus/pci/devices/0000:00:1f.0/class 0x060100
rule=/etc/udev/rules.d/60-headgate-0000-3b-00-0.rules

refuse 'there is no IOMMU' "$config/bind" eth1
mkdir -p "$ROOT/sys/kernel/iommu_groups/0"
before=$(snapshot)
expect 'would write /etc/udev' "$config/bind" --dry-run eth1
expect '' test "$(snapshot)" = "$before"
expect 'Intel E810.*now with ice' "$config/bind" 3b:00.0
expect 'vfio-pci' cat "$ROOT$rule"
expect '' holds /sys/bus/pci/devices/0000:3b:00.0/driver_override vfio-pci
expect 'nothing to bind' "$config/bind" eth2
expect 'nothing to do' "$config/bind" 0000:5e:00.0
expect 'virtio' "$config/bind" --dry-run 00:03.0
refuse 'no network device' "$config/bind" 00:1f.0
refuse 'is no PCI NIC' "$config/bind" veth7
refuse 'is no PCI NIC' "$config/bind" 0000:99:00.0
refuse 'is no PCI NIC' "$config/bind" ../../etc
refuse 'name the NICs' "$config/bind"
refuse 'there is no option' "$config/bind" --now eth1

# The kernel would have bound it by now.
mkdir -p "$ROOT/sys/bus/pci/drivers/vfio-pci"
put /sys/bus/pci/drivers/vfio-pci/unbind ''
ln -sfn "$ROOT/sys/bus/pci/drivers/vfio-pci" "$ROOT/sys/bus/pci/devices/0000:3b:00.0/driver"
expect 'nothing to do' "$config/bind" eth1
expect 'belong to the kernel' "$config/bind" --undo eth1
refuse '' test -e "$ROOT$rule"
refuse '' test -e "$ROOT/etc/modules-load.d/headgate-vfio.conf"
expect '' holds /sys/bus/pci/devices/0000:3b:00.0/driver_override ''

# ---- hugepages ----

put /proc/sys/vm/nr_hugepages 3
put /proc/mounts 'hugetlbfs /dev/hugepages hugetlbfs rw 0 0'
expect 'would set' "$config/hugepages" --dry-run 512
expect '' holds /proc/sys/vm/nr_hugepages 3
expect '256 pages' "$config/hugepages" 512
expect '' holds /proc/sys/vm/nr_hugepages 256
expect 'nothing to do' "$config/hugepages" 512
expect '512 pages' "$config/hugepages" 1024
expect 'before: 3' cat "$ROOT/etc/sysctl.d/60-headgate-hugepages.conf"
expect '3 as before' "$config/hugepages" --undo
expect '' holds /proc/sys/vm/nr_hugepages 3
expect 'nothing to do' "$config/hugepages" --undo
for wrong in 0 -1 2G '' 12345678; do
	refuse 'how many MiB|there is no option' "$config/hugepages" "$wrong"
done

# ---- isolate ----

put /sys/devices/system/cpu/present 0-39
put /sys/devices/virtual/workqueue/cpumask ff,ffffffff
put /proc/irq/default_smp_affinity ff,ffffffff
put /proc/irq/9/smp_affinity_list 0-39
put /proc/cmdline 'quiet'
expect 'reboot for the rest' "$config/isolate" 1-3,36
expect 'isolcpus=domain,managed_irq,1-3,36 .*rcu_nocbs=1-3,36 irqaffinity=0,4' \
	cat "$ROOT/etc/default/grub.d/60-headgate-isolate.cfg"
expect '' holds /sys/devices/virtual/workqueue/cpumask 000000ef,fffffff1
left=0,$(seq -s, 4 35),37,38,39
expect '' holds /proc/irq/9/smp_affinity_list "$left"
put /proc/cmdline "isolcpus=domain,managed_irq,1-3,36 nohz_full=1-3,36 rcu_nocbs=1-3,36
irqaffinity=$left"
expect 'nothing to do' "$config/isolate" 1-3,36
expect 'all cores' "$config/isolate" --undo
expect '' holds /sys/devices/virtual/workqueue/cpumask 000000ff,ffffffff
expect 'nothing to do' "$config/isolate" --undo
refuse 'no core 40' "$config/isolate" 38-40
refuse 'every core' "$config/isolate" 0-39
for wrong in 3-1 a 1- ',' ''; do
	refuse 'is no list of cores|say which' "$config/isolate" "$wrong"
done

exit $failed
