/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ChaCha20 (RFC 8439 section 2.3), eight blocks at once in AVX2: word w of all eight blocks
 * stands in one vector, x[w], and lane l of it belongs to block l. So no round moves anything
 * across lanes, and each block may have a key, nonce and counter of its own. Only behind the last
 * round are words turned into bytes of a block, by two transpositions of 8 by 8 words.
 *
 * The sixteen vectors of the state fill all sixteen registers, so that each round passes a few of
 * them through memory; rotations by 16 and 8 are byte shuffles, which need no second register.
 * The way of vectors is D. J. Bernstein's ("ChaCha, a variant of Salsa20", 2008, section 3) as
 * M. Goll and S. Gueron laid it out ("Vectorization on ChaCha stream cipher", 2014).
 *
 * Constant time: no branch, address or gather depends on a key or on text.
 */
#pragma once

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

enum {
	CHACHA8_LANES = 8,
	CHACHA_BLOCK_BYTES = 64,
};

static inline __m256i
chacha8_rotate_16(__m256i v)
{
	return _mm256_shuffle_epi8(v,
		_mm256_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13, 2, 3, 0, 1,
			6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
}

static inline __m256i
chacha8_rotate_8(__m256i v)
{
	return _mm256_shuffle_epi8(v,
		_mm256_setr_epi8(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14, 3, 0, 1, 2,
			7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14));
}

static inline __m256i
chacha8_rotate(__m256i v, int bits)
{
	return _mm256_or_si256(_mm256_slli_epi32(v, bits), _mm256_srli_epi32(v, 32 - bits));
}

/*
 * The quarter rounds (RFC 8439 section 2.1) of columns i and j in turns, in every lane; of the
 * diagonals that begin there when slant is 1.
 */
static inline __attribute__((always_inline)) void
chacha8_quarter_rounds(__m256i x[16], unsigned i, unsigned j, unsigned slant)
{
	__m256i *a = &x[i], *b = &x[4 + (i + slant) % 4];
	__m256i *c = &x[8 + (i + 2 * slant) % 4], *d = &x[12 + (i + 3 * slant) % 4];
	__m256i *e = &x[j], *f = &x[4 + (j + slant) % 4];
	__m256i *g = &x[8 + (j + 2 * slant) % 4], *h = &x[12 + (j + 3 * slant) % 4];

	*a = _mm256_add_epi32(*a, *b);
	*e = _mm256_add_epi32(*e, *f);
	*d = chacha8_rotate_16(_mm256_xor_si256(*d, *a));
	*h = chacha8_rotate_16(_mm256_xor_si256(*h, *e));
	*c = _mm256_add_epi32(*c, *d);
	*g = _mm256_add_epi32(*g, *h);
	*b = chacha8_rotate(_mm256_xor_si256(*b, *c), 12);
	*f = chacha8_rotate(_mm256_xor_si256(*f, *g), 12);
	*a = _mm256_add_epi32(*a, *b);
	*e = _mm256_add_epi32(*e, *f);
	*d = chacha8_rotate_8(_mm256_xor_si256(*d, *a));
	*h = chacha8_rotate_8(_mm256_xor_si256(*h, *e));
	*c = _mm256_add_epi32(*c, *d);
	*g = _mm256_add_epi32(*g, *h);
	*b = chacha8_rotate(_mm256_xor_si256(*b, *c), 7);
	*f = chacha8_rotate(_mm256_xor_si256(*f, *g), 7);
}

/* Columns, then diagonals; from memory and back to it, where the compiler may not look around. */
static inline __attribute__((always_inline)) void
chacha8_double_round(__m256i state[16])
{
	__m256i x[16];

#pragma GCC unroll 16
	for (unsigned w = 0; w < 16; w++)
		x[w] = state[w];
	chacha8_quarter_rounds(x, 0, 1, 0);
	chacha8_quarter_rounds(x, 2, 3, 0);
	chacha8_quarter_rounds(x, 0, 1, 1);
	chacha8_quarter_rounds(x, 2, 3, 1);
#pragma GCC unroll 16
	for (unsigned w = 0; w < 16; w++)
		state[w] = x[w];
	__asm__ volatile("" : : : "memory");
}

/* Eight blocks: their start (RFC 8439 section 2.3), and the key stream, both vertical. */
struct chacha8 {
	__m256i start[16];
	__m256i stream[16];
};

static inline __attribute__((always_inline)) void
chacha8_add_start(struct chacha8 *c)
{
	for (unsigned w = 0; w < 16; w++)
		c->stream[w] = _mm256_add_epi32(c->stream[w], c->start[w]);
}

static inline void
chacha8_run(struct chacha8 *c)
{
	memcpy(c->stream, c->start, sizeof(c->stream));
	for (unsigned round = 0; round < 20; round += 2)
		chacha8_double_round(c->stream);
	chacha8_add_start(c);
}

/*
 * Two times eight blocks. One state alone waits for its own results most of the time: a quarter
 * round is a chain of 14 instructions. So double rounds of the two are run in turns: a processor
 * that looks 200 instructions ahead finds the other one to work on, at the price of 16 loads and
 * stores each.
 */
static inline void
chacha8_run_pair(struct chacha8 *a, struct chacha8 *b)
{
	memcpy(a->stream, a->start, sizeof(a->stream));
	memcpy(b->stream, b->start, sizeof(b->stream));
	for (unsigned round = 0; round < 20; round += 2) {
		chacha8_double_round(a->stream);
		chacha8_double_round(b->stream);
	}
	chacha8_add_start(a);
	chacha8_add_start(b);
}

/* row[l] = word 0 to 7 of lane l: an 8 by 8 transposition of words, its own inverse. */
static inline __attribute__((always_inline)) void
chacha8_transpose(__m256i row[8], const __m256i word[8])
{
	__m256i pair[8], quad[8];

	for (unsigned i = 0; i < 8; i += 2) {
		pair[i] = _mm256_unpacklo_epi32(word[i], word[i + 1]);
		pair[i + 1] = _mm256_unpackhi_epi32(word[i], word[i + 1]);
	}
	for (unsigned i = 0; i < 8; i += 4) {
		quad[i] = _mm256_unpacklo_epi64(pair[i], pair[i + 2]);
		quad[i + 1] = _mm256_unpackhi_epi64(pair[i], pair[i + 2]);
		quad[i + 2] = _mm256_unpacklo_epi64(pair[i + 1], pair[i + 3]);
		quad[i + 3] = _mm256_unpackhi_epi64(pair[i + 1], pair[i + 3]);
	}
	for (unsigned i = 0; i < 4; i++) {
		row[i] = _mm256_permute2x128_si256(quad[i], quad[4 + i], 0x20);
		row[4 + i] = _mm256_permute2x128_si256(quad[i], quad[4 + i], 0x31);
	}
}

/* Keys and nonces of eight messages, as words; lane = message. */
struct chacha8_keys {
	__m256i key[8];
	__m256i nonce[3];
};

static inline void
chacha8_load_keys(struct chacha8_keys *k, const uint8_t *const keys[CHACHA8_LANES])
{
	__m256i row[CHACHA8_LANES];

	for (unsigned l = 0; l < CHACHA8_LANES; l++)
		row[l] = _mm256_loadu_si256((const __m256i *)keys[l]);
	chacha8_transpose(k->key, row);
}

/* A nonce is `first`, then the counter's two words. */
static inline void
chacha8_load_nonces(
	struct chacha8_keys *k, uint32_t first, const uint64_t counters[CHACHA8_LANES])
{
	const __m256i halves = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
	__m256i a = _mm256_permutevar8x32_epi32(
		_mm256_loadu_si256((const __m256i *)counters), halves);
	__m256i b = _mm256_permutevar8x32_epi32(
		_mm256_loadu_si256((const __m256i *)(counters + 4)), halves);

	k->nonce[0] = _mm256_set1_epi32((int)first);
	k->nonce[1] = _mm256_permute2x128_si256(a, b, 0x20);
	k->nonce[2] = _mm256_permute2x128_si256(a, b, 0x31);
}

/* Lane l becomes block counter[l] of message[l], 0 to 7 (RFC 8439 section 2.3). */
static inline void
chacha8_start(struct chacha8 *c, const struct chacha8_keys *k,
	const uint32_t message[CHACHA8_LANES], const uint32_t counter[CHACHA8_LANES])
{
	const __m256i from = _mm256_loadu_si256((const __m256i *)message);

	c->start[0] = _mm256_set1_epi32(0x61707865);
	c->start[1] = _mm256_set1_epi32(0x3320646e);
	c->start[2] = _mm256_set1_epi32(0x79622d32);
	c->start[3] = _mm256_set1_epi32(0x6b206574);
	for (unsigned w = 0; w < 8; w++)
		c->start[4 + w] = _mm256_permutevar8x32_epi32(k->key[w], from);
	c->start[12] = _mm256_loadu_si256((const __m256i *)counter);
	for (unsigned w = 0; w < 3; w++)
		c->start[13 + w] = _mm256_permutevar8x32_epi32(k->nonce[w], from);
}

/* The key stream of the eight blocks as bytes; `out` is aligned to 32 bytes. */
static inline void
chacha8_to_bytes(const struct chacha8 *c, uint8_t (*out)[CHACHA_BLOCK_BYTES])
{
	__m256i left[CHACHA8_LANES], right[CHACHA8_LANES];
	__m256i *row = (__m256i *)out[0];

	chacha8_transpose(left, c->stream);
	chacha8_transpose(right, c->stream + 8);
	for (unsigned l = 0; l < CHACHA8_LANES; l++) {
		row[2 * l] = left[l];
		row[2 * l + 1] = right[l];
	}
}
