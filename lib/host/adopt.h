/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Adopting a netdev: what the kernel has on it, addresses, routes that lead over it, neighbours
 * and the rules that name it, moves to the twin of the port, and back at the end. Everything goes
 * as the kernel dumped it, with the device replaced, so no attribute is lost. The order, and why
 * a connection over the netdev survives it: docs/decisions/0007-adopting-a-port.md.
 */
#pragma once

#include "base/err.h"
#include "host/netlink.h"
#include "host/restore.h"

struct adoption;

/* What is to be adopted by what; all of it is copied but nl and restore, which must outlive it. */
struct adopt_wish {
	struct netlink *nl;
	struct restore *restore;
	const char *port;   /* "wan" */
	const char *netdev; /* "eth1" */
	const char *twin;   /* "hg-wan", which need not be there yet */
};

/*
 * Reads what the netdev has and notes how to put it back; nothing is moved yet. Before the driver
 * has the netdev, for some change it (net_af_packet makes it forget its neighbours). *out is NULL
 * when the netdev has no address but link-local ones, so that there is nothing to adopt. A negative
 * errno when it cannot be adopted: it belongs to a bridge or VRF, or a route cannot be moved.
 */
int adopt_begin(const struct adopt_wish *wish, struct adoption **out, struct err *err);
/* Frees it, and undoes nothing. NULL is allowed. */
void adopt_end(struct adoption *a);

/*
 * Before the twin is set up: it makes no link-local address of its own, and heeds router
 * advertisements, forwards and filters sources as the netdev does.
 */
void adopt_prepare_twin(const struct adoption *a);
/* Moves all to the twin, which is up, and switches IPv6 off on the netdev. */
int adopt_take(struct adoption *a, struct err *err);
/*
 * The way back, while the twin is still there: what the twin has now, addresses that came or
 * went meanwhile included, goes to the netdev; when that cannot be told, what the netdev had.
 * Without a successful adopt_take it does nothing.
 */
int adopt_give_back(struct adoption *a, struct err *err);

/* Writes the first address that the netdev has, link-local ones aside; empty: it has none. */
int adopt_first_address(struct netlink *nl, const char *netdev, char out[PREFIX_TEXT_BYTES],
	struct err *err);
