/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/arena.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CHUNK_BYTES = 2 << 20 };

int
arena_init(struct arena *a, size_t stride_bytes, uint32_t max_slots, struct err *err)
{
	memset(a, 0, sizeof(*a));
	if (!stride_bytes || stride_bytes % 8 || !max_slots || max_slots == UINT32_MAX)
		return err_set(err, -EINVAL, "arena of %u slots of %zu bytes", max_slots,
			stride_bytes);
	a->stride_bytes = stride_bytes;
	a->max_slots = max_slots;
	a->next_fresh = 1;
	size_t need = ((size_t)max_slots + 1) * stride_bytes;
	a->reserved_bytes = (need + CHUNK_BYTES - 1) / CHUNK_BYTES * CHUNK_BYTES;

	/* One chunk more than needed, so that the base can be aligned to a huge page. */
	size_t span = a->reserved_bytes + CHUNK_BYTES;
	uint8_t *p =
		mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return err_set(err, -ENOMEM, "cannot reserve %zu MiB of addresses", span >> 20);
	size_t skip = (CHUNK_BYTES - (uintptr_t)p % CHUNK_BYTES) % CHUNK_BYTES;
	if (skip)
		munmap(p, skip);
	munmap(p + skip + a->reserved_bytes, CHUNK_BYTES - skip);
	a->base = p + skip;
	return 0;
}

void
arena_fini(struct arena *a)
{
	if (a->base)
		munmap(a->base, a->reserved_bytes);
	free(a->free_ids);
	memset(a, 0, sizeof(*a));
}

/* Backs the next chunk: huge pages if there are some, else transparent ones. */
static bool
back_one_chunk(struct arena *a)
{
	uint8_t *at = a->base + a->backed_bytes;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	int prot = PROT_READ | PROT_WRITE;
	if (mmap(at, CHUNK_BYTES, prot, flags | MAP_HUGETLB | (21 << MAP_HUGE_SHIFT), -1, 0) ==
		MAP_FAILED) {
		if (mmap(at, CHUNK_BYTES, prot, flags, -1, 0) == MAP_FAILED)
			return false;
		madvise(at, CHUNK_BYTES, MADV_HUGEPAGE);
	}
	/* Keys live here: not into core dumps. */
	madvise(at, CHUNK_BYTES, MADV_DONTDUMP);
	a->backed_bytes += CHUNK_BYTES;
	return true;
}

static uint32_t
get_fresh(struct arena *a)
{
	if (a->next_fresh > a->max_slots)
		return 0;
	while (((size_t)a->next_fresh + 1) * a->stride_bytes > a->backed_bytes) {
		if (!back_one_chunk(a))
			return 0;
	}
	uint32_t id = a->next_fresh;
	__atomic_store_n(&a->next_fresh, id + 1, __ATOMIC_RELEASE);
	return id;
}

/* Word by word: a reader with a stale id may look into the slot meanwhile, and finds nothing. */
static void
clear(uint64_t *words, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes / 8; i++)
		__atomic_store_n(&words[i], 0, __ATOMIC_RELAXED);
}

uint32_t
arena_get(struct arena *a)
{
	uint32_t id;
	if (a->n_free) {
		id = a->free_ids[a->free_head];
		a->free_head = (a->free_head + 1) % a->max_slots;
		a->n_free--;
		clear(arena_at(a, id), a->stride_bytes);
	} else {
		id = get_fresh(a);
	}
	a->n_used += id != 0;
	return id;
}

/* The ring is allocated when first needed; malloc of max_slots ids touches no page early. */
static bool
has_ring(struct arena *a)
{
	if (!a->free_ids)
		a->free_ids = malloc(sizeof(*a->free_ids) * a->max_slots);
	return a->free_ids;
}

static void
add_free(struct arena *a, uint32_t id)
{
	a->free_ids[(a->free_head + (size_t)a->n_free) % a->max_slots] = id;
	a->n_free++;
}

uint32_t
arena_get_any(struct arena *a, uint32_t random, uint32_t n_choice)
{
	uint32_t fresh;
	while (a->n_free < n_choice && has_ring(a) && (fresh = get_fresh(a)))
		add_free(a, fresh);
	if (a->n_free) {
		size_t at = ((size_t)a->free_head + random % a->n_free) % a->max_slots;
		uint32_t id = a->free_ids[at];
		a->free_ids[at] = a->free_ids[a->free_head];
		a->free_ids[a->free_head] = id;
	}
	return arena_get(a);
}

void
arena_put(struct arena *a, uint32_t id)
{
	a->n_used--;
	if (has_ring(a))
		add_free(a, id); /* else the slot is lost, nothing else */
}

int
arena_init_block(struct arena *a, size_t n_bytes, void **block, struct err *err)
{
	uint32_t n_slots = (uint32_t)((n_bytes + CHUNK_BYTES - 1) / CHUNK_BYTES);
	int rc = arena_init(a, CHUNK_BYTES, n_slots, err);
	for (uint32_t i = 0; i < n_slots && !rc; i++) {
		if (!arena_get(a)) /* the first ids follow each other */
			rc = -ENOMEM;
	}
	if (!rc)
		*block = memset(arena_at(a, 1), 0, n_bytes);
	return rc;
}
