/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The readers of a prefix table. A descent keeps the best match so far and ends at the empty
 * node. A burst goes level by level: each turn takes every live descent one node down and
 * prefetches the next, without a branch that depends on an address. Descents that have ended
 * drop out of the list of live ones, so that a table of one level costs one turn.
 */
#include "route/route.h"

#include <string.h>

#include "base/bytes.h"
#include "base/prefetch.h"
#include "base/rcu.h"
#include "route/node.h"

/* As route_value_bit(r, i >> (6 - r)), but a constant. */
#define BIT(i, r) (1ull << (64 - (2u << (r)) + ((unsigned)(i) >> (6 - (r)))))
#define ROW(i) (BIT(i, 0) | BIT(i, 1) | BIT(i, 2) | BIT(i, 3) | BIT(i, 4) | BIT(i, 5))
#define ROWS(i) ROW(i), ROW(i + 1), ROW(i + 2), ROW(i + 3)
const uint64_t route_ancestors[64] = {ROWS(0), ROWS(4), ROWS(8), ROWS(12), ROWS(16), ROWS(20),
	ROWS(24), ROWS(28), ROWS(32), ROWS(36), ROWS(40), ROWS(44), ROWS(48), ROWS(52), ROWS(56),
	ROWS(60)};

/* The bits of the key that a node at each depth has been reached by. */
#define MASK(depth)                                                                                \
	[depth] = {                                                                                \
		.hi = (depth) >= 64 ? ~0ull : ~(~0ull >> ((depth)&63)),                            \
		.lo = (depth) <= 64 ? 0 : ~(~0ull >> ((depth)&63)),                                \
	}
static const struct {
	uint64_t hi;
	uint64_t lo;
} depth_masks[128] = {MASK(0), MASK(6), MASK(12), MASK(18), MASK(24), MASK(30), MASK(36), MASK(42),
	MASK(48), MASK(54), MASK(60), MASK(66), MASK(72), MASK(78), MASK(84), MASK(90), MASK(96),
	MASK(102), MASK(108), MASK(114), MASK(120), MASK(126)};

/* Written once, compiled for IPv4 and for IPv6: `wide` is a constant wherever these end up. */
#define FOR_EACH_WIDTH inline __attribute__((always_inline))

/* One query of a burst that has still a node to see. */
struct descent {
	struct route_key key ALIGNED_LINE;
	const uint8_t *units;
	const struct route_node *node;
	struct route_query *query;
};

/* What a node makes of a key. */
struct verdict {
	uint32_t value; /* the longest match so far */
	uint32_t child; /* the unit to go to next, 0 (the empty node) if there is none */
	uint32_t goes_on;
};

/*
 * All arithmetic, no branch: what a burst's addresses have in common no predictor can know.
 * Without a hit, the slot that is read and not used is one past the last, which is readable.
 */
static FOR_EACH_WIDTH struct verdict
judge(const struct route_node *n, const struct route_key *k, uint32_t value, bool wide)
{
	unsigned depth = n->depth;
	uint64_t internal = n->internal, external = n->external;
	uint64_t differ = (n->key_hi ^ k->hi) & depth_masks[depth].hi;
	if (wide)
		differ |= (n->key_lo ^ k->lo) & depth_masks[depth].lo;
	unsigned index = route_key_index(k, depth, wide);

	uint64_t believed = differ == 0;
	uint64_t hit = internal & route_ancestors[index] & -believed;
	uint64_t longer = internal & ((hit & -hit) - 1);
	const uint32_t *at = &n->slots[n->n_children + __builtin_popcountll(longer)];
	uint32_t here = __atomic_load_n(at, __ATOMIC_RELAXED);

	uint64_t below = external & ((1ull << index) - 1);
	uint32_t child = rcu_read(n->slots[__builtin_popcountll(below)]);
	uint32_t goes_on = (uint32_t)(external >> index & believed);
	return (struct verdict){
		.value = hit ? here : value,
		.child = child & -goes_on,
		.goes_on = goes_on,
	};
}

/* Which entry of the short cut a key begins at. */
static FOR_EACH_WIDTH const uint64_t *
top_entry(const struct route_top *top, const struct route_key *k, bool wide)
{
	uint64_t differ = (top->key_hi ^ k->hi) & depth_masks[top->skip].hi;
	if (wide)
		differ |= (top->key_lo ^ k->lo) & depth_masks[top->skip].lo;
	uint32_t n = 1u << top->width;
	uint32_t inside = route_key_bits(k, top->skip, top->width, wide);
	return &top->entries[differ ? n : inside];
}

static FOR_EACH_WIDTH uint32_t
lookup_one(const struct route_table *t, const uint8_t *addr, bool wide)
{
	struct route_key key;
	route_key_load(&key, addr, wide);
	const struct route_top *top = rcu_read(t->top);
	struct verdict v = {0};
	if (top) {
		uint64_t entry = rcu_read(*top_entry(top, &key, wide));
		v.value = (uint32_t)(entry >> 32);
		v.child = (uint32_t)entry;
	} else {
		v.child = rcu_read(t->root);
	}
	do {
		v = judge(route_node_at(t->units, v.child), &key, v.value, wide);
	} while (v.goes_on);
	return v.value;
}

uint32_t
route_lookup(const struct route_table *t, const uint8_t *addr)
{
	return t->family == ADDR_V4 ? lookup_one(t, addr, false) : lookup_one(t, addr, true);
}

/* The queries of one family that are still under way. */
struct burst {
	struct descent descents[ROUTE_BULK_MAX];
	/* Queries whose table has a short cut, yet to be started; read once, for it may go. */
	const struct route_top *tops[ROUTE_BULK_MAX];
	uint8_t late[ROUTE_BULK_MAX];
	unsigned n_live;
	unsigned n_late;
};

static FOR_EACH_WIDTH void
descent_init(struct descent *d, struct route_query *q, bool wide)
{
	route_key_load(&d->key, q->addr, wide);
	d->units = q->table->units;
	d->query = q;
}

/* First turn at a table without short cut, whose root is in the cache. */
static FOR_EACH_WIDTH void
start_at_root(struct burst *b, struct route_query *q, bool wide)
{
	struct descent *d = &b->descents[b->n_live];
	const struct route_table *t = q->table;
	descent_init(d, q, wide);
	const uint8_t *units = d->units;
	struct verdict v = judge(route_node_at(units, rcu_read(t->root)), &d->key, 0, wide);
	q->value = v.value;
	d->node = route_node_at(units, v.child);
	prefetch_read(d->node);
	b->n_live += v.goes_on;
}

/* The late ones: fetches all their entries, then all the nodes these name. */
static FOR_EACH_WIDTH void
start_at_entries(struct burst *b, struct route_query *queries, bool wide)
{
	const uint64_t *entries[ROUTE_BULK_MAX];
	struct descent *d = b->descents + b->n_live;
	for (unsigned i = 0; i < b->n_late; i++) {
		struct route_query *q = &queries[b->late[i]];
		descent_init(&d[i], q, wide);
		entries[i] = top_entry(b->tops[i], &d[i].key, wide);
		prefetch_read(entries[i]);
	}
	for (unsigned i = 0; i < b->n_late; i++) {
		uint64_t entry = rcu_read(*entries[i]);
		d[i].query->value = (uint32_t)(entry >> 32);
		d[i].node = route_node_at(d[i].units, (uint32_t)entry);
		prefetch_read(d[i].node);
	}
	b->n_live += b->n_late;
}

static inline void
add_late(struct burst *b, unsigned at, const struct route_top *top)
{
	b->tops[b->n_late] = top;
	b->late[b->n_late++] = (uint8_t)at;
}

/* Takes every descent to its end. */
static FOR_EACH_WIDTH void
finish(struct burst *b, struct route_query *queries, bool wide)
{
	uint8_t live[ROUTE_BULK_MAX];
	if (b->n_late)
		start_at_entries(b, queries, wide);
	unsigned n_live = b->n_live;
	for (unsigned i = 0; i < n_live; i++)
		live[i] = (uint8_t)i;
	while (n_live) {
		unsigned n_next = 0;
		for (unsigned i = 0; i < n_live; i++) {
			struct descent *d = &b->descents[live[i]];
			struct verdict v = judge(d->node, &d->key, d->query->value, wide);
			d->query->value = v.value;
			d->node = route_node_at(d->units, v.child);
			prefetch_read(d->node);
			live[n_next] = live[i];
			n_next += v.goes_on;
		}
		n_live = n_next;
	}
}

void
route_lookup_bulk(struct route_query *queries, unsigned n)
{
	struct burst v4, v6;
	v4.n_live = v4.n_late = v6.n_live = v6.n_late = 0;
	for (unsigned i = 0; i < n; i++) {
		struct route_query *q = &queries[i];
		const struct route_table *t = q->table;
		if (unlikely_true(!t)) {
			q->value = 0;
			continue;
		}
		const struct route_top *top = rcu_read(t->top);
		if (t->family == ADDR_V4) {
			if (top)
				add_late(&v4, i, top);
			else
				start_at_root(&v4, q, false);
		} else {
			if (top)
				add_late(&v6, i, top);
			else
				start_at_root(&v6, q, true);
		}
	}
	if (v4.n_live + v4.n_late)
		finish(&v4, queries, false);
	if (v6.n_live + v6.n_late)
		finish(&v6, queries, true);
}
