/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Carriers: a port over a kernel netdev (AF_XDP, AF_PACKET) says that its link is up whatever the
 * wire does; the netdev, by name, says how it is. It may come late, go, and come back. The port
 * and its twin follow it, so that the kernel's routes vanish as on a real NIC.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/routes.h"

struct carrier {
	struct routes_port port;
	bool is_used;
	bool is_known;
	bool is_up;
};

struct carriers {
	struct carrier items[TABLES_MAX_PORTS]; /* by link id */
	void (*set_link)(void *ctx, unsigned port_idx, bool is_up); /* may be NULL */
	void *ctx;
};

/* link_id < TABLES_MAX_PORTS; what was known of that link is forgotten. */
void carriers_add(struct carriers *cs, const struct routes_port *port);
void carriers_remove(struct carriers *cs, uint16_t link_id);
/* Tells those of whom nothing was known yet. The mirror is synced. */
void carriers_look(struct carriers *cs, const struct mirror *mirror);
void carriers_link_changed(struct carriers *cs, const struct net_link *old,
	const struct net_link *now);
