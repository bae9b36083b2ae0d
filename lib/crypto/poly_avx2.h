/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Poly1305 (RFC 8439 section 2.5) of four messages at once in AVX2: lane l of every vector
 * belongs to message l, so each has an r and an s of its own. A number mod p = 2^130 - 5 stands
 * in five limbs of 26 bits, limb i weighing 2^(26 i), each in the low half of a 64-bit lane: that
 * is what vpmuludq multiplies. A product that falls on weight 2^130 and above comes back times 5.
 * Two blocks are taken in one step, h = (h + m0) r^2 + m1 r, so that one carry serves both.
 * After D. J. Bernstein and P. Schwabe ("NEON crypto", 2012) and M. Goll and S. Gueron
 * ("Vectorization of Poly1305 message authentication code", 2015).
 *
 * Messages end together: a shorter one is preceded by blocks of value 0, without the bit 2^128
 * that every true block has. They leave h = 0 as it is, so no lane ever has to be held back.
 *
 * Why nothing overflows. Write B = 2^26.
 *   m: limbs of a block are < B, the last one < 2^24 + 2^24 (the bit 2^128 is bit 24 of it).
 *   r: limbs of r are < B; those of r^2 come out of a carry: < B + 2^10 (below). 5 r < 2^28.4.
 *   h: limbs come out of a carry: < B + 2^10; so h + m < 2^27.1: it fits the 32 bits of vpmuludq.
 *   A column of h r^2 is 5 products < 2^27.1 * 2^28.4, one of m1 r 5 products < 2^26 * 2^28.4;
 *   together < 5 * 2^55.5 + 5 * 2^54.4 < 2^58.4: it fits 64 bits.
 *   carry: a column < 2^58.4 carries < 2^32.5 to the next one. In the order taken limbs 0 and 3 go
 *   first, then 1 and 4; limb 4 carries 5 c < 2^34.9 back to limb 0, limb 2 carries to 3; then
 *   limbs 0 and 3 once more, whose carries are < 2^35 / B = 2^9 and add to limbs 1 and 4, which
 *   are < B by then. So every limb is < B + 2^10.
 *
 * Constant time: no branch, address or gather depends on a key, on text or on a tag.
 */
#pragma once

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
	POLY4_LANES = 4,
	POLY4_LIMBS = 5,
	POLY4_LIMB_BITS = 26,
	POLY_BLOCK_BYTES = 16,
	POLY4_STEP_BYTES = 2 * POLY_BLOCK_BYTES, /* of each message */
};

/* A power of r, and 5 times it for the products that wrap around. */
struct poly4_power {
	__m256i r[POLY4_LIMBS], r5[POLY4_LIMBS];
};

struct poly4 {
	__m256i h[POLY4_LIMBS];
	__m256i s[4]; /* words, each in a 64-bit lane */
	struct poly4_power r1, r2;
};

#define POLY4_BIT (UINT64_C(1) << (128 - 4 * POLY4_LIMB_BITS))
#define POLY4_MASK _mm256_set1_epi64x((1 << POLY4_LIMB_BITS) - 1)

/* 128 bits of each lane, as halves, into limbs; the last one without the bit 2^128. */
static inline __attribute__((always_inline)) void
poly4_split(__m256i m[POLY4_LIMBS], __m256i low, __m256i high)
{
	const __m256i mask = POLY4_MASK;

	m[0] = _mm256_and_si256(low, mask);
	m[1] = _mm256_and_si256(_mm256_srli_epi64(low, 26), mask);
	m[2] = _mm256_and_si256(
		_mm256_or_si256(_mm256_srli_epi64(low, 52), _mm256_slli_epi64(high, 12)), mask);
	m[3] = _mm256_and_si256(_mm256_srli_epi64(high, 14), mask);
	m[4] = _mm256_srli_epi64(high, 40);
}

/* Two blocks of each lane. */
static inline __attribute__((always_inline)) void
poly4_load_two(
	__m256i m0[POLY4_LIMBS], __m256i m1[POLY4_LIMBS], const uint8_t *const at[POLY4_LANES])
{
	__m256i a = _mm256_loadu_si256((const __m256i *)at[0]);
	__m256i b = _mm256_loadu_si256((const __m256i *)at[1]);
	__m256i c = _mm256_loadu_si256((const __m256i *)at[2]);
	__m256i d = _mm256_loadu_si256((const __m256i *)at[3]);
	__m256i low_ab = _mm256_unpacklo_epi64(a, b), high_ab = _mm256_unpackhi_epi64(a, b);
	__m256i low_cd = _mm256_unpacklo_epi64(c, d), high_cd = _mm256_unpackhi_epi64(c, d);

	poly4_split(m0, _mm256_permute2x128_si256(low_ab, low_cd, 0x20),
		_mm256_permute2x128_si256(high_ab, high_cd, 0x20));
	poly4_split(m1, _mm256_permute2x128_si256(low_ab, low_cd, 0x31),
		_mm256_permute2x128_si256(high_ab, high_cd, 0x31));
}

/* One block of each lane, or the first n_bytes of one with zeros behind; 16 are read even so. */
static inline __attribute__((always_inline)) void
poly4_load_part(__m256i m[POLY4_LIMBS], const uint8_t *const at[POLY4_LANES],
	const unsigned n_bytes[POLY4_LANES])
{
	static const uint8_t keep[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	__m128i b[POLY4_LANES];

	for (unsigned l = 0; l < POLY4_LANES; l++)
		b[l] = _mm_and_si128(_mm_loadu_si128((const __m128i *)at[l]),
			_mm_loadu_si128((const __m128i *)(keep + 16 - n_bytes[l])));
	poly4_split(m,
		_mm256_set_m128i(
			_mm_unpacklo_epi64(b[2], b[3]), _mm_unpacklo_epi64(b[0], b[1])),
		_mm256_set_m128i(
			_mm_unpackhi_epi64(b[2], b[3]), _mm_unpackhi_epi64(b[0], b[1])));
}

/* The product of limbs a and p, added to column d[k]. */
static inline __attribute__((always_inline)) void
poly4_column(__m256i d[POLY4_LIMBS], unsigned k, __m256i a, __m256i p)
{
	d[k] = _mm256_add_epi64(d[k], _mm256_mul_epu32(a, p));
}

/* d += a p, a limb of a at a time; nothing is carried. */
static inline __attribute__((always_inline)) void
poly4_multiply_add(
	__m256i d[POLY4_LIMBS], const __m256i a[POLY4_LIMBS], const struct poly4_power *p)
{
#pragma GCC unroll 5
	for (unsigned i = 0; i < POLY4_LIMBS; i++) {
#pragma GCC unroll 5
		for (unsigned j = 0; j < POLY4_LIMBS; j++) {
			bool wraps = i + j >= POLY4_LIMBS;
			poly4_column(d, (i + j) % POLY4_LIMBS, a[i], wraps ? p->r5[j] : p->r[j]);
		}
	}
}

/* Takes what column i has above its limb; the last column's goes to the first one, times 5. */
static inline __attribute__((always_inline)) void
poly4_carry_from(__m256i d[POLY4_LIMBS], unsigned i)
{
	__m256i c = _mm256_srli_epi64(d[i], POLY4_LIMB_BITS);

	d[i] = _mm256_and_si256(d[i], POLY4_MASK);
	if (i == POLY4_LIMBS - 1)
		c = _mm256_add_epi64(c, _mm256_slli_epi64(c, 2));
	d[(i + 1) % POLY4_LIMBS] = _mm256_add_epi64(d[(i + 1) % POLY4_LIMBS], c);
}

/* Two chains side by side, from limb 0 and from limb 3; see the bound above. */
static inline __attribute__((always_inline)) void
poly4_carry(__m256i d[POLY4_LIMBS])
{
	poly4_carry_from(d, 0);
	poly4_carry_from(d, 3);
	poly4_carry_from(d, 1);
	poly4_carry_from(d, 4);
	poly4_carry_from(d, 2);
	poly4_carry_from(d, 0);
	poly4_carry_from(d, 3);
}

static inline void
poly4_power_set(struct poly4_power *p, const __m256i r[POLY4_LIMBS])
{
	for (unsigned i = 0; i < POLY4_LIMBS; i++) {
		p->r[i] = r[i];
		p->r5[i] = _mm256_add_epi64(r[i], _mm256_slli_epi64(r[i], 2));
	}
}

/*
 * Starts messages 4 q to 4 q + 3 of eight. words[0..3] and words[4..7] are r (not yet clamped) and
 * s of RFC 8439 section 2.6; lane = message.
 */
static inline void
poly4_start(struct poly4 *p, const __m256i words[8], unsigned q)
{
	__m256i word[8];

	for (unsigned w = 0; w < 8; w++)
		word[w] = _mm256_cvtepu32_epi64(q ? _mm256_extracti128_si256(words[w], 1)
						  : _mm256_castsi256_si128(words[w]));
	__m256i low = _mm256_or_si256(word[0], _mm256_slli_epi64(word[1], 32));
	__m256i high = _mm256_or_si256(word[2], _mm256_slli_epi64(word[3], 32));
	__m256i r[POLY4_LIMBS], square[POLY4_LIMBS];

	low = _mm256_and_si256(low, _mm256_set1_epi64x(0x0ffffffc0fffffff));
	high = _mm256_and_si256(high, _mm256_set1_epi64x(0x0ffffffc0ffffffc));
	poly4_split(r, low, high);
	poly4_power_set(&p->r1, r);
	for (unsigned i = 0; i < POLY4_LIMBS; i++)
		square[i] = p->h[i] = _mm256_setzero_si256();
	poly4_multiply_add(square, r, &p->r1);
	poly4_carry(square);
	poly4_power_set(&p->r2, square);
	for (unsigned i = 0; i < 4; i++)
		p->s[i] = word[4 + i];
}

/* h = (h + m0) r^2 + m1 r */
static inline __attribute__((always_inline)) void
poly4_absorb(struct poly4 *p, __m256i m0[POLY4_LIMBS], const __m256i m1[POLY4_LIMBS])
{
	__m256i d[POLY4_LIMBS];

	for (unsigned i = 0; i < POLY4_LIMBS; i++) {
		m0[i] = _mm256_add_epi64(m0[i], p->h[i]);
		d[i] = _mm256_setzero_si256();
	}
	poly4_multiply_add(d, m1, &p->r1);
	poly4_multiply_add(d, m0, &p->r2);
	poly4_carry(d);
	for (unsigned i = 0; i < POLY4_LIMBS; i++)
		p->h[i] = d[i];
}

/* Two blocks of each lane; bit0 and bit1 are POLY4_BIT, or 0 in lanes where a block is none. */
static inline __attribute__((always_inline)) void
poly4_take(struct poly4 *p, const uint8_t *const at[POLY4_LANES], __m256i bit0, __m256i bit1)
{
	__m256i m0[POLY4_LIMBS], m1[POLY4_LIMBS];

	poly4_load_two(m0, m1, at);
	m0[4] = _mm256_or_si256(m0[4], bit0);
	m1[4] = _mm256_or_si256(m1[4], bit1);
	poly4_absorb(p, m0, m1);
}

/* n_steps of 32 bytes each, blocks in every lane. */
static inline void
poly4_take_whole(struct poly4 *p, const uint8_t *const at[POLY4_LANES], unsigned n_steps)
{
	const __m256i bit = _mm256_set1_epi64x(POLY4_BIT);
	const uint8_t *from[POLY4_LANES] = {at[0], at[1], at[2], at[3]};

	for (unsigned k = 0; k < n_steps; k++) {
		poly4_take(p, from, bit, bit);
		for (unsigned l = 0; l < POLY4_LANES; l++)
			from[l] += POLY4_STEP_BYTES;
	}
}

/* h = (h + m) r */
static inline __attribute__((always_inline)) void
poly4_absorb_one(struct poly4 *p, __m256i m[POLY4_LIMBS])
{
	__m256i d[POLY4_LIMBS];

	for (unsigned i = 0; i < POLY4_LIMBS; i++) {
		m[i] = _mm256_add_epi64(m[i], p->h[i]);
		d[i] = _mm256_setzero_si256();
	}
	poly4_multiply_add(d, m, &p->r1);
	poly4_carry(d);
	for (unsigned i = 0; i < POLY4_LIMBS; i++)
		p->h[i] = d[i];
}

/* One whole block of each lane. */
static inline void
poly4_take_one(struct poly4 *p, const uint8_t *const at[POLY4_LANES])
{
	static const unsigned whole[POLY4_LANES] = {16, 16, 16, 16};
	__m256i m[POLY4_LIMBS];

	poly4_load_part(m, at, whole);
	m[4] = _mm256_or_si256(m[4], _mm256_set1_epi64x(POLY4_BIT));
	poly4_absorb_one(p, m);
}

/*
 * One message in all four lanes, a block in each: for one that is much longer than others. A unit
 * is eight blocks of it; lane l of a vector has block 0, 2, 1, 3 of the unit's first or second
 * half. Every unit but the last one is taken with r^8 and r^4; in the last one each lane has its
 * own powers, those by which its blocks weigh, and then the sum of the lanes is h.
 */
struct poly4_wide {
	struct poly4 inner; /* with r^4 for r and r^8 for r^2 */
	struct poly4_power last4, last8;
};

enum {
	POLY4_UNIT_BLOCKS = 8,
	POLY4_UNIT_BYTES = POLY4_UNIT_BLOCKS * POLY_BLOCK_BYTES,
};

static inline void
poly4_multiply(
	__m256i out[POLY4_LIMBS], const __m256i a[POLY4_LIMBS], const struct poly4_power *p)
{
	__m256i d[POLY4_LIMBS];

	for (unsigned i = 0; i < POLY4_LIMBS; i++)
		d[i] = _mm256_setzero_si256();
	poly4_multiply_add(d, a, p);
	poly4_carry(d);
	for (unsigned i = 0; i < POLY4_LIMBS; i++)
		out[i] = d[i];
}

/* Limb vectors with lane l of `from` in all lanes. */
static inline void
poly4_broadcast(__m256i out[POLY4_LIMBS], const __m256i from[POLY4_LIMBS], unsigned l)
{
	const __m256i idx = _mm256_set1_epi64x((long long)(((2ull * l + 1) << 32) | 2ull * l));

	for (unsigned i = 0; i < POLY4_LIMBS; i++)
		out[i] = _mm256_permutevar8x32_epi32(from[i], idx);
}

/* Powers of the r of lane l of p. */
static inline void
poly4_wide_start(struct poly4_wide *w, const struct poly4 *p, unsigned l)
{
	__m256i r[POLY4_LIMBS], r2[POLY4_LIMBS], r3[POLY4_LIMBS], r4[POLY4_LIMBS], r8[POLY4_LIMBS];
	__m256i own[POLY4_LIMBS];

	poly4_broadcast(r, p->r1.r, l);
	poly4_broadcast(r2, p->r2.r, l);
	poly4_power_set(&w->inner.r2, r2); /* for now */
	poly4_multiply(r3, r, &w->inner.r2);
	poly4_multiply(r4, r2, &w->inner.r2);
	poly4_power_set(&w->inner.r1, r4);
	poly4_multiply(r8, r4, &w->inner.r1);
	poly4_power_set(&w->inner.r2, r8);
	for (unsigned i = 0; i < POLY4_LIMBS; i++) {
		/* By lane r^4, r^2, r^3, r. */
		own[i] = _mm256_blend_epi32(_mm256_blend_epi32(r4[i], r2[i], 0x0c),
			_mm256_blend_epi32(r3[i], r[i], 0xc0), 0xf0);
		w->inner.h[i] = _mm256_setzero_si256();
	}
	poly4_power_set(&w->last4, own);
	poly4_multiply(own, own, &w->inner.r1);
	poly4_power_set(&w->last8, own);
}

/* One unit, of which the first n_none blocks (0 to 7, then it is the first unit) are none. */
static inline __attribute__((always_inline)) void
poly4_wide_take(struct poly4_wide *w, const uint8_t *at, unsigned n_none)
{
	const __m256i none = _mm256_set1_epi64x((long long)n_none - 1);
	const __m256i bit = _mm256_set1_epi64x(POLY4_BIT);
	const __m256i *v = (const __m256i *)at;
	__m256i a = _mm256_loadu_si256(v), b = _mm256_loadu_si256(v + 1);
	__m256i c = _mm256_loadu_si256(v + 2), d = _mm256_loadu_si256(v + 3);
	__m256i m0[POLY4_LIMBS], m1[POLY4_LIMBS];

	poly4_split(m0, _mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
	poly4_split(m1, _mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d));
	m0[4] = _mm256_or_si256(m0[4],
		_mm256_and_si256(
			bit, _mm256_cmpgt_epi64(_mm256_setr_epi64x(0, 2, 1, 3), none)));
	m1[4] = _mm256_or_si256(m1[4],
		_mm256_and_si256(
			bit, _mm256_cmpgt_epi64(_mm256_setr_epi64x(4, 6, 5, 7), none)));
	poly4_absorb(&w->inner, m0, m1);
}

/*
 * The first n_blocks (at least 1) of the message in lane l, which is at its beginning; all other
 * lanes are left as they are. The sum of four lanes' limbs is < 2^28.1, so it is carried before it
 * is an h again.
 */
static inline void
poly4_take_wide(struct poly4_wide *w, struct poly4 *p, unsigned l, const uint8_t *at,
	unsigned n_blocks)
{
	const __m256i is_lane = _mm256_cmpeq_epi64(
		_mm256_set1_epi64x((long long)l), _mm256_setr_epi64x(0, 1, 2, 3));
	unsigned n_none = -n_blocks % POLY4_UNIT_BLOCKS;
	size_t n_first = (size_t)(POLY4_UNIT_BLOCKS - n_none) * POLY_BLOCK_BYTES;
	unsigned n_units = (n_blocks + n_none) / POLY4_UNIT_BLOCKS;
	uint8_t first[POLY4_UNIT_BYTES] = {0};
	__m256i sum[POLY4_LIMBS];

	poly4_wide_start(w, p, l);
	memcpy(first + POLY4_UNIT_BYTES - n_first, at, n_first);
	for (unsigned u = 0; u < n_units; u++) {
		if (u == n_units - 1) {
			w->inner.r1 = w->last4;
			w->inner.r2 = w->last8;
		}
		if (u == 0)
			poly4_wide_take(w, first, n_none);
		else
			poly4_wide_take(
				w, at + n_first + (size_t)(u - 1) * POLY4_UNIT_BYTES, 0);
	}
	for (unsigned i = 0; i < POLY4_LIMBS; i++) {
		sum[i] = _mm256_add_epi64(
			w->inner.h[i], _mm256_permute4x64_epi64(w->inner.h[i], 0x4e));
		sum[i] = _mm256_add_epi64(sum[i], _mm256_permute4x64_epi64(sum[i], 0xb1));
	}
	poly4_carry(sum);
	for (unsigned i = 0; i < POLY4_LIMBS; i++)
		p->h[i] = _mm256_blendv_epi8(p->h[i], sum[i], is_lane);
}

/* What the last block of a message says (RFC 8439 section 2.8), each in a 64-bit lane. */
struct poly4_lengths {
	__m256i aad, text;
};

static inline __attribute__((always_inline)) void
poly4_load_lengths(__m256i m[POLY4_LIMBS], const struct poly4_lengths *lengths)
{
	poly4_split(m, lengths->aad, lengths->text);
	m[4] = _mm256_or_si256(m[4], _mm256_set1_epi64x(POLY4_BIT));
}

static inline void
poly4_take_lengths(struct poly4 *p, const struct poly4_lengths *lengths)
{
	__m256i m[POLY4_LIMBS];

	poly4_load_lengths(m, lengths);
	poly4_absorb_one(p, m);
}

/* The last block of text, of which n_bytes[l] count (0: there is none), and that of lengths. */
static inline void
poly4_take_last(struct poly4 *p, const uint8_t *const at[POLY4_LANES],
	const unsigned n_bytes[POLY4_LANES], const struct poly4_lengths *lengths)
{
	__m256i m0[POLY4_LIMBS], m1[POLY4_LIMBS];
	__m256i has_text = _mm256_cmpgt_epi64(lengths->text, _mm256_setzero_si256());

	poly4_load_part(m0, at, n_bytes);
	m0[4] = _mm256_or_si256(
		m0[4], _mm256_and_si256(has_text, _mm256_set1_epi64x(POLY4_BIT)));
	poly4_load_lengths(m1, lengths);
	poly4_absorb(p, m0, m1);
}

/* h mod p, in limbs that are < B: h - p where that is not negative. */
static inline void
poly4_reduce(__m256i h[POLY4_LIMBS])
{
	__m256i g[POLY4_LIMBS];

	/* Limbs < B + 2^10: one turn leaves a carry of at most 1 to limb 0, the next one none. */
	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned i = 0; i < POLY4_LIMBS; i++)
			poly4_carry_from(h, i);
	}
	/* g = h + 5 - 2^130. Its last limb is negative if h < p. */
	g[0] = _mm256_add_epi64(h[0], _mm256_set1_epi64x(5));
	for (unsigned i = 0; i < POLY4_LIMBS - 1; i++) {
		g[i + 1] = _mm256_add_epi64(h[i + 1], _mm256_srli_epi64(g[i], POLY4_LIMB_BITS));
		g[i] = _mm256_and_si256(g[i], POLY4_MASK);
	}
	g[4] = _mm256_sub_epi64(g[4], _mm256_set1_epi64x(1 << POLY4_LIMB_BITS));
	__m256i keep = _mm256_cmpgt_epi64(_mm256_setzero_si256(), g[4]);
	for (unsigned i = 0; i < POLY4_LIMBS; i++)
		h[i] = _mm256_blendv_epi8(g[i], h[i], keep);
}

/* (h mod p) + s mod 2^128 of each lane: two vectors of two tags each. */
static inline void
poly4_tags(const struct poly4 *p, __m256i *tags)
{
	const __m256i word_mask = _mm256_set1_epi64x(0xffffffff);
	__m256i h[POLY4_LIMBS], sum = _mm256_setzero_si256(), word[4];

	for (unsigned i = 0; i < POLY4_LIMBS; i++)
		h[i] = p->h[i];
	poly4_reduce(h);
	word[0] = _mm256_or_si256(h[0], _mm256_slli_epi64(h[1], 26));
	word[1] = _mm256_or_si256(_mm256_srli_epi64(h[1], 6), _mm256_slli_epi64(h[2], 20));
	word[2] = _mm256_or_si256(_mm256_srli_epi64(h[2], 12), _mm256_slli_epi64(h[3], 14));
	word[3] = _mm256_or_si256(_mm256_srli_epi64(h[3], 18), _mm256_slli_epi64(h[4], 8));
	for (unsigned i = 0; i < 4; i++) {
		sum = _mm256_add_epi64(_mm256_srli_epi64(sum, 32),
			_mm256_add_epi64(_mm256_and_si256(word[i], word_mask), p->s[i]));
		word[i] = _mm256_and_si256(sum, word_mask);
	}
	__m256i low = _mm256_or_si256(word[0], _mm256_slli_epi64(word[1], 32));
	__m256i high = _mm256_or_si256(word[2], _mm256_slli_epi64(word[3], 32));
	__m256i even = _mm256_unpacklo_epi64(low, high), odd = _mm256_unpackhi_epi64(low, high);

	tags[0] = _mm256_permute2x128_si256(even, odd, 0x20);
	tags[1] = _mm256_permute2x128_si256(even, odd, 0x31);
}
