/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The forwarding information base: one family's routes, compiled into the two tables that the
 * path reads. At each prefix that any table has a route for, rules and routes say who wins:
 *
 *   steps of the policy ──► in the step's table the longest prefix that covers it ──► the first
 *   step that has one wins. If its prefix is this very one the route is published here; else the
 *   route that covers it is published further up and serves here too, so nothing is.
 *
 * A neighbour is published where it stands when a connected network of its device wins there.
 * A change at a prefix is felt there and below, and below only where another table has routes
 * or neighbours stand, and not under a route of the same table: the masks of the tree (rib.h)
 * keep the walk to those places. Rules, and which devices are ours, concern all prefixes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "control/devices.h"
#include "control/hops.h"
#include "control/marks.h"
#include "control/policy.h"
#include "control/rib.h"
#include "tables/tables.h"

struct fib {
	struct rib rib;
	struct policy policies[TABLES_WHICH_COUNT]; /* without a step: nothing is published */
	uint8_t family;
	bool is_dirty;             /* what is published waits for fib_compile */
	struct tables *tables;
	struct hops *hops;
	const struct devices *devices;
	struct log_limit limit;
};

/* An empty one, dirty. tables, hops and devices outlive it. */
void fib_init(struct fib *fib, uint8_t family, struct tables *tables, struct hops *hops,
	const struct devices *devices);
/* Takes all routes out of the tables. */
void fib_fini(struct fib *fib);

/* A route comes (or changes), or goes. Published at once unless dirty. put: 0 or -ENOMEM. */
int fib_route_put(struct fib *fib, const struct net_route *route);
void fib_route_remove(struct fib *fib, const struct net_route *route);
/* Neighbour n's validity changed: it comes into the tree or goes. 0 or -ENOMEM. */
int fib_neigh_changed(struct fib *fib, struct neigh *n);

/* Compiles everything, an underlay for each mark. */
void fib_compile(struct fib *fib, struct policy_rules *rules, const struct marks *marks);
