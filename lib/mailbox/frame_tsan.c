/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mempool ops of a ThreadSanitizer build. A buffer that one thread frees and another takes is
 * ordered by the pool's ring, whose code stands in a library that is not instrumented. This ring
 * is compiled here, where the sanitizer sees it.
 */
#include <errno.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailbox/frame.h"
#include "mailbox/ring_mode.h"

struct buffers {
	struct rte_ring *ring;
	ring_turn turn;
};

static int
ops_alloc(struct rte_mempool *pool)
{
	char name[RTE_RING_NAMESIZE];
	struct buffers *b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	snprintf(name, sizeof(name), "ts-%.20s", pool->name);
	b->ring = rte_ring_create(name, pool->size, pool->socket_id, RING_F_EXACT_SZ);
	ring_turn_init(&b->turn);
	pool->pool_data = b;
	return b->ring ? 0 : -ENOMEM; /* then ops_free follows */
}

static void
ops_free(struct rte_mempool *pool)
{
	struct buffers *b = pool->pool_data;
	if (b)
		rte_ring_free(b->ring);
	free(b);
}

static int
ops_enqueue(struct rte_mempool *pool, void *const *buffers, unsigned n)
{
	struct buffers *b = pool->pool_data;
	ring_turn_begin(&b->turn);
	unsigned n_in = rte_ring_enqueue_bulk(b->ring, buffers, n, NULL);
	ring_turn_end(&b->turn);
	return n_in ? 0 : -ENOBUFS;
}

static int
ops_dequeue(struct rte_mempool *pool, void **buffers, unsigned n)
{
	struct buffers *b = pool->pool_data;
	ring_turn_begin(&b->turn);
	unsigned n_out = rte_ring_dequeue_bulk(b->ring, buffers, n, NULL);
	ring_turn_end(&b->turn);
	return n_out ? 0 : -ENOBUFS;
}

static unsigned
ops_count(const struct rte_mempool *pool)
{
	const struct rte_ring *r = ((const struct buffers *)pool->pool_data)->ring;
	uint32_t put = __atomic_load_n(&r->prod.tail, __ATOMIC_RELAXED);
	return (put - __atomic_load_n(&r->cons.tail, __ATOMIC_RELAXED)) & r->mask;
}

static const struct rte_mempool_ops ops = {
	.name = "hg_tsan",
	.alloc = ops_alloc,
	.free = ops_free,
	.enqueue = ops_enqueue,
	.dequeue = ops_dequeue,
	.get_count = ops_count,
};

const char *
frame_pool_ops(void)
{
	for (uint32_t i = 0; i < rte_mempool_ops_table.num_ops; i++) {
		if (strcmp(rte_mempool_ops_table.ops[i].name, ops.name) == 0)
			return ops.name;
	}
	return rte_mempool_register_ops(&ops) < 0 ? NULL : ops.name;
}
