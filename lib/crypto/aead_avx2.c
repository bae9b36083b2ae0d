/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The burst backend for AVX2: the blocks of a group of up to eight messages, of any lengths and
 * keys, fill sixteen ChaCha20 lanes (crypto/chacha_avx2.h, two states of eight); their Poly1305
 * runs in two states of four lanes, a message a lane (crypto/poly_avx2.h). How jobs become groups
 * and lanes: crypto/aead_lanes.h; what a burst is made of: crypto/aead_lanes_burst.h.
 *
 * A batch is sixteen lanes. The first one of a group holds the Poly1305 keys, as words by message,
 * which is how Poly1305 wants them. What is left of its lanes are the first data blocks; opening
 * keeps their key stream until the tags have been computed from the cipher text.
 *
 * Of four Poly1305 messages up to two may be much longer than the others: they begin alone, in all
 * four lanes. Three of them cost what four do. ChaCha20 blocks fill all lanes in any case.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/aead_backends.h"
#include "crypto/chacha_avx2.h"
#include "crypto/cpu.h"
#include "crypto/poly_avx2.h"

enum {
	LANES_GROUP = CHACHA8_LANES,
	LANES_GROUP_LEAST = LANES_GROUP,
};
#include "crypto/aead_lanes.h"

enum {
	BATCH_BLOCKS = 2 * CHACHA8_LANES,
	POLYS = LANES_GROUP / POLY4_LANES,
	/* A message that is so much longer than the third of four pays for its powers of r. */
	WIDE_BLOCKS = 16,
};

/* Up to sixteen blocks: whose they are, which, and how many bytes of text they go over. */
struct batch {
	uint32_t message[BATCH_BLOCKS];
	uint32_t counter[BATCH_BLOCKS];
	uint8_t *at[BATCH_BLOCKS];
	uint32_t n_bytes[BATCH_BLOCKS]; /* 0: a key, no text */
	unsigned n;
};

/*
 * Four messages as Poly1305 reads them, in steps of two blocks; they end together. A message
 * begins `ahead` bytes into the steps. Its last block of text goes apart, with the lengths.
 */
struct text {
	const uint8_t *start[POLY4_LANES];
	size_t ahead[POLY4_LANES]; /* a multiple of 16, least for the first and longest message */
	const uint8_t *last[POLY4_LANES];
	unsigned last_bytes[POLY4_LANES];
	unsigned n_whole[POLY4_LANES]; /* blocks before the last one */
	uint32_t n_bytes[POLY4_LANES];
	unsigned n_steps;
	unsigned n_ragged; /* so many steps pass before every message has begun */
	unsigned n_done;
};

struct state {
	struct lanes_group group;
	struct batch batch;
	struct text texts[POLYS];
	bool has_wide; /* since the last wipe */
	/* Secret; wiped at the end of each call. */
	struct chacha8_keys keys ALIGNED_LINE;
	struct chacha8 cipher[2];
	uint8_t stream[BATCH_BLOCKS][CHACHA_BLOCK_BYTES] ALIGNED_LINE; /* of the batch */
	struct poly4 polys[POLYS];
	uint64_t tags[LANES_GROUP][2] ALIGNED_LINE;
	struct poly4_wide wide; /* last, and rarely used */
};

static const uint8_t zeros[POLY4_STEP_BYTES];

static void
wipe(struct state *s)
{
	size_t end = s->has_wide ? sizeof(*s) : offsetof(struct state, wide);

	secret_wipe(&s->keys, end - offsetof(struct state, keys));
	s->has_wide = false;
}

/* The next lanes of the list of blocks. */
static void
fill_batch(struct batch *b, struct lanes_cursor *c, const struct lanes_group *g)
{
	for (b->n = 0; b->n < BATCH_BLOCKS && c->active;) {
		unsigned n = MIN_OF(BATCH_BLOCKS - b->n, c->active - c->next);
		uint32_t done = c->level ? LANES_BLOCK_BYTES * (c->level - 1) : 0;

		for (unsigned m = c->next; m < c->next + n; m++, b->n++) {
			uint32_t left = g->n_bytes[LANES_PAD + m] - done;

			b->message[b->n] = m;
			b->counter[b->n] = c->level;
			b->at[b->n] = g->data[LANES_PAD + m] + done;
			b->n_bytes[b->n] = c->level ? MIN_OF(left, LANES_BLOCK_BYTES) : 0;
		}
		lanes_cursor_advance(c, g, n);
	}
}

static inline void
run_half_end(struct state *s, unsigned half)
{
	chacha8_to_bytes(&s->cipher[half], s->stream + (size_t)half * CHACHA8_LANES);
}

/* The key stream of the batch, into s->stream. */
static void
run_batch(struct state *s)
{
	const struct batch *b = &s->batch;

	chacha8_start(&s->cipher[0], &s->keys, b->message, b->counter);
	if (b->n <= CHACHA8_LANES) {
		chacha8_run(&s->cipher[0]);
	} else {
		chacha8_start(&s->cipher[1], &s->keys, b->message + CHACHA8_LANES,
			b->counter + CHACHA8_LANES);
		chacha8_run_pair(&s->cipher[0], &s->cipher[1]);
		run_half_end(s, 1);
	}
	run_half_end(s, 0);
}

static inline void
xor_block(uint8_t *at, const uint8_t *stream)
{
	for (unsigned i = 0; i < CHACHA_BLOCK_BYTES; i += sizeof(__m256i)) {
		__m256i *p = (__m256i *)(at + i);
		_mm256_storeu_si256(p, _mm256_xor_si256(_mm256_loadu_si256(p),
					       *(const __m256i *)(stream + i)));
	}
}

/* Touches not one byte outside of the n_bytes, 0 to 63. */
static inline void
xor_part(uint8_t *at, const uint8_t *stream, unsigned n_bytes)
{
	unsigned i = 0;

	for (; i + 16 <= n_bytes; i += 16) {
		__m128i *p = (__m128i *)(at + i);
		_mm_storeu_si128(p, _mm_xor_si128(_mm_loadu_si128(p),
					    *(const __m128i *)(stream + i)));
	}
	for (; i < n_bytes; i++)
		at[i] ^= stream[i];
}

static void
xor_batch(struct state *s)
{
	const struct batch *b = &s->batch;

	for (unsigned i = 0; i < b->n; i++) {
		if (likely_true(b->n_bytes[i] == CHACHA_BLOCK_BYTES))
			xor_block(b->at[i], s->stream[i]);
		else
			xor_part(b->at[i], s->stream[i], b->n_bytes[i]);
	}
}

/* Keys and first batch, whose key stream waits; returns how many blocks are left behind it. */
static unsigned
begin_group(struct state *s, struct lanes_cursor *c, uint32_t nonce_word)
{
	struct lanes_group *g = &s->group;

	chacha8_load_nonces(&s->keys, nonce_word, g->counter);
	chacha8_load_keys(&s->keys, g->key);
	*c = (struct lanes_cursor){.active = g->n};
	fill_batch(&s->batch, c, g);
	run_batch(s);
	for (unsigned q = 0; q < POLYS; q++)
		poly4_start(&s->polys[q], s->cipher[0].stream, q);
	return lanes_group_blocks(g) - s->batch.n;
}

static void
cipher_group(struct state *s, struct lanes_cursor *c, unsigned blocks)
{
	xor_batch(s);
	for (; blocks; blocks -= s->batch.n) {
		fill_batch(&s->batch, c, &s->group);
		run_batch(s);
		xor_batch(s);
	}
}

/* How many blocks of lane l are taken before the steps; n_steps is known. */
static inline unsigned
text_wide_blocks(const struct text *t, unsigned l)
{
	return t->n_whole[l] > 2 * t->n_steps ? t->n_whole[l] - 2 * t->n_steps : 0;
}

/*
 * How many steps four messages take. Up to two that are much longer than the third begin alone, in
 * all lanes, so that the steps need not wait for them.
 */
static inline void
text_set_steps(struct text *t, unsigned n, bool may_be_wide)
{
	unsigned most = t->n_whole[0], others = n > 2 ? t->n_whole[2] : 0;

	if (n > 1 && t->n_whole[1] < others + WIDE_BLOCKS)
		others = t->n_whole[1];
	if (may_be_wide && most >= others + WIDE_BLOCKS)
		most = others;
	t->n_steps = (most + 1) / 2;
}

/* Where four messages from number `from` on stand, longest first; unused lanes repeat the last. */
static void
text_lay_out(struct text *t, const struct lanes_group *g, unsigned from, bool may_be_wide)
{
	unsigned n = MIN_OF(g->n - from, (unsigned)POLY4_LANES);

	for (unsigned l = 0; l < POLY4_LANES; l++) {
		unsigned place = LANES_PAD + from + MIN_OF(l, n - 1);

		t->n_bytes[l] = g->n_bytes[place];
		t->start[l] = g->data[place];
		t->n_whole[l] = t->n_bytes[l] ? (t->n_bytes[l] - 1) / POLY_BLOCK_BYTES : 0;
		t->last[l] = t->start[l] + (size_t)t->n_whole[l] * POLY_BLOCK_BYTES;
		t->last_bytes[l] = t->n_bytes[l] - t->n_whole[l] * POLY_BLOCK_BYTES;
	}
	text_set_steps(t, n, may_be_wide);
	for (unsigned l = 0; l < POLY4_LANES; l++) {
		unsigned n_wide = text_wide_blocks(t, l);

		t->start[l] += (size_t)n_wide * POLY_BLOCK_BYTES;
		t->ahead[l] =
			(size_t)(2 * t->n_steps + n_wide - t->n_whole[l]) * POLY_BLOCK_BYTES;
	}
	t->n_done = 0;
	t->n_ragged = (unsigned)((t->ahead[POLY4_LANES - 1] + POLY4_STEP_BYTES - 1) /
				 POLY4_STEP_BYTES);
}

static void
absorb_wide(struct state *s, unsigned q)
{
	const struct text *t = &s->texts[q];

	for (unsigned l = 0; l < POLY4_LANES; l++) {
		unsigned n_wide = text_wide_blocks(t, l);

		if (n_wide == 0 || q * POLY4_LANES + l >= s->group.n)
			continue;
		poly4_take_wide(&s->wide, &s->polys[q], l,
			t->start[l] - (size_t)n_wide * POLY_BLOCK_BYTES, n_wide);
		s->has_wide = true;
	}
}

/* A step in which a message may not have begun, or begin with the second block. */
static void
absorb_ragged(struct poly4 *p, const struct text *t, size_t at_byte)
{
	uint8_t second[POLY4_LANES][POLY4_STEP_BYTES];
	const uint8_t *at[POLY4_LANES];
	uint64_t bit[2][POLY4_LANES];

	for (unsigned l = 0; l < POLY4_LANES; l++) {
		bool is_whole = at_byte >= t->ahead[l];
		bool has_second = at_byte + POLY_BLOCK_BYTES >= t->ahead[l];

		at[l] = is_whole ? t->start[l] + (at_byte - t->ahead[l]) : zeros;
		if (has_second && !is_whole) {
			memset(second[l], 0, POLY_BLOCK_BYTES);
			memcpy(second[l] + POLY_BLOCK_BYTES, t->start[l], POLY_BLOCK_BYTES);
			at[l] = second[l];
		}
		bit[0][l] = is_whole ? POLY4_BIT : 0;
		bit[1][l] = has_second ? POLY4_BIT : 0;
	}
	poly4_take(p, at, _mm256_loadu_si256((const __m256i *)bit[0]),
		_mm256_loadu_si256((const __m256i *)bit[1]));
}

/* One ragged step of a text, or all other ones. false: none was left. */
static inline bool
absorb_some(struct poly4 *p, struct text *t)
{
	size_t at_byte = (size_t)t->n_done * POLY4_STEP_BYTES;
	const uint8_t *at[POLY4_LANES];

	if (t->n_done == t->n_steps)
		return false;
	if (t->n_done < t->n_ragged) {
		/* One block is first in all lanes, as always when lengths are equal and odd. */
		if (t->ahead[0] == POLY_BLOCK_BYTES &&
			t->ahead[POLY4_LANES - 1] == POLY_BLOCK_BYTES)
			poly4_take_one(p, t->start);
		else
			absorb_ragged(p, t, at_byte);
		t->n_done++;
		return true;
	}
	for (unsigned l = 0; l < POLY4_LANES; l++)
		at[l] = t->start[l] + (at_byte - t->ahead[l]);
	poly4_take_whole(p, at, t->n_steps - t->n_done);
	t->n_done = t->n_steps;
	return true;
}

/* The last block of text and that of lengths (RFC 8439 section 2.8), then the tags. */
static inline void
finish_tags(struct state *s, unsigned q, uint64_t aad_bytes)
{
	const struct text *t = &s->texts[q];
	struct poly4_lengths lengths = {.aad = _mm256_set1_epi64x((long long)aad_bytes),
		.text = _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)t->n_bytes))};

	/* The first one is the longest. */
	if (t->n_bytes[0])
		poly4_take_last(&s->polys[q], t->last, t->last_bytes, &lengths);
	else
		poly4_take_lengths(&s->polys[q], &lengths);
	poly4_tags(&s->polys[q], (__m256i *)s->tags[(size_t)q * POLY4_LANES]);
}

/*
 * The tags of the group's cipher text. The two texts take turns at what is short, so that one is
 * worked on while the other waits for its carry; long runs of steps need no such help.
 */
static void
authenticate_group(struct state *s, uint64_t aad_bytes)
{
	unsigned n_texts = (s->group.n + POLY4_LANES - 1) / POLY4_LANES;
	bool has_more = true;

	for (unsigned q = 0; q < n_texts; q++) {
		/* What is taken before the steps has to be the first of all. */
		text_lay_out(&s->texts[q], &s->group, q * POLY4_LANES, aad_bytes == 0);
		absorb_wide(s, q);
	}
	while (has_more) {
		has_more = false;
		for (unsigned q = 0; q < n_texts; q++)
			has_more |= absorb_some(&s->polys[q], &s->texts[q]);
	}
	for (unsigned q = 0; q < n_texts; q++)
		finish_tags(s, q, aad_bytes);
}

/* Associated data of a single message goes first, padded to a block; all lanes do the same. */
static void
authenticate_aad(struct state *s, const struct aead_message *m)
{
	const uint8_t *aad = m->aad;

	for (size_t from = 0; from < m->aad_bytes; from += POLY_BLOCK_BYTES) {
		uint8_t block[POLY_BLOCK_BYTES] = {0};

		memcpy(block, aad + from, MIN_OF(m->aad_bytes - from, sizeof(block)));
		poly4_take_one(&s->polys[0],
			(const uint8_t *const[POLY4_LANES]){block, block, block, block});
	}
}

#include "crypto/aead_lanes_burst.h"

const struct aead_backend aead_avx2 = {
	.name = "avx2",
	.needs = "AVX2 with BMI2",
	.is_supported = cpu_has_avx2,
	.create = create,
	.destroy = destroy,
	.seal = seal_burst,
	.open = open_burst,
	.seal_one = seal_one,
	.open_one = open_one,
};
