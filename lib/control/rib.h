/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The routing information base: the kernel's routes and neighbours of one family, of all tables,
 * by prefix. A path-compressed binary tree: what covers a prefix is the way up to the root, what
 * it covers is the tree below it. Each node knows which tables have routes below it, so that a
 * walk passes by what a change cannot touch.
 *
 * It stores and finds; which route wins is decided in control/fib.h. One thread owns it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/state.h"
#include "tables/tables.h"

_Static_assert(TABLES_MAX_NEXTHOPS <= UINT16_MAX + 1, "an id of a next hop fits");

/* Tables that rules name get bits 0 .. RIB_TABLES_MAX - 1, by rib_set_tables. */
enum { RIB_TABLES_MAX = 62 };
#define RIB_NEIGHBOURS (1ull << 63)

struct rib_route {
	struct rib_route *next;
	struct net_route net; /* with its hops */
};

/* Stands in what knows the neighbour; its node has all bits of the address. */
struct rib_neighbour {
	struct rib_neighbour *next;
	struct rib_node *node; /* NULL: not in the tree */
	uint32_t ifindex;
};

struct rib_node {
	struct rib_node *parent;
	struct rib_node *child[2];
	struct rib_route *routes; /* a table's stand together, the lowest metric first */
	struct rib_neighbour *neighbours;
	uint16_t out[TABLES_WHICH_COUNT]; /* ids of the next hops published here; the compiler's */
	uint64_t own_mask;        /* of the tables with routes here, and RIB_NEIGHBOURS */
	uint64_t mask;            /* the same for the whole subtree */
	struct prefix prefix;
};

struct rib {
	struct rib_node *root;
	uint32_t tables[RIB_TABLES_MAX];
	unsigned n_tables;
	uint32_t n_throws;        /* routes of type throw */
	uint32_t n_routes;
};

/* Frees all; nothing is published any more. */
void rib_fini(struct rib *rib);

/*
 * Which tables have bits from now on: at most RIB_TABLES_MAX. Linear in the tree.
 */
void rib_set_tables(struct rib *rib, const uint32_t *tables, unsigned n_tables);
/* The bit of a table, 0 when no rule names it. */
uint64_t rib_table_bit(const struct rib *rib, uint32_t table);

/* Adds the route or replaces the one of the same table, metric, tos and source. NULL: no memory. */
struct rib_node *rib_route_put(struct rib *rib, const struct net_route *route);
/* Takes it away and returns the node it stood in, for rib_node_tidy; NULL: it was not there. */
struct rib_node *rib_route_remove(struct rib *rib, const struct net_route *route);

/* 0 or -ENOMEM. n is in no node. */
int rib_neighbour_put(struct rib *rib, struct rib_neighbour *n, const struct addr *addr);
/* Takes it out and returns the node it stood in. n is in a node. */
struct rib_node *rib_neighbour_remove(struct rib *rib, struct rib_neighbour *n);

/* Frees the node, and what of its surroundings, if it holds nothing and publishes nothing. */
void rib_node_tidy(struct rib *rib, struct rib_node *node);

/* The same for the whole tree. */
void rib_tidy(struct rib *rib);

static inline bool
rib_node_is_bare(const struct rib_node *n)
{
	return !n->routes && !n->neighbours;
}

/*
 * Calls fn with each node below top (not top itself; NULL: with all of the tree), a shorter prefix
 * before those it covers. fn returns whether to go on below that node, and frees no node.
 */
void rib_walk(struct rib *rib, struct rib_node *top,
	bool (*fn)(void *ctx, struct rib_node *node), void *ctx);
