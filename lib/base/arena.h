/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An arena of equal slots that never move: slot id stands at base + id * stride, so an id is
 * turned into an address without a look-up. The address range is reserved at once and backed
 * 2 MiB at a time, by huge pages where the system has any. Ids start at 1; 0 means none.
 * Readers may touch a slot under RCU; get and put belong to writers, who hold the owner's lock.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct arena {
	uint8_t *base;
	size_t stride_bytes;
	size_t reserved_bytes;
	size_t backed_bytes;
	uint32_t max_slots;
	uint32_t next_fresh;   /* the lowest id never handed out; atomic */
	uint32_t n_used;
	uint32_t *free_ids;    /* a first-in first-out ring: a freed id rests as long as it can */
	uint32_t free_head;
	uint32_t n_free;
};

/* Reserves room for max_slots of stride_bytes (a multiple of 8). 0, -EINVAL or -ENOMEM. */
int arena_init(struct arena *a, size_t stride_bytes, uint32_t max_slots, struct err *err);
void arena_fini(struct arena *a);
/*
 * An arena that is a single zeroed block of n_bytes, for what is one table: all of its memory is
 * there when this returns, so nobody who writes to it waits for the kernel. 0 and *block, which
 * arena_fini frees, or -ENOMEM.
 */
int arena_init_block(struct arena *a, size_t n_bytes, void **block, struct err *err);

/* A zeroed slot's id, or 0 when the arena is full or memory is short. */
uint32_t arena_get(struct arena *a);
/*
 * The same, of the free slots the one that `random` chooses, from among n_choice at least while the
 * arena has that many: so an id does not tell how many were handed out since the last one.
 */
uint32_t arena_get_any(struct arena *a, uint32_t random, uint32_t n_choice);
/* Gives a slot back; the caller has waited for readers and wiped secrets. */
void arena_put(struct arena *a, uint32_t id);

static inline void *
arena_at(const struct arena *a, uint32_t id)
{
	return a->base + (size_t)id * a->stride_bytes;
}
