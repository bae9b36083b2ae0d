/* SPDX-License-Identifier: BSD-3-Clause */
/* What fib.c and fib_hops.c share. Nobody else includes this. */
#pragma once

#include "control/fib.h"

/* Whether a hop is one for such packets: alive, and for outer ones no tunnel (they would loop). */
bool fib_hop_counts(const struct fib *fib, enum tables_which which, const struct net_hop *hop);

/* Each returns a hop with a reference for the caller; NULL when there is no room. */
struct hop *fib_plain_hop(struct fib *fib, enum nexthop_type type);
struct hop *fib_route_hop(struct fib *fib, const struct net_route *r, enum tables_which which);
/* The neighbour standing at n to whom the connected route r leads; NULL: none. */
struct hop *fib_neighbour_hop(struct fib *fib, const struct net_route *r,
	const struct rib_node *n);
