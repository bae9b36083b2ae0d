/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the SIMD backends share: from the jobs of a burst to groups whose ChaCha20 blocks fill the
 * lanes. Jobs go by length, the longest first, for lanes that work side by side end side by side.
 * A group is as many jobs as there are lanes; its blocks are told off level by level: block 0 of
 * every message (the key of its Poly1305), then block 1 of each that has one, and so on. Those
 * that have a block at a level are the first so many of the group, so a level is one run of
 * messages, and the next level follows in the lane behind it.
 *
 * Before it includes this, a backend says how many jobs it takes into a group at most, LANES_GROUP,
 * and of which number a group's lanes are a multiple, LANES_GROUP_LEAST, as enumerators.
 *
 * Lengths, counters and addresses are public and may be branched on; keys and texts are not read.
 */
#pragma once

#include <string.h>

#include "crypto/aead_burst.h"

enum {
	LANES_WINDOW = 64, /* jobs put in order at a time */
	LANES_PAD = 16, /* room on either side for vectors that read past a run of messages */
	LANES_BLOCK_BYTES = 64,
	LANES_POLY_BYTES = 16,
	/* A group is read and written some three times: it should stay in the first cache. */
	LANES_GROUP_BYTES = 20 * 1024,
	LANES_BUCKETS = 48,
};

struct lanes_group {
	unsigned n;
	struct aead_job *job[LANES_GROUP];
	const uint8_t *key[LANES_GROUP];
	uint64_t counter[LANES_GROUP];
	/* Message m stands at place LANES_PAD + m. */
	uint8_t *data[LANES_GROUP + 2 * LANES_PAD];
	uint32_t n_bytes[LANES_GROUP + 2 * LANES_PAD];
};

/* How far the blocks of a group have been told off. */
struct lanes_cursor {
	unsigned level;  /* the block of each message that is next; 0: its key */
	unsigned next;   /* message */
	unsigned active; /* messages that have a block at this level; 0: all is done */
};

static inline unsigned
lanes_poly_blocks(uint32_t n_bytes)
{
	return (n_bytes + LANES_POLY_BYTES - 1) / LANES_POLY_BYTES;
}

static inline unsigned
lanes_blocks(uint32_t n_bytes)
{
	return (n_bytes + LANES_BLOCK_BYTES - 1) / LANES_BLOCK_BYTES;
}

/* Of a length in blocks, the longest first: exact up to 7, then by its three leading bits. */
static inline unsigned
lanes_bucket(unsigned blocks)
{
	if (blocks < 8)
		return LANES_BUCKETS - 1 - blocks;
	unsigned exponent = 31u - (unsigned)__builtin_clz(blocks);
	return LANES_BUCKETS - 1 - (8 + (exponent - 3) * 4 + ((blocks >> (exponent - 2)) & 3));
}
_Static_assert(8 + (11 - 3) * 4 + 3 < LANES_BUCKETS, "4095 blocks of a job have a bucket");

static inline bool
lanes_are_equal(const struct aead_job *jobs, unsigned n)
{
	unsigned blocks = lanes_poly_blocks(jobs[0].n_bytes), differ = 0;

	for (unsigned i = 1; i < n; i++)
		differ |= blocks ^ lanes_poly_blocks(jobs[i].n_bytes);
	return differ == 0;
}

/* Mends what a bucket of several lengths left; one comparison a job when there is nothing. */
static inline void
lanes_mend_order(const struct aead_job *jobs, unsigned n, uint8_t *order)
{
	for (unsigned i = 1; i < n; i++) {
		uint8_t at = order[i];
		unsigned blocks = lanes_poly_blocks(jobs[at].n_bytes), k = i;

		for (; k && lanes_poly_blocks(jobs[order[k - 1]].n_bytes) < blocks; k--)
			order[k] = order[k - 1];
		order[k] = at;
	}
}

/* n up to LANES_WINDOW. order[]: the jobs by falling length in 16-byte blocks. */
static inline void
lanes_order(const struct aead_job *jobs, unsigned n, uint8_t order[LANES_WINDOW])
{
	uint8_t end[LANES_BUCKETS] = {0};

	if (lanes_are_equal(jobs, n)) {
		for (unsigned i = 0; i < n; i++)
			order[i] = (uint8_t)i;
		return;
	}
	for (unsigned i = 0; i < n; i++)
		end[lanes_bucket(lanes_poly_blocks(jobs[i].n_bytes))]++;
	for (unsigned b = 1; b < LANES_BUCKETS; b++)
		end[b] = (uint8_t)(end[b] + end[b - 1]);
	for (unsigned i = n; i-- > 0;)
		order[--end[lanes_bucket(lanes_poly_blocks(jobs[i].n_bytes))]] = (uint8_t)i;
	lanes_mend_order(jobs, n, order);
}

static inline void
lanes_group_add(struct lanes_group *g, struct aead_job *j)
{
	unsigned m = g->n++;

	g->job[m] = j;
	g->key[m] = j->key;
	g->counter[m] = j->counter;
	g->data[LANES_PAD + m] = j->data;
	g->n_bytes[LANES_PAD + m] = j->n_bytes;
}

/*
 * The next group of up to max jobs in their order, from place `from`; returns the place behind it.
 * Unused places, up to a multiple of LANES_GROUP_LEAST, get the first one's key.
 */
static inline unsigned
lanes_group_take(struct lanes_group *g, struct aead_job *jobs, const uint8_t *order, unsigned from,
	unsigned n)
{
	uint32_t n_bytes = 0;

	g->n = 0;
	while (from < n && g->n < LANES_GROUP &&
		(g->n % LANES_GROUP_LEAST || n_bytes < LANES_GROUP_BYTES)) {
		struct aead_job *j = &jobs[order[from++]];

		n_bytes += j->n_bytes;
		lanes_group_add(g, j);
	}
	for (unsigned m = g->n; m % LANES_GROUP_LEAST; m++) {
		g->key[m] = g->key[0];
		g->counter[m] = 0;
	}
	return from;
}

static inline unsigned
lanes_group_blocks(const struct lanes_group *g)
{
	unsigned n = g->n;

	for (unsigned m = 0; m < g->n; m++)
		n += lanes_blocks(g->n_bytes[LANES_PAD + m]);
	return n;
}

/* The caller has taken n messages of this level. */
static inline void
lanes_cursor_advance(struct lanes_cursor *c, const struct lanes_group *g, unsigned n)
{
	c->next += n;
	if (c->next < c->active)
		return;
	c->next = 0;
	uint32_t done_bytes = LANES_BLOCK_BYTES * c->level++;
	while (c->active && g->n_bytes[LANES_PAD + c->active - 1] <= done_bytes)
		c->active--;
}
