/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The burst backend for AVX-512: the blocks of a group of up to 32 messages, of any lengths and
 * keys, fill 32 ChaCha20 lanes (crypto/chacha_avx512.h); their Poly1305 runs in eight lanes, a
 * message a lane (crypto/poly_avx512.h). How jobs become groups and lanes: crypto/aead_lanes.h.
 *
 * A batch is 32 lanes. The first one of a group holds the Poly1305 keys, as words by message,
 * which is how Poly1305 wants them: they are never transposed. What is left of its lanes are the
 * first data blocks; opening keeps their key stream until the tags have been computed from the
 * cipher text.
 */
#include <errno.h>
#include <immintrin.h>
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/aead_backends.h"
#include "crypto/chacha_avx512.h"
#include "crypto/cpu.h"
#include "crypto/poly_across_avx512.h"
#include "crypto/poly_avx512.h"

enum {
	LANES_GROUP = CHACHA_MESSAGES,
	LANES_GROUP_LEAST = CHACHA_LANES,
};
#include "crypto/aead_lanes.h"

enum {
	POLYS = LANES_GROUP / POLY_LANES,
};

/* Up to 32 blocks: whose they are, where they go, and how many bytes of each are text. */
struct batch {
	struct chacha_lanes lanes[CHACHA_SETS];
	uint8_t *at[CHACHA_MESSAGES] ALIGNED_LINE;
	uint32_t n_bytes[CHACHA_MESSAGES] ALIGNED_LINE;
	uint16_t partial[CHACHA_SETS]; /* lanes with fewer than 64 bytes, keys among them */
	bool has_data[CHACHA_SETS];
	/* For lanes without text: a masked access to an address that is not mapped takes for ever.
	 */
	uint8_t nowhere[CHACHA_BLOCK_BYTES] ALIGNED_LINE;
};

/* Eight messages as Poly1305 reads them: rows of 64 bytes that end together. */
struct text {
	/* Row 0 of each; it may begin before the message, by so many 16-byte blocks. */
	const uint8_t *row[POLY_LANES] ALIGNED_LINE;
	uint32_t skip[POLY_LANES];
	uint32_t n_bytes[POLY_LANES];
	unsigned n_rows;
	unsigned n_first;   /* blocks of row 0 that any message has, 1 to 4 */
	unsigned full_from; /* from this row on all messages have all blocks */
	bool is_ragged;     /* a message ends within a block */
};

struct state {
	struct lanes_group group;
	struct batch batch, first;
	struct text texts[POLYS];
	bool has_kept, has_fours, has_across; /* since the last wipe */
	/* Secret; wiped at the end of each call. */
	struct chacha_keys keys ALIGNED_LINE;
	struct chacha_set kept[CHACHA_SETS]; /* key stream of the first batch */
	struct poly polys[POLYS];
	struct poly_across across;
	uint64_t tags[LANES_GROUP][2] ALIGNED_LINE;
};

/* Wide stores: this is paid by every burst. The powers of r are a state's last and rarest part. */
static void
wipe(struct state *s)
{
	secret_wipe(&s->keys, sizeof(s->keys));
	secret_wipe(s->tags, sizeof(s->tags));
	if (s->has_kept)
		secret_wipe(s->kept, sizeof(s->kept));
	for (unsigned q = 0; q < POLYS; q++)
		secret_wipe(&s->polys[q],
			s->has_fours ? sizeof(struct poly) : offsetof(struct poly, power[2]));
	if (s->has_across)
		secret_wipe(&s->across, sizeof(s->across));
	s->has_kept = s->has_fours = s->has_across = false;
}

/* The next 16 lanes of a batch; those for which nothing is left have no bytes. */
static void
fill_set(struct batch *b, unsigned set, struct lanes_cursor *c, const struct lanes_group *g)
{
	const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
	__m512i message = _mm512_setzero_si512(), counter = message, n_bytes = message;
	__m512i nowhere = _mm512_set1_epi64((long long)(uintptr_t)b->nowhere);
	__m512i at[2] = {nowhere, nowhere};

	b->has_data[set] = false;
	for (unsigned from = 0, n; from < CHACHA_LANES && c->active; from += n) {
		n = MIN_OF(CHACHA_LANES - from, c->active - c->next);
		__mmask16 run = (__mmask16)(((1u << n) - 1) << from);
		/* Lane j is message j + shift. */
		int shift = (int)c->next - (int)from;

		message = _mm512_mask_add_epi32(message, run, lane, _mm512_set1_epi32(shift));
		counter = _mm512_mask_set1_epi32(counter, run, (int)c->level);
		if (c->level) {
			uint32_t done = LANES_BLOCK_BYTES * (c->level - 1);
			const uint32_t *left = &g->n_bytes[LANES_PAD + shift];
			uint8_t *const *data = &g->data[LANES_PAD + shift];

			n_bytes = _mm512_mask_sub_epi32(n_bytes, run, _mm512_loadu_si512(left),
				_mm512_set1_epi32((int)done));
			at[0] = _mm512_mask_add_epi64(at[0], (__mmask8)run,
				_mm512_loadu_si512(data), _mm512_set1_epi64(done));
			at[1] = _mm512_mask_add_epi64(at[1], (__mmask8)(run >> 8),
				_mm512_loadu_si512(data + 8), _mm512_set1_epi64(done));
			b->has_data[set] = true;
		}
		lanes_cursor_advance(c, g, n);
	}
	b->lanes[set] = (struct chacha_lanes){.message = message, .counter = counter};
	b->partial[set] = _mm512_cmplt_epu32_mask(n_bytes, _mm512_set1_epi32(LANES_BLOCK_BYTES));
	_mm512_store_si512(&b->n_bytes[CHACHA_LANES * set], n_bytes);
	_mm512_store_si512(&b->at[CHACHA_LANES * set], at[0]);
	_mm512_store_si512(&b->at[CHACHA_LANES * set + 8], at[1]);
}

static inline void
xor_block(uint8_t *at, __m512i key_stream)
{
	_mm512_storeu_si512(at, _mm512_xor_si512(_mm512_loadu_si512(at), key_stream));
}

/* The key stream, a block a vector, over the text of one set of lanes. */
CHACHA_ALWAYS void
xor_set(const struct batch *b, unsigned set, const struct chacha_set *s)
{
	uint8_t *const *at = &b->at[CHACHA_LANES * set];
	const uint32_t *n_bytes = &b->n_bytes[CHACHA_LANES * set];

	if (likely_true(!b->partial[set])) {
		for (unsigned j = 0; j < CHACHA_LANES; j++)
			xor_block(at[j], s->x[j]);
		return;
	}
	for (unsigned j = 0; j < CHACHA_LANES; j++) {
		__mmask64 text = poly_bytes_below(n_bytes[j]);

		_mm512_mask_storeu_epi8(at[j], text,
			_mm512_xor_si512(_mm512_maskz_loadu_epi8(text, at[j]), s->x[j]));
	}
}

/* The words of the Poly1305 keys, lane = message, to the states of eight messages each. */
CHACHA_ALWAYS void
take_poly_keys(struct state *s, unsigned set, const struct chacha_set *words)
{
	const __m512i pairs[2] = {
		_mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0),
		_mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8),
	};

	for (unsigned h = 0; h < 2; h++) {
		__m512i half[4];

		for (unsigned i = 0; i < 4; i++)
			half[i] = _mm512_permutex2var_epi32(
				words->x[2 * i], pairs[h], words->x[2 * i + 1]);
		poly_init(&s->polys[2 * set + h], half, half + 2);
	}
}

/*
 * n sets of a batch: the first of a group gives Poly1305's keys, and its key stream is kept; any
 * other one goes over the text at once. One piece of code for both, for it is large.
 */
CHACHA_ALWAYS void
run_batch(struct state *s, const struct batch *b, const unsigned n)
{
	struct chacha_set sets[CHACHA_SETS];

	chacha_blocks(&s->keys, b->lanes, sets, n);
	for (unsigned j = 0; j < n; j++) {
		if (b == &s->first && j * CHACHA_LANES < s->group.n)
			take_poly_keys(s, j, &sets[j]);
		if (!b->has_data[j])
			continue;
		chacha_transpose(&sets[j]);
		if (b == &s->first) {
			s->kept[j] = sets[j];
			s->has_kept = true;
		} else {
			xor_set(b, j, &sets[j]);
		}
	}
}

static __attribute__((noinline)) void
run_one_set(struct state *s, const struct batch *b)
{
	run_batch(s, b, 1);
}

static __attribute__((noinline)) void
run_two_sets(struct state *s, const struct batch *b)
{
	run_batch(s, b, 2);
}

/* Keys and first batch; returns how many blocks are left behind it. */
static unsigned
begin_group(struct state *s, struct lanes_cursor *c, uint32_t nonce_word)
{
	struct lanes_group *g = &s->group;
	unsigned blocks = lanes_group_blocks(g);

	for (unsigned set = 0; set * CHACHA_LANES < g->n; set++) {
		chacha_load_nonces(&s->keys, set, nonce_word, g->counter + set * CHACHA_LANES);
		chacha_load_keys(&s->keys, set, g->key + set * CHACHA_LANES);
	}
	*c = (struct lanes_cursor){.active = g->n};
	fill_set(&s->first, 0, c, g);
	if (blocks <= CHACHA_LANES) {
		s->first.has_data[1] = false;
		run_one_set(s, &s->first);
		return 0;
	}
	fill_set(&s->first, 1, c, g);
	run_two_sets(s, &s->first);
	return blocks <= CHACHA_MESSAGES ? 0 : blocks - CHACHA_MESSAGES;
}

static void
cipher_group(struct state *s, struct lanes_cursor *c, unsigned blocks)
{
	for (unsigned set = 0; set < CHACHA_SETS; set++) {
		if (s->first.has_data[set])
			xor_set(&s->first, set, &s->kept[set]);
	}
	for (; blocks > CHACHA_LANES; blocks -= MIN_OF(blocks, (unsigned)CHACHA_MESSAGES)) {
		fill_set(&s->batch, 0, c, &s->group);
		fill_set(&s->batch, 1, c, &s->group);
		run_two_sets(s, &s->batch);
	}
	if (blocks) {
		fill_set(&s->batch, 0, c, &s->group);
		run_one_set(s, &s->batch);
	}
}

/* Where eight messages from number `from` on stand in rows; unused lanes repeat the last one. */
static void
text_lay_out(struct text *t, const struct lanes_group *g, unsigned from)
{
	unsigned n = MIN_OF(g->n - from, (unsigned)POLY_LANES);
	const uint32_t *n_bytes = &g->n_bytes[LANES_PAD + from];
	uint8_t *const *data = &g->data[LANES_PAD + from];
	__mmask8 unused = (__mmask8)(0xff << n);
	__m256i bytes = _mm256_mask_set1_epi32(
		_mm256_loadu_si256((const __m256i *)n_bytes), unused, (int)n_bytes[n - 1]);
	__m512i start = _mm512_mask_set1_epi64(
		_mm512_loadu_si512(data), unused, (long long)(uintptr_t)data[n - 1]);
	/* The longest comes first. */
	unsigned most = lanes_poly_blocks(n_bytes[0]), least = lanes_poly_blocks(n_bytes[n - 1]);

	t->n_rows = (most + POLY_ROW_BLOCKS - 1) / POLY_ROW_BLOCKS;
	t->n_first = most - POLY_ROW_BLOCKS * (t->n_rows - 1);
	t->full_from = t->n_rows - least / POLY_ROW_BLOCKS;
	t->is_ragged = _mm256_test_epi32_mask(bytes, _mm256_set1_epi32(POLY_BLOCK_BYTES - 1)) != 0;
	__m256i blocks = _mm256_srli_epi32(
		_mm256_add_epi32(bytes, _mm256_set1_epi32(POLY_BLOCK_BYTES - 1)), 4);
	__m256i skip =
		_mm256_sub_epi32(_mm256_set1_epi32((int)(POLY_ROW_BLOCKS * t->n_rows)), blocks);
	_mm256_store_si256((__m256i *)t->skip, skip);
	_mm256_store_si256((__m256i *)t->n_bytes, bytes);
	_mm512_store_si512(
		t->row, _mm512_sub_epi64(start, _mm512_slli_epi64(_mm512_cvtepu32_epi64(skip), 4)));
}

static inline uint32_t
row_bytes_below(uint32_t end, uint32_t row_start)
{
	return end <= row_start ? 0 : MIN_OF(end - row_start, (uint32_t)POLY_ROW_BYTES);
}

/* A row that some messages do not fill: what lies before or behind a message is not read. */
static void
absorb_part(struct poly *p, const struct text *t, unsigned row)
{
	__m512i z[POLY_LANES];
	__mmask8 present[POLY_ROW_BLOCKS] = {0};
	uint32_t start = row * POLY_ROW_BYTES;

	for (unsigned i = 0; i < POLY_LANES; i++) {
		uint32_t from = POLY_BLOCK_BYTES * t->skip[i];
		__mmask64 text = poly_bytes_below(row_bytes_below(from + t->n_bytes[i], start)) &
				 ~poly_bytes_below(row_bytes_below(from, start));

		z[i] = _mm512_setzero_si512();
		if (text)
			z[i] = _mm512_maskz_loadu_epi8(text, t->row[i] + start);
		for (unsigned b = 0; b < POLY_ROW_BLOCKS; b++)
			present[b] |= (__mmask8)((row * POLY_ROW_BLOCKS + b >= t->skip[i]) << i);
	}
	poly_part_row(p, z, row ? POLY_ROW_BLOCKS : t->n_first, present);
}

static inline bool
is_full_row(const struct text *t, unsigned row)
{
	return row >= t->full_from && (row + 1 < t->n_rows || !t->is_ragged);
}

static inline void
load_row(const struct text *t, unsigned row, __m512i z[POLY_LANES])
{
	for (unsigned i = 0; i < POLY_LANES; i++)
		z[i] = _mm512_loadu_si512(t->row[i] + row * POLY_ROW_BYTES);
}

static void
absorb_row(struct poly *p, const struct text *t, unsigned row)
{
	__m512i z[POLY_LANES];

	if (!is_full_row(t, row)) {
		absorb_part(p, t, row);
		return;
	}
	load_row(t, row, z);
	p->h = poly_full_row(p->h, p->power, z, false);
}

/*
 * n full rows of n_texts (1 or 2) texts, from row[] on. Of two, each works out its carries under
 * the other's products.
 */
POLY_ALWAYS void
absorb_full_rows(struct poly *p, const struct text *t, unsigned row[2], unsigned n,
	const unsigned n_texts, const bool in_fours)
{
	struct poly_num h[2] = {p[0].h, p[n_texts - 1].h};
	__m512i z[POLY_LANES];

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < n_texts; k++) {
			load_row(&t[k], row[k] + i, z);
			h[k] = poly_full_row(h[k], p[k].power, z, in_fours);
		}
	}
	for (unsigned k = 0; k < n_texts; k++) {
		p[k].h = h[k];
		row[k] += n;
	}
}

/* The block of lengths (RFC 8439 section 2.8) of eight messages. */
static void
absorb_lengths(struct state *s, unsigned q, uint64_t aad_bytes)
{
	const uint32_t *n_bytes = &s->group.n_bytes[LANES_PAD + POLY_LANES * q];

	poly_one_block(&s->polys[q], _mm512_set1_epi64((long long)aad_bytes),
		_mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)n_bytes)));
}

static void
put_tags(struct state *s, unsigned q)
{
	__m512i tag[2];

	poly_tags(&s->polys[q], tag);
	__m512i even = _mm512_unpacklo_epi64(tag[0], tag[1]);
	__m512i odd = _mm512_unpackhi_epi64(tag[0], tag[1]);
	uint64_t(*to)[2] = &s->tags[POLY_LANES * q];

	_mm512_store_si512(to[0],
		_mm512_permutex2var_epi64(even, _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0), odd));
	_mm512_store_si512(to[4],
		_mm512_permutex2var_epi64(even, _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4), odd));
}

/* Rows from which on the third and fourth power pay for themselves. */
enum {
	ROWS_IN_FOURS = 4,
};

static __attribute__((noinline)) void
absorb_short(struct poly *p, const struct text *t, unsigned row[2], unsigned n, unsigned n_texts)
{
	if (n_texts == 2)
		absorb_full_rows(p, t, row, n, 2, false);
	else
		absorb_full_rows(p, t, row, n, 1, false);
}

static __attribute__((noinline)) void
absorb_long(struct poly *p, const struct text *t, unsigned row[2], unsigned n, unsigned n_texts)
{
	for (unsigned k = 0; k < n_texts; k++)
		poly_add_powers(&p[k]);
	if (n_texts == 2)
		absorb_full_rows(p, t, row, n, 2, true);
	else
		absorb_full_rows(p, t, row, n, 1, true);
}

/*
 * The cipher text of one or two times eight messages. They come longest first, so the first text
 * has as many rows as the second, or more; they end together. Full rows are last, but for a
 * ragged end.
 */
static void
absorb_texts(struct state *s, unsigned q, unsigned n_texts)
{
	struct poly *p = &s->polys[q];
	const struct text *t = &s->texts[q];
	unsigned row[2] = {0, 0};
	const struct text *last = &t[n_texts - 1];
	unsigned end = t->n_rows - t->is_ragged;

	while (row[0] < t->n_rows - last->n_rows)
		absorb_row(&p[0], &t[0], row[0]++);
	while (row[0] < t->n_rows) {
		unsigned n = end > row[0] ? end - row[0] : 0;

		if (n && is_full_row(t, row[0]) && is_full_row(last, row[1])) {
			if (n_texts == 2 && last->is_ragged)
				n = MIN_OF(n, last->n_rows - 1 - row[1]);
			if (n < ROWS_IN_FOURS) {
				absorb_short(p, t, row, n, n_texts);
			} else {
				absorb_long(p, t, row, n, n_texts);
				s->has_fours = true;
			}
			continue;
		}
		for (unsigned k = 0; k < n_texts; k++)
			absorb_row(&p[k], &t[k], row[k]++);
	}
}

/*
 * Whether n messages, the longest first, cost less one by one across the lanes than side by side,
 * where the longest sets the pace. In block products: what the powers cost, and each message.
 */
enum {
	ACROSS_POWERS = 12,
	ACROSS_MESSAGE = 3,
};

static inline bool
goes_across(const uint32_t *n_bytes, unsigned n)
{
	unsigned cost = ACROSS_POWERS;

	for (unsigned i = 0; i < n; i++)
		cost += ACROSS_MESSAGE + lanes_poly_blocks(n_bytes[i]) / POLY_LANES;
	return cost < lanes_poly_blocks(n_bytes[0]);
}

static __attribute__((noinline)) void
absorb_across(struct state *s, unsigned q, unsigned n)
{
	const struct lanes_group *g = &s->group;
	uint64_t limbs[3][POLY_LANES] ALIGNED_LINE = {{0}};

	s->has_across = true;
	poly_across_init(&s->across, &s->polys[q]);
	for (unsigned i = 0; i < n; i++) {
		unsigned m = LANES_PAD + POLY_LANES * q + i;
		uint64_t sum[3];

		poly_across_message(&s->across, i, g->data[m], g->n_bytes[m], sum);
		for (unsigned limb = 0; limb < 3; limb++)
			limbs[limb][i] = sum[limb];
	}
	for (unsigned limb = 0; limb < 3; limb++)
		s->polys[q].h.v[limb] = _mm512_load_si512(limbs[limb]);
	secret_wipe(limbs, sizeof(limbs));
}

/* The cipher text of messages side by side, in one or two texts from number q on. */
static void
absorb_side_by_side(struct state *s, unsigned q, unsigned n_texts, uint64_t aad_bytes)
{
	for (unsigned k = q; k < q + n_texts; k++)
		text_lay_out(&s->texts[k], &s->group, k * POLY_LANES);
	absorb_texts(s, q, n_texts);
	for (unsigned k = q; k < q + n_texts; k++)
		absorb_lengths(s, k, aad_bytes);
}

/*
 * The tags of the group's cipher text. Behind associated data, of which there is only with a single
 * message, it goes on side by side, as that began.
 */
static void
authenticate_group(struct state *s, uint64_t aad_bytes)
{
	const struct lanes_group *g = &s->group;

	for (unsigned q = 0, n_texts; q * POLY_LANES < g->n; q += n_texts) {
		unsigned n = MIN_OF(g->n - q * POLY_LANES, (unsigned)POLY_LANES);

		n_texts = 1;
		if (!aad_bytes && goes_across(&g->n_bytes[LANES_PAD + q * POLY_LANES], n)) {
			absorb_across(s, q, n);
		} else {
			/* The next ones are not longer, and have more of a length. */
			n_texts = (q + 1) * POLY_LANES < g->n ? 2 : 1;
			absorb_side_by_side(s, q, n_texts, aad_bytes);
		}
	}
	for (unsigned q = 0; q * POLY_LANES < g->n; q++)
		put_tags(s, q);
}

/* Associated data of a single message goes first, padded to a block (RFC 8439 section 2.8). */
static void
authenticate_aad(struct state *s, const struct aead_message *m)
{
	struct lanes_group aad = {.n = 1};

	aad.data[LANES_PAD] = (uint8_t *)(uintptr_t)m->aad;
	aad.n_bytes[LANES_PAD] = (uint32_t)m->aad_bytes;
	text_lay_out(&s->texts[0], &aad, 0);
	absorb_texts(s, 0, 1);
}

#include "crypto/aead_lanes_burst.h"

const struct aead_backend aead_avx512 = {
	.name = "avx512",
	.needs = "AVX-512 F, BW, VL and IFMA",
	.is_supported = cpu_has_avx512_ifma,
	.create = create,
	.destroy = destroy,
	.seal = seal_burst,
	.open = open_burst,
	.seal_one = seal_one,
	.open_one = open_one,
};
