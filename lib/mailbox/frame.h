/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames: packets that travel between workers and threads that know no DPDK. A frame is an
 * rte_mbuf of one segment without its name, a frame pool is an rte_mempool of such mbufs, a frame
 * ring is an rte_ring of pointers; whoever knows DPDK casts, whoever does not uses this header.
 *
 * Each frame has one owner. A push that takes it hands it over; what a full ring does not take
 * stays with the caller. Any thread may call these functions. One that is no DPDK lcore has no
 * cache in the pool and meets the workers in the pool's own ring, so it takes and frees by the
 * burst: a thread preempted there keeps the workers waiting.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct frame;
struct frame_pool;
struct frame_ring;

/*
 * The mempool ops that a frame pool is made with: NULL, DPDK's choice. Under ThreadSanitizer ones
 * that it can see to order a buffer's users. Main thread.
 */
#ifdef HG_TSAN
const char *frame_pool_ops(void);
#else
static inline const char *
frame_pool_ops(void)
{
	return NULL;
}
#endif

/* An empty frame of link 0 with the pool's usual headroom, or NULL when the pool is empty. */
struct frame *frame_alloc(struct frame_pool *pool);
/* Fills frames[0..n) or, when the pool has fewer, none. Returns n or 0. */
unsigned frame_alloc_burst(struct frame_pool *pool, struct frame **frames, unsigned n);
void frame_free(struct frame *f); /* NULL is allowed */
void frame_free_burst(struct frame **frames, unsigned n);

/* The first byte; frame_len bytes from there are the packet. */
void *frame_data(struct frame *f);
/* The bytes that can be written from frame_data on, used ones included. */
uint32_t frame_room(const struct frame *f);
uint32_t frame_len(const struct frame *f);
/* n_bytes must not exceed frame_room. */
void frame_set_len(struct frame *f, uint32_t n_bytes);

/* The link that the frame came from or goes to; it stands in the mbuf's hash.usr. */
uint16_t frame_link(const struct frame *f);
void frame_set_link(struct frame *f, uint16_t link_id);

enum {
	FRAME_RING_ONE_PRODUCER = 1 << 0, /* else any number of threads may push */
	FRAME_RING_ONE_CONSUMER = 1 << 1, /* else any number of threads may pop */
};

/*
 * A bounded ring of n_slots frames. The name is unique within the process and at most 28 bytes.
 * NULL with a sentence in err when there is no memory or the name is taken.
 */
struct frame_ring *frame_ring_create(const char *name, uint32_t n_slots, unsigned flags,
	struct err *err);
/* Frees the ring and the frames that are still in it. No other thread uses it any more. */
void frame_ring_destroy(struct frame_ring *ring);

/* Takes the first of the n frames, as many as there is room for; the caller keeps the rest. */
unsigned frame_ring_push(struct frame_ring *ring, struct frame *const *frames, unsigned n);
/* Pops up to n frames, oldest first; returns how many. They are the caller's now. */
unsigned frame_ring_pop(struct frame_ring *ring, struct frame **frames, unsigned n);
/* A glance: frames may come and go meanwhile. */
bool frame_ring_is_empty(const struct frame_ring *ring);
