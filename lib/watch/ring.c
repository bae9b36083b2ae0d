/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch/ring.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/secret.h"

enum { HEADER_BYTES = 8, NOT_A_RECORD = UINT32_MAX };

struct watch_ring {
	uint32_t n_bytes;
	/* Positions grow without end; a place is the position modulo n_bytes. */
	uint64_t added ALIGNED_LINE;  /* the writer's own */
	uint64_t shown;               /* the writer stores (release), the reader loads */
	uint64_t dropped ALIGNED_LINE; /* the reader stores (release), the writer loads */
	uint8_t bytes[] ALIGNED_LINE;
};

struct watch_ring *
watch_ring_create(uint32_t n_bytes)
{
	struct watch_ring *r = aligned_alloc(CACHE_LINE_BYTES, sizeof(*r) + n_bytes);
	if (!r)
		return NULL;
	memset(r, 0, sizeof(*r));
	r->n_bytes = n_bytes;
	return r;
}

void
watch_ring_destroy(struct watch_ring *r)
{
	if (!r)
		return;
	secret_wipe(r->bytes, MIN_OF(r->added, r->n_bytes));
	free(r);
}

/* The header of a record says its bytes, or that the rest up to the end is none. */
static uint8_t *
at(struct watch_ring *r, uint64_t position)
{
	return r->bytes + position % r->n_bytes;
}

static uint64_t
whole(uint32_t n_bytes)
{
	return HEADER_BYTES + ((uint64_t)n_bytes + 7) / 8 * 8;
}

void *
watch_ring_add(struct watch_ring *r, uint32_t n_bytes)
{
	uint64_t need = whole(n_bytes);
	uint64_t left_to_end = r->n_bytes - r->added % r->n_bytes;
	uint64_t skip = left_to_end < need ? left_to_end : 0;
	/* Pairs with watch_ring_drop: the reader has read what is written over. */
	uint64_t used = r->added - __atomic_load_n(&r->dropped, __ATOMIC_ACQUIRE);
	if (used + skip + need > r->n_bytes)
		return NULL;
	if (skip)
		store_le32(at(r, r->added), NOT_A_RECORD);
	r->added += skip;
	uint8_t *record = at(r, r->added);
	store_le32(record, n_bytes);
	r->added += need;
	return record + HEADER_BYTES;
}

void
watch_ring_show(struct watch_ring *r)
{
	__atomic_store_n(&r->shown, r->added, __ATOMIC_RELEASE);
}

const void *
watch_ring_first(struct watch_ring *r, uint32_t *n_bytes)
{
	/* Pairs with watch_ring_show: the records are whole. */
	uint64_t shown = __atomic_load_n(&r->shown, __ATOMIC_ACQUIRE);
	if (r->dropped == shown)
		return NULL;
	if (load_le32(at(r, r->dropped)) == NOT_A_RECORD)
		__atomic_store_n(&r->dropped,
			r->dropped + (r->n_bytes - r->dropped % r->n_bytes), __ATOMIC_RELEASE);
	const uint8_t *record = at(r, r->dropped);
	*n_bytes = load_le32(record);
	return record + HEADER_BYTES;
}

void
watch_ring_drop(struct watch_ring *r)
{
	uint32_t n_bytes = load_le32(at(r, r->dropped));
	__atomic_store_n(&r->dropped, r->dropped + whole(n_bytes), __ATOMIC_RELEASE);
}
