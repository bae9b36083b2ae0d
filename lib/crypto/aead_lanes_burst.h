/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a SIMD backend is made of, the same for each: order, groups, sealing, opening and taking
 * back. A backend includes this behind its kernels, which it names as follows.
 *
 *   struct state        has `group` and `tags[message][2]`, the halves of each tag
 *   wipe(s)             all that is secret in it
 *   begin_group(s, c, nonce_word)
 *                       runs the first blocks of s->group: the keys of Poly1305, and the key stream
 *                       of the first text, which is kept; returns how many blocks are left
 *   cipher_group(s, c, blocks)
 *                       goes over the text with what was kept, then with the blocks that are left
 *   authenticate_aad(s, m)
 *                       takes the associated data of a group of one message
 *   authenticate_group(s, aad_bytes)
 *                       takes the cipher text and the lengths; s->tags are then as they should be
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/aead_lanes.h"

static void *
create(void)
{
	_Static_assert(sizeof(struct state) % CACHE_LINE_BYTES == 0, "as aligned_alloc wants it");
	struct state *s = aligned_alloc(CACHE_LINE_BYTES, sizeof(*s));

	/* Lanes without a block are computed like others: let there be something in them. */
	if (s)
		memset(s, 0, sizeof(*s));
	return s;
}

static void
destroy(void *state)
{
	secret_wipe(state, sizeof(struct state));
	free(state);
}

static void
seal_group(struct state *s)
{
	struct lanes_cursor c;
	unsigned left = begin_group(s, &c, 0);

	cipher_group(s, &c, left);
	authenticate_group(s, 0);
	for (unsigned m = 0; m < s->group.n; m++) {
		struct aead_job *j = s->group.job[m];

		memcpy(j->data + j->n_bytes, s->tags[m], AEAD_TAG_BYTES);
		j->is_ok = true;
	}
}

/* Constant time: no branch before both halves are folded; then the answer is anybody's. */
static inline bool
tag_is_right(const uint64_t computed[2], const uint8_t *given)
{
	uint64_t differ = (computed[0] ^ load_le64(given)) | (computed[1] ^ load_le64(given + 8));

	secret_is_public(&differ, sizeof(differ));
	return differ == 0;
}

static void
open_group(struct state *s)
{
	struct lanes_cursor c;
	unsigned left = begin_group(s, &c, 0);

	authenticate_group(s, 0);
	for (unsigned m = 0; m < s->group.n; m++) {
		struct aead_job *j = s->group.job[m];

		j->is_ok = tag_is_right(s->tags[m], j->data + j->n_bytes);
	}
	cipher_group(s, &c, left);
	for (unsigned m = 0; m < s->group.n; m++) {
		struct aead_job *j = s->group.job[m];

		if (unlikely_true(!j->is_ok))
			secret_wipe(j->data, j->n_bytes);
	}
}

static inline __attribute__((always_inline)) void
run_burst(struct state *s, struct aead_job *jobs, unsigned n, void (*group)(struct state *))
{
	uint8_t order[LANES_WINDOW];

	for (unsigned at = 0; at < n; at += LANES_WINDOW) {
		unsigned n_here = MIN_OF(n - at, (unsigned)LANES_WINDOW);

		lanes_order(jobs + at, n_here, order);
		for (unsigned from = 0; from < n_here;) {
			from = lanes_group_take(&s->group, jobs + at, order, from, n_here);
			group(s);
		}
	}
	wipe(s);
}

static void
seal_burst(void *state, struct aead_job *jobs, unsigned n)
{
	run_burst(state, jobs, n, seal_group);
}

static void
open_burst(void *state, struct aead_job *jobs, unsigned n)
{
	run_burst(state, jobs, n, open_group);
}

/* A group of one message in m->out; cursor and number of blocks left are as begin_group's. */
static unsigned
begin_one(struct state *s, struct lanes_cursor *c, const uint8_t *key, const uint8_t *nonce,
	struct aead_job *j)
{
	uint8_t order = 0;

	j->key = key;
	j->counter = load_le64(nonce + 4);
	lanes_group_take(&s->group, j, &order, 0, 1);
	return begin_group(s, c, load_le32(nonce));
}

static int
seal_one(void *state, const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
	const struct aead_message *m)
{
	struct state *s = state;
	struct aead_job j = {.data = m->out, .n_bytes = (uint32_t)m->in_bytes};
	struct lanes_cursor c;

	if (m->in_bytes > AEAD_JOB_MAX_BYTES || m->aad_bytes > AEAD_JOB_MAX_BYTES)
		return -EIO;
	memmove(m->out, m->in, m->in_bytes);
	unsigned left = begin_one(s, &c, key, nonce, &j);
	cipher_group(s, &c, left);
	authenticate_aad(s, m);
	authenticate_group(s, m->aad_bytes);
	memcpy(m->out + m->in_bytes, s->tags[0], AEAD_TAG_BYTES);
	wipe(s);
	return 0;
}

static int
open_one(void *state, const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
	const struct aead_message *m)
{
	struct state *s = state;
	struct lanes_cursor c;

	if (m->in_bytes < AEAD_TAG_BYTES || m->in_bytes > AEAD_JOB_MAX_BYTES + AEAD_TAG_BYTES ||
		m->aad_bytes > AEAD_JOB_MAX_BYTES)
		return -EBADMSG;
	uint32_t n_bytes = (uint32_t)m->in_bytes - AEAD_TAG_BYTES;
	/* From in, where the tag stands behind: a kernel may read it. out ends with the text. */
	struct aead_job in = {.data = (uint8_t *)m->in, .n_bytes = n_bytes};
	struct aead_job out = {.data = m->out, .n_bytes = n_bytes};
	(void)begin_one(s, &c, key, nonce, &in);
	authenticate_aad(s, m);
	authenticate_group(s, m->aad_bytes);
	bool is_right = tag_is_right(s->tags[0], m->in + n_bytes);
	memmove(m->out, m->in, n_bytes);
	unsigned left = begin_one(s, &c, key, nonce, &out);
	cipher_group(s, &c, left);
	if (!is_right)
		secret_wipe(m->out, n_bytes);
	wipe(s);
	return is_right ? 0 : -EBADMSG;
}
