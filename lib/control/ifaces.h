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
/* After a batch: those that have no port to listen on yet get one. */
int ifaces_settle(struct control *c, struct err *err);
/* Removes all; their peers are gone already. */
void ifaces_fini(struct control *c);

/*
 * The kernel's (or the static) route of an allowed prefix comes or goes, as Table says. A default
 * route and one that a connected network has already are left out.
 */
int iface_route(struct control *c, struct control_iface *i, const struct prefix *p,
	bool is_there, struct err *err);

/* Whether the intent asks for a default route through a tunnel, which this version refuses. */
int ifaces_refuse_default_routes(const struct intent *it, struct err *err);
