/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The short cut of a large table: an array over 12 or 18 key bits, laid where the table first
 * branches widely (100.64.0.0/10 or one /48 share their first bits), which saves readers two
 * or three dependent loads. An update of a long prefix writes one entry, of a short one the
 * entries it covers: at most the whole array, whatever the table holds (18 bits: 2 ms for /0).
 *
 * perf-route, bursts of 32, clk a key without and with it, three runs on a shared machine:
 * 10,000 random /32 41 and 29; 100,000 53-62 and 24-36; a million 122-317 and 62-102.
 */
#include "route/top.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bytes.h"

enum {
	BUILD_FROM = 1024, /* prefixes: fewer stand in the cache anyway */
	WIDE_FROM = 16384, /* 2 MiB of entries beside a MiB and more of nodes */
	DROP_BELOW = 256,
	RETHINK_FACTOR = 4, /* growth at which the array is laid anew */
	WIDTH = 12,
	WIDTH_WIDE = 18,
	HUGE_PAGE_BYTES = 2 << 20,
};

/* One filling of entries [first, first + n). */
struct fill {
	const uint8_t *units;
	struct route_top *top;
	uint32_t first;
	uint32_t n;
};

static uint32_t
node_value(const struct route_node *n, unsigned index, uint32_t otherwise)
{
	uint64_t hit = n->internal & route_ancestors[index];
	if (!hit)
		return otherwise;
	uint64_t below = (hit & -hit) - 1;
	return n->slots[n->n_children + __builtin_popcountll(n->internal & below)];
}

static uint32_t
node_child(const struct route_node *n, unsigned index)
{
	uint64_t bit = 1ull << index;
	return n->external & bit ? n->slots[__builtin_popcountll(n->external & (bit - 1))] : 0;
}

static bool
agrees(const struct route_node *n, const struct route_key *k, unsigned len)
{
	return !((n->key_hi ^ k->hi) & route_mask_hi(len)) &&
	       !((n->key_lo ^ k->lo) & route_mask_lo(len));
}

static void
entry_publish(struct route_top *top, uint32_t at, uint32_t value, uint32_t unit)
{
	uint64_t entry = (uint64_t)value << 32 | unit;
	if (top->entries[at] != entry)
		rcu_publish(top->entries[at], entry);
}

/*
 * Fills the entries from `at` on of all keys that share the first `depth` bits: `value` is the
 * best match above, unit the first node at that depth or below. Passes over what f does not
 * ask for.
 */
static void
fill_below(const struct fill *f, uint32_t at, unsigned depth, uint32_t value, uint32_t unit)
{
	unsigned end = f->top->skip + f->top->width;
	if (!f->n)
		return;
	if (depth == end) {
		entry_publish(f->top, at, value, unit);
		return;
	}
	const struct route_node *n = route_node_at(f->units, unit);
	struct route_key k = {.hi = n->key_hi, .lo = n->key_lo};
	uint32_t span = 1u << (end - depth - ROUTE_STRIDE);
	uint32_t i = f->first > at ? (f->first - at) / span : 0;
	uint32_t last = MIN_OF((f->first + f->n - 1 - at) / span, 63);
	for (; i <= last; i++) {
		uint32_t best = value, next = 0;
		if (n->depth == depth) {
			best = node_value(n, i, value);
			next = node_child(n, i);
		} else if (unit && route_key_index(&k, depth, true) == i) {
			next = unit;
		}
		fill_below(f, at + i * span, depth + ROUTE_STRIDE, best, next);
	}
}

/* Fills n entries from first on, and the last one. */
static void
fill(const struct route_table *t, struct route_top *top, uint32_t first, uint32_t n)
{
	struct route_key k = {.hi = top->key_hi, .lo = top->key_lo};
	uint32_t value = 0, unit = t->root;
	while (unit) {
		const struct route_node *node = route_node_at(t->units, unit);
		if (!agrees(node, &k, MIN_OF(node->depth, top->skip)))
			unit = 0;
		if (!unit || node->depth >= top->skip)
			break;
		unsigned index = route_key_index(&k, node->depth, true);
		value = node_value(node, index, value);
		unit = node_child(node, index);
	}
	struct fill f = {.units = t->units, .top = top, .first = first, .n = n};
	fill_below(&f, 0, top->skip, value, unit);
	entry_publish(top, 1u << top->width, 0, t->root);
}

/* Entries that a prefix shows in. */
static void
follow(const struct route_table *t, struct route_top *top, const struct route_key *k, unsigned len)
{
	unsigned common = MIN_OF(len, top->skip);
	unsigned end = top->skip + top->width;
	uint32_t first = 0, n = 1u << top->width;
	if (((top->key_hi ^ k->hi) & route_mask_hi(common)) ||
		((top->key_lo ^ k->lo) & route_mask_lo(common))) {
		n = 0;
	} else if (len > top->skip) {
		first = route_key_bits(k, top->skip, top->width, true);
		n = len >= end ? 1 : 1u << (end - len);
	}
	fill(t, top, first, n);
}

/* Prefixes in and below a node. */
static uint32_t
count_below(const struct route_table *t, uint32_t unit)
{
	const struct route_node *n = route_node_at(t->units, unit);
	uint32_t count = n->n_values;
	for (unsigned i = 0; i < n->n_children; i++)
		count += count_below(t, n->slots[i]);
	return count;
}

/* Where the array goes: below the last node that holds three quarters of the table. */
static const struct route_node *
branching_node(const struct route_table *t)
{
	const struct route_node *n = route_node_at(t->units, t->root);
	unsigned i = 0;
	while (i < n->n_children) {
		if (count_below(t, n->slots[i]) > t->n_prefixes / 4 * 3) {
			n = route_node_at(t->units, n->slots[i]);
			i = 0;
		} else {
			i++;
		}
	}
	return n;
}

static size_t
entries_bytes(unsigned width)
{
	return ((1u << width) + 1) * sizeof(uint64_t);
}

static struct route_top *
top_new(unsigned width)
{
	size_t n_bytes = entries_bytes(width);
	size_t align = n_bytes >= HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES : CACHE_LINE_BYTES;
	struct route_top *top = calloc(1, sizeof(*top));
	void *entries = NULL;
	if (!top || posix_memalign(&entries, align, n_bytes)) {
		free(top);
		return NULL;
	}
	if (align == HUGE_PAGE_BYTES)
		madvise(entries, HUGE_PAGE_BYTES, MADV_HUGEPAGE);
	memset(entries, 0, n_bytes);
	top->entries = entries;
	top->width = (uint8_t)width;
	return top;
}

static void
top_free(struct rcu_node *node)
{
	struct route_top *top = CONTAINER_OF(node, struct route_top, retired);
	free(top->entries);
	free(top);
}

static void
top_replace(struct route_table *t, struct route_top *top)
{
	struct route_top *old = t->top;
	rcu_publish(t->top, top);
	if (old)
		rcu_retire(&old->retired, top_free);
}

static void
build(struct route_table *t)
{
	unsigned width = t->n_prefixes >= WIDE_FROM ? WIDTH_WIDE : WIDTH;
	struct route_top *top = top_new(width);
	if (!top)
		return;
	const struct route_node *n = branching_node(t);
	/* No deeper than whole strides go: the entries must begin at a node's depth. */
	unsigned max_skip = (ROUTE_DEPTHS - 1) * ROUTE_STRIDE - width;
	unsigned skip = MIN_OF(n->depth, max_skip);
	top->skip = (uint8_t)skip;
	top->key_hi = n->key_hi & route_mask_hi(skip);
	top->key_lo = n->key_lo & route_mask_lo(skip);
	fill(t, top, 0, 1u << width);
	top_replace(t, top);
}

void
route_top_follow(struct route_table *t, const struct route_key *k, unsigned len)
{
	if (t->top)
		follow(t, t->top, k, len);
	if (t->n_prefixes >= BUILD_FROM && t->n_prefixes >= t->next_top_check) {
		t->next_top_check = t->n_prefixes * RETHINK_FACTOR;
		build(t);
	} else if (t->top && t->n_prefixes < DROP_BELOW) {
		t->next_top_check = 0;
		top_replace(t, NULL);
	}
}

void
route_top_destroy(struct route_table *t)
{
	if (t->top)
		top_free(&t->top->retired);
	t->top = NULL;
}

uint64_t
route_top_bytes(const struct route_table *t)
{
	return t->top ? sizeof(*t->top) + entries_bytes(t->top->width) : 0;
}
