/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of a table's nodes; slab.h tells how a piece travels. */
#include "route/slab.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bytes.h"
#include "base/rcu.h"
#include "route/node.h"

#define CHUNK_BYTES ((size_t)2 << 20)
#define RESERVED_BYTES ((size_t)ROUTE_UNIT_BYTES << UNIT_BITS)

enum {
	UNIT_BITS = 26, /* 4 GiB of nodes: tens of millions of prefixes */
	UNIT_MASK = (1 << UNIT_BITS) - 1,
	BATCH_PIECES = 120,
	RETIRED_BY_ONE_UPDATE = 3,
	SPARE_BATCHES = 8,
};

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

struct batch {
	struct rcu_node retired;
	struct route_slab *slab;
	struct batch *next;
	uint32_t n;
	uint32_t pieces[BATCH_PIECES]; /* n_units << UNIT_BITS | unit */
};

struct route_slab {
	uint8_t *units;
	size_t backed_bytes;
	uint32_t next_fresh;
	uint32_t free_head[ROUTE_MAX_UNITS + 1]; /* by n_units; a free piece begins with the next */
	struct batch *filling;
	struct batch *spare;
	unsigned n_spare;
	struct batch *returned; /* atomic: pushed by RCU callbacks, taken whole by the writer */
	uint32_t n_holds;       /* atomic: the writer's and one for each batch under way */
};

static uint8_t *
reserve_range(void)
{
	/* One chunk more than needed, so that the base can be aligned to a huge page. */
	uint8_t *p = mmap(NULL, RESERVED_BYTES + CHUNK_BYTES, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	size_t skip = (CHUNK_BYTES - (uintptr_t)p % CHUNK_BYTES) % CHUNK_BYTES;
	if (skip)
		munmap(p, skip);
	munmap(p + skip + RESERVED_BYTES, CHUNK_BYTES - skip);
	return p + skip;
}

/* The first chunk takes ordinary pages as it fills; from the second on the table is large. */
static bool
back_one_chunk(struct route_slab *s)
{
	if (s->backed_bytes == RESERVED_BYTES)
		return false;
	uint8_t *at = s->units + s->backed_bytes;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	int prot = PROT_READ | PROT_WRITE;
	bool first = s->backed_bytes == 0;
	if (first || mmap(at, CHUNK_BYTES, prot, flags | MAP_HUGETLB | (21 << MAP_HUGE_SHIFT), -1,
			     0) == MAP_FAILED) {
		if (mmap(at, CHUNK_BYTES, prot, flags, -1, 0) == MAP_FAILED)
			return false;
		if (!first)
			madvise(at, CHUNK_BYTES, MADV_HUGEPAGE);
	}
	if (s->backed_bytes == CHUNK_BYTES) {
		madvise(s->units, CHUNK_BYTES, MADV_HUGEPAGE);
		madvise(s->units, CHUNK_BYTES, MADV_COLLAPSE);
	}
	s->backed_bytes += CHUNK_BYTES;
	return true;
}

struct route_slab *
route_slab_create(void)
{
	struct route_slab *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->n_holds = 1;
	s->next_fresh = 1;
	s->units = reserve_range();
	if (!s->units || !back_one_chunk(s)) {
		if (s->units)
			munmap(s->units, RESERVED_BYTES);
		free(s);
		return NULL;
	}
	return s;
}

static void
free_batches(struct batch *b)
{
	while (b) {
		struct batch *next = b->next;
		free(b);
		b = next;
	}
}

static void
let_go(struct route_slab *s)
{
	if (__atomic_sub_fetch(&s->n_holds, 1, __ATOMIC_ACQ_REL))
		return;
	free_batches(s->returned);
	munmap(s->units, RESERVED_BYTES);
	free(s);
}

void
route_slab_destroy(struct route_slab *s)
{
	if (!s)
		return;
	free(s->filling);
	free_batches(s->spare);
	let_go(s);
}

uint8_t *
route_slab_units(const struct route_slab *s)
{
	return s->units;
}

uint64_t
route_slab_bytes(const struct route_slab *s)
{
	return (uint64_t)s->next_fresh * ROUTE_UNIT_BYTES;
}

void
route_slab_put(struct route_slab *s, uint32_t unit, unsigned n_units)
{
	memcpy(s->units + (size_t)unit * ROUTE_UNIT_BYTES, &s->free_head[n_units],
		sizeof(s->free_head[n_units]));
	s->free_head[n_units] = unit;
}

/* Takes back what has had its grace period. */
static void
take_returned(struct route_slab *s)
{
	if (!__atomic_load_n(&s->returned, __ATOMIC_RELAXED))
		return;
	struct batch *b = __atomic_exchange_n(&s->returned, NULL, __ATOMIC_ACQUIRE);
	while (b) {
		struct batch *next = b->next;
		for (uint32_t i = 0; i < b->n; i++)
			route_slab_put(s, b->pieces[i] & UNIT_MASK, b->pieces[i] >> UNIT_BITS);
		if (s->n_spare < SPARE_BATCHES) {
			b->next = s->spare;
			s->spare = b;
			s->n_spare++;
		} else {
			free(b);
		}
		b = next;
	}
}

static uint32_t
get_fresh(struct route_slab *s, unsigned n_units)
{
	while (((size_t)s->next_fresh + n_units) * ROUTE_UNIT_BYTES > s->backed_bytes) {
		if (!back_one_chunk(s))
			return 0;
	}
	uint32_t unit = s->next_fresh;
	s->next_fresh += n_units;
	return unit;
}

uint32_t
route_slab_get(struct route_slab *s, unsigned n_units)
{
	if (!s->free_head[n_units])
		take_returned(s);
	uint32_t unit = s->free_head[n_units];
	if (!unit)
		return get_fresh(s, n_units);
	memcpy(&s->free_head[n_units], s->units + (size_t)unit * ROUTE_UNIT_BYTES,
		sizeof(s->free_head[n_units]));
	return unit;
}

int
route_slab_begin(struct route_slab *s)
{
	if (s->filling)
		return 0;
	if (!s->spare)
		take_returned(s);
	struct batch *b = s->spare;
	if (b) {
		s->spare = b->next;
		s->n_spare--;
	} else {
		b = malloc(sizeof(*b));
	}
	if (!b)
		return -ENOMEM;
	b->slab = s;
	b->n = 0;
	s->filling = b;
	return 0;
}

void
route_slab_retire(struct route_slab *s, uint32_t unit, unsigned n_units)
{
	struct batch *b = s->filling;
	b->pieces[b->n++] = (uint32_t)n_units << UNIT_BITS | unit;
}

static void
batch_returns(struct rcu_node *node)
{
	struct batch *b = CONTAINER_OF(node, struct batch, retired);
	struct route_slab *s = b->slab;
	b->next = __atomic_load_n(&s->returned, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(
		&s->returned, &b->next, b, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	let_go(s);
}

void
route_slab_end(struct route_slab *s)
{
	struct batch *b = s->filling;
	if (b->n + RETIRED_BY_ONE_UPDATE <= BATCH_PIECES)
		return;
	s->filling = NULL;
	__atomic_add_fetch(&s->n_holds, 1, __ATOMIC_RELAXED);
	rcu_retire(&b->retired, batch_returns);
}
