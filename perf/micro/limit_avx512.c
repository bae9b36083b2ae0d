/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loops of the component limit in AVX-512 with IFMA, with one batch and one chain in flight:
 * the plainest that fill the lanes, so they stand here by themselves. Poly1305 in radix 2^44:
 * limbs of 44, 44 and 42 bits, r * 20 for what passes 2^132 (2^130 = 5). All three carries are
 * taken at once: they leave limbs below 2^45, and IFMA reads 52 bits.
 */
#include <immintrin.h>

#include "limit.h"

static inline void
quarter(__m512i *a, __m512i *b, __m512i *c, __m512i *d)
{
	*a = _mm512_add_epi32(*a, *b);
	*d = _mm512_rol_epi32(_mm512_xor_si512(*d, *a), 16);
	*c = _mm512_add_epi32(*c, *d);
	*b = _mm512_rol_epi32(_mm512_xor_si512(*b, *c), 12);
	*a = _mm512_add_epi32(*a, *b);
	*d = _mm512_rol_epi32(_mm512_xor_si512(*d, *a), 8);
	*c = _mm512_add_epi32(*c, *d);
	*b = _mm512_rol_epi32(_mm512_xor_si512(*b, *c), 7);
}

static inline void
double_round(__m512i x[16])
{
	quarter(&x[0], &x[4], &x[8], &x[12]);
	quarter(&x[1], &x[5], &x[9], &x[13]);
	quarter(&x[2], &x[6], &x[10], &x[14]);
	quarter(&x[3], &x[7], &x[11], &x[15]);
	quarter(&x[0], &x[5], &x[10], &x[15]);
	quarter(&x[1], &x[6], &x[11], &x[12]);
	quarter(&x[2], &x[7], &x[8], &x[13]);
	quarter(&x[3], &x[4], &x[9], &x[14]);
}

/* Four words of four lanes: out[k] holds words 4i..4i+3 of lanes k, k+4, k+8 and k+12. */
static inline void
transpose_words(const __m512i x[4], __m512i out[4])
{
	__m512i ab_lo = _mm512_unpacklo_epi32(x[0], x[1]);
	__m512i ab_hi = _mm512_unpackhi_epi32(x[0], x[1]);
	__m512i cd_lo = _mm512_unpacklo_epi32(x[2], x[3]);
	__m512i cd_hi = _mm512_unpackhi_epi32(x[2], x[3]);
	out[0] = _mm512_unpacklo_epi64(ab_lo, cd_lo);
	out[1] = _mm512_unpackhi_epi64(ab_lo, cd_lo);
	out[2] = _mm512_unpacklo_epi64(ab_hi, cd_hi);
	out[3] = _mm512_unpackhi_epi64(ab_hi, cd_hi);
}

static inline void
xor_row(uint8_t *row, __m512i x)
{
	_mm512_storeu_si512(row, _mm512_xor_si512(x, _mm512_loadu_si512(row)));
}

/* q[i] holds words 4i..4i+3 of lanes k, k+4, k+8, k+12: these four blocks. */
static inline void
xor_four(uint8_t *blocks, unsigned k, const __m512i q[4])
{
	__m512i lo01 = _mm512_shuffle_i32x4(q[0], q[1], 0x44);
	__m512i hi01 = _mm512_shuffle_i32x4(q[0], q[1], 0xee);
	__m512i lo23 = _mm512_shuffle_i32x4(q[2], q[3], 0x44);
	__m512i hi23 = _mm512_shuffle_i32x4(q[2], q[3], 0xee);
	xor_row(blocks + 64 * k, _mm512_shuffle_i32x4(lo01, lo23, 0x88));
	xor_row(blocks + 64 * (k + 4), _mm512_shuffle_i32x4(lo01, lo23, 0xdd));
	xor_row(blocks + 64 * (k + 8), _mm512_shuffle_i32x4(hi01, hi23, 0x88));
	xor_row(blocks + 64 * (k + 12), _mm512_shuffle_i32x4(hi01, hi23, 0xdd));
}

/* The 16 blocks of a batch, from their words after the rounds. */
static inline void
finish_batch(uint8_t *blocks, const __m512i x[16])
{
	__m512i t[4][4];

#pragma GCC unroll 4
	for (unsigned i = 0; i < 4; i++)
		transpose_words(x + 4 * i, t[i]);
#pragma GCC unroll 4
	for (unsigned k = 0; k < 4; k++) {
		__m512i q[4] = {t[0][k], t[1][k], t[2][k], t[3][k]};
		xor_four(blocks, k, q);
	}
}

static void
chacha(struct limit_work *w, unsigned n)
{
	const __m512i *state = (const __m512i *)w->state;
	__m512i counter = state[12];

	for (; n; n--) {
		__m512i x[16];

#pragma GCC unroll 16
		for (unsigned i = 0; i < 16; i++)
			x[i] = i == 12 ? counter : state[i];
		for (unsigned i = 0; i < 10; i++)
			double_round(x);
#pragma GCC unroll 16
		for (unsigned i = 0; i < 16; i++)
			x[i] = _mm512_add_epi32(x[i], i == 12 ? counter : state[i]);
		finish_batch(w->blocks[n & 1], x);
		counter = _mm512_add_epi32(counter, _mm512_set1_epi32(1));
	}
	_mm512_store_si512(w->state[12], counter);
}

struct poly {
	__m512i h0, h1, h2;
	__m512i r0, r1, r2;
	__m512i s1, s2; /* 20 r */
};

/* h = (h + m) r, carried once; lo and hi are the two halves of 16 bytes of each message. */
static inline void
poly_block(struct poly *p, __m512i lo, __m512i hi)
{
	const __m512i mask44 = _mm512_set1_epi64((1ll << 44) - 1);
	const __m512i mask42 = _mm512_set1_epi64((1ll << 42) - 1);
	const __m512i bit = _mm512_set1_epi64(1ll << 40);
	const __m512i zero = _mm512_setzero_si512();
	__m512i m1 = _mm512_or_si512(_mm512_srli_epi64(lo, 44), _mm512_slli_epi64(hi, 20));
	__m512i m2 = _mm512_or_si512(_mm512_srli_epi64(hi, 24), bit);
	__m512i h0 = _mm512_add_epi64(p->h0, _mm512_and_si512(lo, mask44));
	__m512i h1 = _mm512_add_epi64(p->h1, _mm512_and_si512(m1, mask44));
	__m512i h2 = _mm512_add_epi64(p->h2, m2);

	__m512i d0 = _mm512_madd52lo_epu64(zero, h2, p->s1);
	__m512i d1 = _mm512_madd52lo_epu64(zero, h2, p->s2);
	__m512i d2 = _mm512_madd52lo_epu64(zero, h2, p->r0);
	__m512i e0 = _mm512_madd52hi_epu64(zero, h2, p->s1);
	__m512i e1 = _mm512_madd52hi_epu64(zero, h2, p->s2);
	__m512i e2 = _mm512_madd52hi_epu64(zero, h2, p->r0);
	d0 = _mm512_madd52lo_epu64(d0, h1, p->s2);
	d1 = _mm512_madd52lo_epu64(d1, h1, p->r0);
	d2 = _mm512_madd52lo_epu64(d2, h1, p->r1);
	e0 = _mm512_madd52hi_epu64(e0, h1, p->s2);
	e1 = _mm512_madd52hi_epu64(e1, h1, p->r0);
	e2 = _mm512_madd52hi_epu64(e2, h1, p->r1);
	d0 = _mm512_madd52lo_epu64(d0, h0, p->r0);
	d1 = _mm512_madd52lo_epu64(d1, h0, p->r1);
	d2 = _mm512_madd52lo_epu64(d2, h0, p->r2);
	e0 = _mm512_madd52hi_epu64(e0, h0, p->r0);
	e1 = _mm512_madd52hi_epu64(e1, h0, p->r1);
	e2 = _mm512_madd52hi_epu64(e2, h0, p->r2);

	/* The high halves stand 52 bits up: 8 above the next limb, 10 above 2^130 in the last. */
	d1 = _mm512_add_epi64(d1, _mm512_slli_epi64(e0, 8));
	d2 = _mm512_add_epi64(d2, _mm512_slli_epi64(e1, 8));
	d0 = _mm512_add_epi64(d0,
		_mm512_add_epi64(_mm512_slli_epi64(e2, 12), _mm512_slli_epi64(e2, 10)));
	__m512i c0 = _mm512_srli_epi64(d0, 44), c1 = _mm512_srli_epi64(d1, 44);
	__m512i c2 = _mm512_srli_epi64(d2, 42);
	p->h0 = _mm512_add_epi64(_mm512_and_si512(d0, mask44),
		_mm512_add_epi64(c2, _mm512_slli_epi64(c2, 2)));
	p->h1 = _mm512_add_epi64(_mm512_and_si512(d1, mask44), c0);
	p->h2 = _mm512_add_epi64(_mm512_and_si512(d2, mask42), c1);
}

/* 64 bytes of each of the eight messages, transposed: out[i] holds bytes 8i.. of all. */
static inline void
load_eight(const uint8_t *m, __m512i out[8])
{
	__m512i a[8], b[8];

#pragma GCC unroll 4
	for (unsigned i = 0; i < 4; i++) { /* pairs of messages: their quad-words side by side */
		__m512i x = _mm512_loadu_si512(m + 2 * i * LIMIT_STRIDE);
		__m512i y = _mm512_loadu_si512(m + (2 * i + 1) * LIMIT_STRIDE);
		a[2 * i] = _mm512_unpacklo_epi64(x, y);
		a[2 * i + 1] = _mm512_unpackhi_epi64(x, y);
	}
#pragma GCC unroll 2
	for (unsigned i = 0; i < 2; i++) { /* even, then odd quad-words */
		b[4 * i] = _mm512_shuffle_i64x2(a[i], a[2 + i], 0x88);
		b[4 * i + 1] = _mm512_shuffle_i64x2(a[i], a[2 + i], 0xdd);
		b[4 * i + 2] = _mm512_shuffle_i64x2(a[4 + i], a[6 + i], 0x88);
		b[4 * i + 3] = _mm512_shuffle_i64x2(a[4 + i], a[6 + i], 0xdd);
	}
#pragma GCC unroll 2
	for (unsigned i = 0; i < 2; i++) {
		out[i] = _mm512_shuffle_i64x2(b[4 * i], b[4 * i + 2], 0x88);
		out[4 + i] = _mm512_shuffle_i64x2(b[4 * i], b[4 * i + 2], 0xdd);
		out[2 + i] = _mm512_shuffle_i64x2(b[4 * i + 1], b[4 * i + 3], 0x88);
		out[6 + i] = _mm512_shuffle_i64x2(b[4 * i + 1], b[4 * i + 3], 0xdd);
	}
}

static inline __m512i
times_20(__m512i x)
{
	return _mm512_add_epi64(_mm512_slli_epi64(x, 4), _mm512_slli_epi64(x, 2));
}

static inline struct poly
poly_start(const struct limit_work *w)
{
	struct poly p = {.h0 = _mm512_setzero_si512(),
		.h1 = _mm512_setzero_si512(),
		.h2 = _mm512_setzero_si512(),
		.r0 = _mm512_load_si512(w->r[0]),
		.r1 = _mm512_load_si512(w->r[1]),
		.r2 = _mm512_load_si512(w->r[2])};

	p.s1 = times_20(p.r1);
	p.s2 = times_20(p.r2);
	return p;
}

static inline void
poly_64_bytes(struct poly *p, const uint8_t *messages)
{
	__m512i m[8];

	load_eight(messages, m);
#pragma GCC unroll 4
	for (unsigned i = 0; i < 4; i++)
		poly_block(p, m[2 * i], m[2 * i + 1]);
}

static inline void
poly_store(uint64_t h[5][LIMIT_POLY_LANES], const struct poly *p)
{
	_mm512_store_si512(h[0], p->h0);
	_mm512_store_si512(h[1], p->h1);
	_mm512_store_si512(h[2], p->h2);
}

static void
poly(struct limit_work *w, unsigned n)
{
	for (; n; n--) {
		struct poly p = poly_start(w);

		for (unsigned at = 0; at < LIMIT_MESSAGE_BYTES; at += 64)
			poly_64_bytes(&p, w->messages[n & 1] + at);
		poly_store(w->h[n & 1], &p);
	}
}

static bool
is_supported(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512ifma");
}

const struct limit_unit limit_avx512 = {
	.name = "limit-avx512",
	.bounds = "avx512",
	.chacha_lanes = 16,
	.poly_lanes = 8,
	.limb_bits = 44,
	.n_limbs = 3,
	.is_supported = is_supported,
	.chacha = chacha,
	.poly = poly,
};
