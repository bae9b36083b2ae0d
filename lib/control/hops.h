/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Next hops as routes share them. A hop is named by what it is (device, gateway, preferred
 * source, MTU); all routes that say the same lead to the same id in the tables, so that what
 * changes there (a neighbour's MAC address, a device's MTU) is changed in one place.
 *
 * Hops are counted. One that nothing leads to any more rests for some seconds before its id is
 * given back: outer headers made before may name it until they are made anew.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "control/neigh.h"
#include "intent/hash.h"
#include "tables/tables.h"

/* Zeroed before it is filled: its bytes are its name. */
struct hop_spec {
	uint32_t type;      /* enum nexthop_type; a LINK is published as GLEAN until resolved */
	uint32_t family;    /* of the packets */
	uint32_t ifindex;   /* LINK, GLEAN, TUNNEL */
	uint32_t mtu;       /* of the route; 0: the device's */
	struct addr via;    /* LINK */
	struct addr source; /* the route's preferred one; none: by the device's addresses */
	uint16_t n_members;
	struct hop *members[NEXTHOP_MEMBERS_MAX];
};

struct hop {
	struct hash_link by_spec;
	struct hop_spec spec;
	struct hop *prev, *next;  /* of all, or of those at rest */
	struct neigh *neigh;      /* LINK */
	struct hop *neigh_next;   /* of the same neighbour */
	uint32_t id;              /* in the tables */
	uint32_t n_refs;
	uint32_t rests_since;     /* tick */
};

struct hop_list {
	struct hop *first, *last;
};

struct hops {
	struct hash_table by_spec;
	struct hop_list used, resting;
	struct hop *by_id[TABLES_MAX_NEXTHOPS];
	struct tables *tables;
	struct neighs *neighs;
	uint32_t tick;
	/* Fills what the device decides: link, MTU, source, our MAC address. Not for a GROUP. */
	void (*fill)(void *ctx, const struct hop_spec *spec, struct nexthop *out);
	void *ctx;
	struct log_limit limit;
};

/* tables, neighs and fill are set by the caller already. */
void hops_init(struct hops *hops);
/* Gives all ids back; no route leads to one any more. */
void hops_fini(struct hops *hops);

/* The hop of this name, with one reference more. NULL, and logged: no memory or no free id. */
struct hop *hops_get(struct hops *hops, const struct hop_spec *spec);
void hops_put(struct hops *hops, struct hop *hop); /* NULL is allowed */

/* The hop with this id, NULL for 0. */
static inline struct hop *
hops_at(const struct hops *hops, uint16_t id)
{
	return hops->by_id[id];
}

/* Publishes anew the hops that lead to this neighbour. */
void hops_neigh_changed(struct hops *hops, const struct neigh *n);
/* Publishes anew whatever the devices' state changes, in all hops. */
void hops_devices_changed(struct hops *hops);
/* Once a second: gives back what has rested long enough. */
void hops_tick(struct hops *hops);
