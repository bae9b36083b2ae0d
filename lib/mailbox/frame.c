/* SPDX-License-Identifier: BSD-3-Clause */
/* The casts between frames and mbufs, in the one file that knows both names. */
#include "mailbox/frame.h"

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

static struct rte_mbuf *
mbuf_of(const struct frame *f)
{
	return (struct rte_mbuf *)(uintptr_t)f;
}

static struct rte_ring *
ring_of(const struct frame_ring *r)
{
	return (struct rte_ring *)(uintptr_t)r;
}

struct frame *
frame_alloc(struct frame_pool *pool)
{
	struct frame *f;
	return frame_alloc_burst(pool, &f, 1) ? f : NULL;
}

unsigned
frame_alloc_burst(struct frame_pool *pool, struct frame **frames, unsigned n)
{
	struct rte_mbuf **mbufs = (struct rte_mbuf **)frames;
	if (rte_mempool_get_bulk((struct rte_mempool *)pool, (void **)frames, n))
		return 0;
	for (unsigned i = 0; i < n; i++) {
		rte_pktmbuf_reset(mbufs[i]);
		mbufs[i]->hash.usr = 0;
	}
	return n;
}

void
frame_free(struct frame *f)
{
	if (f)
		rte_pktmbuf_free(mbuf_of(f));
}

void
frame_free_burst(struct frame **frames, unsigned n)
{
	if (n)
		rte_pktmbuf_free_bulk((struct rte_mbuf **)frames, n);
}

void *
frame_data(struct frame *f)
{
	return rte_pktmbuf_mtod(mbuf_of(f), void *);
}

uint32_t
frame_room(const struct frame *f)
{
	const struct rte_mbuf *m = mbuf_of(f);
	return m->buf_len - m->data_off;
}

uint32_t
frame_len(const struct frame *f)
{
	return mbuf_of(f)->data_len;
}

void
frame_set_len(struct frame *f, uint32_t n_bytes)
{
	mbuf_of(f)->data_len = (uint16_t)n_bytes;
	mbuf_of(f)->pkt_len = n_bytes;
}

uint16_t
frame_link(const struct frame *f)
{
	return (uint16_t)mbuf_of(f)->hash.usr;
}

void
frame_set_link(struct frame *f, uint16_t link_id)
{
	mbuf_of(f)->hash.usr = link_id;
}

struct frame_ring *
frame_ring_create(const char *name, uint32_t n_slots, unsigned flags, struct err *err)
{
	unsigned ring_flags = RING_F_EXACT_SZ;
	if (flags & FRAME_RING_ONE_PRODUCER)
		ring_flags |= RING_F_SP_ENQ;
	if (flags & FRAME_RING_ONE_CONSUMER)
		ring_flags |= RING_F_SC_DEQ;
	struct rte_ring *r = rte_ring_create(name, n_slots, SOCKET_ID_ANY, ring_flags);
	if (!r)
		err_set(err, -rte_errno, "cannot make the ring %s of %u frames: %s", name, n_slots,
			rte_strerror(rte_errno));
	return (struct frame_ring *)r;
}

void
frame_ring_destroy(struct frame_ring *ring)
{
	if (!ring)
		return;
	struct frame *rest[32];
	for (unsigned n; (n = frame_ring_pop(ring, rest, 32));)
		frame_free_burst(rest, n);
	rte_ring_free(ring_of(ring));
}

unsigned
frame_ring_push(struct frame_ring *ring, struct frame *const *frames, unsigned n)
{
	return rte_ring_enqueue_burst(ring_of(ring), (void *const *)frames, n, NULL);
}

unsigned
frame_ring_pop(struct frame_ring *ring, struct frame **frames, unsigned n)
{
	return rte_ring_dequeue_burst(ring_of(ring), (void **)frames, n, NULL);
}

bool
frame_ring_is_empty(const struct frame_ring *ring)
{
	return rte_ring_empty(ring_of(ring));
}
