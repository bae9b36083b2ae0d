/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's netdev under a port (net_af_xdp and net_af_packet, `iface=`): what it is, and what
 * has to be changed on it while the port has it. Each change is noted in a struct restore first.
 *
 * The netdev's own addresses stay where they are; adopting them by the twin finds its place here.
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
	bool is_promisc;        /* it must receive for the twin's and others' MAC addresses */
	bool disable_ipv6;      /* the twin speaks IPv6 for this MAC address, and only the twin */
	bool drop_ingress;      /* AF_PACKET: the kernel gets a copy of all and would answer too */
};

/*
 * Sets the device up and does what is wished. On failure what was done so far is noted, so the
 * caller undoes it with restore_undo as at the end.
 */
int netdev_take(struct netlink *nl, struct restore *restore, const char *name,
	const struct netdev_wish *wish, struct err *err);
