/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The prefix table: longest prefix of an address -> a 32-bit value. Allowed-ips (prefix -> peer)
 * and the two route tables (prefix -> next hop) are such tables, one for each address family.
 *
 * One writer at a time (the caller's lock), any number of lock-free readers (base/rcu.h). An
 * update replaces one or two small nodes and costs the same whatever the table holds. A writer
 * that is itself an online reader reports quiescent states while it makes many updates, else
 * what it replaced piles up.
 *
 *     route.c   the writer: insert, remove, exact match, walk
 *     top.c     the large table's short cut over its first levels
 *     lookup.c  the readers: one address, or a burst whose descents are interleaved
 *     node.h    what both see: the node's layout and its bit arithmetic
 *     slab.c    the nodes' memory
 */
#pragma once

#include <stdint.h>

#include "base/addr.h"

struct route_table;

enum { ROUTE_BULK_MAX = 64 };

/* An empty table for ADDR_V4 or ADDR_V6. NULL: no memory, or no such family. */
struct route_table *route_create(uint8_t family);

/*
 * Frees the table; no reader may still hold or find it. Any thread may call it, RCU callbacks
 * too: it does not wait. What was retired before goes with the last grace period.
 */
void route_destroy(struct route_table *t);

/*
 * Adds the prefix or replaces its value; bits past its length are ignored. Writer. Returns 0,
 * -EINVAL (value 0, other family, length too long), -ENOMEM (then nothing has changed).
 */
int route_set(struct route_table *t, const struct prefix *p, uint32_t value);

/* Removes exactly this prefix. Writer. 0, -EINVAL, -ENOENT, or -ENOMEM (nothing has changed). */
int route_del(struct route_table *t, const struct prefix *p);

/* The value of exactly this prefix, 0 when it is not there. Writer or reader. */
uint32_t route_get(const struct route_table *t, const struct prefix *p);

/* How many prefixes the table holds. Writer. */
uint32_t route_count(const struct route_table *t);

/* Memory the table has taken for nodes and short cut, in bytes. Writer. */
uint64_t route_memory_bytes(const struct route_table *t);

/*
 * The value of the longest prefix that covers addr (4 or 16 bytes in network order, at any
 * alignment), 0 when none does. Reader.
 */
uint32_t route_lookup(const struct route_table *t, const uint8_t *addr);

struct route_query {
	const struct route_table *table; /* NULL: value becomes 0 */
	const uint8_t *addr;             /* as for route_lookup; not read when table is NULL */
	uint32_t value;                  /* out */
};

/*
 * Answers n <= ROUTE_BULK_MAX queries at once, hiding one's cache misses behind the others'.
 * Tables and families may differ from query to query. Reader.
 */
void route_lookup_bulk(struct route_query *queries, unsigned n);

typedef int (*route_visit)(void *ctx, const struct prefix *p, uint32_t value);

/*
 * Visits all prefixes by address, a shorter one before those it covers. Stops at the first
 * visit that returns other than 0 and returns that, else 0. visit must not change the table.
 * Writer, or a reader that stays online (who then may or may not see updates made meanwhile).
 */
int route_walk(const struct route_table *t, route_visit visit, void *ctx);
