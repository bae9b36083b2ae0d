/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * WireGuard interfaces: the TUN device named after each, its addresses and routes, the port it
 * listens on, its identity and its two sockets. With Host = no there is no device, and what it
 * would have goes to the static routes.
 */
#pragma once

#include "control/core.h"

/* NULL: no interface of that name. */
struct control_iface *iface_find(struct control *c, const char *name);

/* Applies a change on an interface (CHANGE_INTERFACE_*), before the intent has it. */
int ifaces_change(struct control *c, const struct change *change, struct err *err);
/* The mark of the interface's outer packets, whatever the intent says. */
int ifaces_set_mark(struct control *c, struct control_iface *i, uint32_t fwmark,
	struct err *err);
/* 0: what fits through the narrowest port. */
int ifaces_set_mtu(struct control *c, struct control_iface *i, uint16_t mtu, struct err *err);
/* After a batch: those that have no port to listen on yet get one, and guards are renewed. */
int ifaces_settle(struct control *c, struct err *err);
/* Removes all; their peers are gone already. */
void ifaces_fini(struct control *c);

/*
 * The kernel's (or the static) route of an allowed prefix comes or goes, as Table says. One that a
 * connected network has already is left out; a default route is quick_default.h's, or, of a node,
 * membership_exit.h's.
 */
/* All prefixes of all peers. */
int ifaces_route_all(struct control *c, struct control_iface *i, bool is_there, struct err *err);
struct iface_prefix {
	struct prefix prefix;
	const struct key *peer; /* whose it is */
};
int iface_route(struct control *c, struct control_iface *i, const struct iface_prefix *p,
	bool is_there, struct err *err);
