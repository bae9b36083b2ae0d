/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ChaCha20 blocks (RFC 8439 section 2.3), 16 or 32 at once, in AVX-512.
 *
 * Lanes. Sixteen vectors hold the sixteen words of the state; the 32-bit lane j of each belongs to
 * block j. A round then works on whole vectors and no word ever moves; the price is a 16 by 16
 * transposition of the result (64 shuffles, 4 a block), after which a vector is one block's 64
 * bytes of key stream. Any lane may be a block of any message: its key and nonce are fetched by a
 * permutation of vectors in which lane = message, and whose index, the message's number, is public.
 *
 * Two sets of sixteen fill the 32 registers. A round is a chain of twelve dependent operations in
 * four independent columns: where an operation takes longer than a clock, one set cannot fill the
 * ports, two can (docs/decisions/0020 has what it brings).
 *
 * AVX-512F alone is used. Nothing here branches on, or is indexed by, a key, a nonce or a text.
 */
#pragma once

#include <immintrin.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
	CHACHA_LANES = 16,
	CHACHA_SETS = 2,
	CHACHA_KEY_WORDS = 8,
	CHACHA_NONCE_WORDS = 3,
	CHACHA_MESSAGES = CHACHA_LANES * CHACHA_SETS,
	CHACHA_BLOCK_BYTES = 64,
};

/* Keys and nonces of up to 32 messages; message m is lane m % 16 of vector m / 16. */
struct chacha_keys {
	__m512i key[CHACHA_KEY_WORDS][CHACHA_SETS];
	__m512i nonce[CHACHA_NONCE_WORDS][CHACHA_SETS];
};

/* Sixteen words: one of each block, or, once transposed, all of one block. */
struct chacha_set {
	__m512i x[16];
};

/* Which message and which of its blocks each lane is. */
struct chacha_lanes {
	__m512i message;
	__m512i counter;
};

#define CHACHA_ALWAYS static inline __attribute__((always_inline))

/* One addition, exclusive or, and rotation, in all four columns of each set. */
#define CHACHA_LINE(s, n, a0, a1, a2, a3, b0, b1, b2, b3, d0, d1, d2, d3, bits)                    \
	do {                                                                                       \
		_Pragma("GCC unroll 2") for (unsigned k = 0; k < (n); k++)                         \
		{                                                                                  \
			__m512i *x = (s)[k].x;                                                     \
			x[a0] = _mm512_add_epi32(x[a0], x[b0]);                                    \
			x[a1] = _mm512_add_epi32(x[a1], x[b1]);                                    \
			x[a2] = _mm512_add_epi32(x[a2], x[b2]);                                    \
			x[a3] = _mm512_add_epi32(x[a3], x[b3]);                                    \
			x[d0] = _mm512_xor_si512(x[d0], x[a0]);                                    \
			x[d1] = _mm512_xor_si512(x[d1], x[a1]);                                    \
			x[d2] = _mm512_xor_si512(x[d2], x[a2]);                                    \
			x[d3] = _mm512_xor_si512(x[d3], x[a3]);                                    \
			x[d0] = _mm512_rol_epi32(x[d0], bits);                                     \
			x[d1] = _mm512_rol_epi32(x[d1], bits);                                     \
			x[d2] = _mm512_rol_epi32(x[d2], bits);                                     \
			x[d3] = _mm512_rol_epi32(x[d3], bits);                                     \
		}                                                                                  \
	} while (0)

/* Four quarter rounds (RFC 8439 section 2.1) side by side; b, c and d start at column 0. */
#define CHACHA_ROUND(s, n, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3)                         \
	do {                                                                                       \
		CHACHA_LINE(s, n, 0, 1, 2, 3, b0, b1, b2, b3, d0, d1, d2, d3, 16);                 \
		CHACHA_LINE(s, n, c0, c1, c2, c3, d0, d1, d2, d3, b0, b1, b2, b3, 12);             \
		CHACHA_LINE(s, n, 0, 1, 2, 3, b0, b1, b2, b3, d0, d1, d2, d3, 8);                  \
		CHACHA_LINE(s, n, c0, c1, c2, c3, d0, d1, d2, d3, b0, b1, b2, b3, 7);              \
	} while (0)

/* The columns, then the diagonals. */
CHACHA_ALWAYS void
chacha_double_round(struct chacha_set *s, const unsigned n)
{
	CHACHA_ROUND(s, n, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	CHACHA_ROUND(s, n, 5, 6, 7, 4, 10, 11, 8, 9, 15, 12, 13, 14);
}

/*
 * Twenty rounds of n sets, n a constant. Two sets leave no register free, and a loop makes gcc
 * spill some twenty of them at each turn (a fifth of the time): so they go without a loop, 12 kB.
 */
CHACHA_ALWAYS void
chacha_rounds(struct chacha_set *s, const unsigned n)
{
	if (n == 1) {
		for (unsigned i = 0; i < 10; i++)
			chacha_double_round(s, n);
		return;
	}
	_Pragma("GCC unroll 10") for (unsigned i = 0; i < 10; i++) chacha_double_round(s, n);
}

/* Each lane's value of a word that was laid out by message. */
CHACHA_ALWAYS __m512i
chacha_spread(const __m512i by_message[CHACHA_SETS], __m512i message)
{
	return _mm512_permutex2var_epi32(by_message[0], message, by_message[1]);
}

/* The state before the first round (RFC 8439 section 2.3). */
CHACHA_ALWAYS void
chacha_state(const struct chacha_keys *k, const struct chacha_lanes *l, struct chacha_set *s)
{
	s->x[0] = _mm512_set1_epi32(0x61707865);
	s->x[1] = _mm512_set1_epi32(0x3320646e);
	s->x[2] = _mm512_set1_epi32(0x79622d32);
	s->x[3] = _mm512_set1_epi32(0x6b206574);
	for (unsigned w = 0; w < CHACHA_KEY_WORDS; w++)
		s->x[4 + w] = chacha_spread(k->key[w], l->message);
	s->x[12] = l->counter;
	for (unsigned w = 0; w < CHACHA_NONCE_WORDS; w++)
		s->x[13 + w] = chacha_spread(k->nonce[w], l->message);
}

/* The key stream of n (1 or 2) sets of lanes, as vectors of words. */
CHACHA_ALWAYS void
chacha_blocks(const struct chacha_keys *k, const struct chacha_lanes *l, struct chacha_set *s,
	const unsigned n)
{
	struct chacha_set first[CHACHA_SETS];

	for (unsigned j = 0; j < n; j++) {
		chacha_state(k, &l[j], &first[j]);
		s[j] = first[j];
	}
	chacha_rounds(s, n);
	for (unsigned j = 0; j < n; j++) {
		for (unsigned w = 0; w < 16; w++)
			s[j].x[w] = _mm512_add_epi32(s[j].x[w], first[j].x[w]);
	}
}

/* From one vector a word to one vector a block: x[j] becomes block j, its words in order. */
CHACHA_ALWAYS void
chacha_transpose(struct chacha_set *s)
{
	__m512i a[16], b[16];

	/* Words 2i and 2i + 1 of blocks 0, 1 (of each four lanes), then of blocks 2, 3. */
	for (unsigned i = 0; i < 16; i += 2) {
		a[i] = _mm512_unpacklo_epi32(s->x[i], s->x[i + 1]);
		a[i + 1] = _mm512_unpackhi_epi32(s->x[i], s->x[i + 1]);
	}
	/* b[4q + j]: words 4q to 4q + 3 of blocks j, 4 + j, 8 + j, 12 + j. */
	for (unsigned q = 0; q < 16; q += 4) {
		b[q] = _mm512_unpacklo_epi64(a[q], a[q + 2]);
		b[q + 1] = _mm512_unpackhi_epi64(a[q], a[q + 2]);
		b[q + 2] = _mm512_unpacklo_epi64(a[q + 1], a[q + 3]);
		b[q + 3] = _mm512_unpackhi_epi64(a[q + 1], a[q + 3]);
	}
	/* The quarters of four vectors change places: a 4 by 4 transposition of 128-bit pieces. */
	for (unsigned j = 0; j < 4; j++) {
		__m512i lo01 = _mm512_shuffle_i32x4(b[j], b[4 + j], 0x44);
		__m512i hi01 = _mm512_shuffle_i32x4(b[j], b[4 + j], 0xee);
		__m512i lo23 = _mm512_shuffle_i32x4(b[8 + j], b[12 + j], 0x44);
		__m512i hi23 = _mm512_shuffle_i32x4(b[8 + j], b[12 + j], 0xee);

		s->x[j] = _mm512_shuffle_i32x4(lo01, lo23, 0x88);
		s->x[4 + j] = _mm512_shuffle_i32x4(lo01, lo23, 0xdd);
		s->x[8 + j] = _mm512_shuffle_i32x4(hi01, hi23, 0x88);
		s->x[12 + j] = _mm512_shuffle_i32x4(hi01, hi23, 0xdd);
	}
}

/* Two keys of 32 bytes, side by side. */
CHACHA_ALWAYS __m512i
chacha_two_keys(const uint8_t *low, const uint8_t *high)
{
	__m512i v = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)low));

	return _mm512_inserti64x4(v, _mm256_loadu_si256((const __m256i *)high), 1);
}

/* Sixteen keys into eight vectors: key[w][set] gets word w of each. 24 shuffles. */
CHACHA_ALWAYS void
chacha_load_keys(struct chacha_keys *k, unsigned set, const uint8_t *const keys[CHACHA_LANES])
{
	__m512i z[8], a[8], b[8];

	for (unsigned i = 0; i < 4; i++) {
		z[i] = chacha_two_keys(keys[i], keys[4 + i]);
		z[4 + i] = chacha_two_keys(keys[8 + i], keys[12 + i]);
	}
	for (unsigned i = 0; i < 8; i += 2) {
		a[i] = _mm512_unpacklo_epi32(z[i], z[i + 1]);
		a[i + 1] = _mm512_unpackhi_epi32(z[i], z[i + 1]);
	}
	/* b[4h + w]: word w | word 4 + w of keys 8h to 8h + 3, then of 8h + 4 to 8h + 7. */
	for (unsigned h = 0; h < 8; h += 4) {
		b[h] = _mm512_unpacklo_epi64(a[h], a[h + 2]);
		b[h + 1] = _mm512_unpackhi_epi64(a[h], a[h + 2]);
		b[h + 2] = _mm512_unpacklo_epi64(a[h + 1], a[h + 3]);
		b[h + 3] = _mm512_unpackhi_epi64(a[h + 1], a[h + 3]);
	}
	for (unsigned w = 0; w < 4; w++) {
		k->key[w][set] = _mm512_shuffle_i64x2(b[w], b[4 + w], 0x88);
		k->key[4 + w][set] = _mm512_shuffle_i64x2(b[w], b[4 + w], 0xdd);
	}
}

/* The last two words of sixteen nonces, from 64-bit counters; the first word is the same for all.
 */
CHACHA_ALWAYS void
chacha_load_nonces(
	struct chacha_keys *k, unsigned set, uint32_t first, const uint64_t counters[CHACHA_LANES])
{
	const __m512i low =
		_mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
	const __m512i high =
		_mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
	__m512i a = _mm512_loadu_si512(counters), b = _mm512_loadu_si512(counters + 8);

	k->nonce[0][set] = _mm512_set1_epi32((int)first);
	k->nonce[1][set] = _mm512_permutex2var_epi32(a, low, b);
	k->nonce[2][set] = _mm512_permutex2var_epi32(a, high, b);
}
