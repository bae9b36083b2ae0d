/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's netdev under a port (net_af_xdp and net_af_packet, `iface=`): what it is, and what
 * has to be changed on it while the port has it. Each change is noted in a struct restore first.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "host/netlink.h"
#include "host/restore.h"

/* Index, MAC address, MTU, flags and carrier of the device. -ENODEV says what to do. */
int netdev_query(struct netlink *nl, const char *name, struct net_link *out, struct err *err);

/* What a port asks of its netdev. */
struct netdev_wish {
	const char *owner;      /* of the steps that restore it: "port wan" */
	bool is_promisc;        /* it must receive for the twin's and others' MAC addresses */
	bool disable_ipv6;      /* the twin speaks IPv6 for this MAC address, and only the twin */
	bool drop_ingress;      /* AF_PACKET: the kernel gets a copy of all and would answer too */
	uint16_t mtu;           /* 0: the one it has */
	bool gets_xdp;          /* AF_XDP: the driver is about to attach a program */
};

/*
 * Sets the device up and does what is wished. On failure what was done so far is noted, so the
 * caller undoes it with restore_undo as at the end.
 */
int netdev_take(struct netlink *nl, struct restore *restore, const char *name,
	const struct netdev_wish *wish, struct err *err);
/* Sets a sysctl and notes its old value, unless it has that value or the kernel has no such one. */
int netdev_set_sysctl(struct restore *restore, const char *owner, const char *path,
	const char *value, struct err *err);
