/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's AF_XDP driver registers n times a buffer's size with the kernel, counted from the first
 * buffer. A pool whose buffers must not cross pages has gaps between them, so that some stand
 * behind that end: the kernel throws each of these away when it comes to the driver's fill queue,
 * which is then one shorter for ever, until the port is deaf. So buffers lie back to back
 * where no device needs physical addresses, and what still stands outside is not used.
 */
#include "pool.h"

#include <errno.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "mailbox/frame.h"

enum { POOL_CACHE = 256 };

static struct rte_mempool *
populate(struct rte_mempool *pool, uint16_t room_bytes)
{
	struct rte_pktmbuf_pool_private private = {.mbuf_data_room_size = room_bytes};
	const char *ops = frame_pool_ops();
	int rc = rte_mempool_set_ops_byname(pool, ops ? ops : rte_mbuf_best_mempool_ops(), NULL);
	if (!rc) {
		rte_pktmbuf_pool_init(pool, &private);
		rc = rte_mempool_populate_default(pool);
	}
	if (rc < 0) {
		rte_errno = -rc;
		rte_mempool_free(pool);
		return NULL;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}

/* Keeps the buffers that end behind what the driver registers; returns how many. */
static unsigned
withhold_outside(struct rte_mempool *pool, void **all)
{
	const struct rte_mempool_memhdr *memory = STAILQ_FIRST(&pool->mem_list);
	size_t one = rte_mempool_calc_obj_size(pool->elt_size, pool->flags, NULL);
	uintptr_t first = (uintptr_t)memory->addr, end = first + pool->populated_size * one;
	unsigned n = pool->populated_size, n_inside = 0;
	if (rte_mempool_get_bulk(pool, all, n))
		return 0;
	for (unsigned i = 0; i < n; i++) {
		uintptr_t at = (uintptr_t)all[i] - pool->header_size;
		if (at >= first && at + one <= end)
			all[n_inside++] = all[i];
	}
	rte_mempool_put_bulk(pool, all, n_inside);
	return n - n_inside;
}

struct rte_mempool *
pool_create(unsigned n, uint16_t room_bytes, bool needs_physical, struct err *err)
{
	unsigned flags = needs_physical ? 0 : RTE_MEMPOOL_F_NO_IOVA_CONTIG;
	void **all = calloc(n, sizeof(*all));
	struct rte_mempool *pool =
		rte_mempool_create_empty("hg-pool", n, sizeof(struct rte_mbuf) + room_bytes,
			POOL_CACHE, sizeof(struct rte_pktmbuf_pool_private), SOCKET_ID_ANY, flags);
	if (pool)
		pool = populate(pool, room_bytes);
	if (!pool || !all) {
		err_set(err, -ENOMEM, "no memory for %u packet buffers of %u bytes (%s)", n,
			room_bytes, rte_strerror(pool ? ENOMEM : rte_errno));
		free(all);
		return NULL;
	}
	unsigned n_outside = withhold_outside(pool, all);
	free(all);
	if (n_outside > n / 16)
		log_warn("%u of %u packet buffers cannot be used: memory is too scattered; more or "
			 "larger hugepages help", n_outside, n);
	return pool;
}
