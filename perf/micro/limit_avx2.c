/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loops of the component limit in AVX2. Poly1305 in radix 2^26: five limbs, products of 32
 * bits by vpmuludq, r * 5 for what passes 2^130; sums of five stay below 2^62, and the carries,
 * two chains side by side, leave limbs below 2^27.
 */
#include <immintrin.h>

#include "limit.h"

static inline __m256i
rotate_bytes(__m256i x, __m256i how)
{
	return _mm256_shuffle_epi8(x, how);
}

static inline __m256i
rotate_bits(__m256i x, int n)
{
	return _mm256_or_si256(_mm256_slli_epi32(x, n), _mm256_srli_epi32(x, 32 - n));
}

static inline __attribute__((always_inline)) void
quarter(__m256i *a, __m256i *b, __m256i *c, __m256i *d)
{
	const __m256i by_16 = _mm256_set_epi64x(0x0d0c0f0e09080b0a, 0x0504070601000302,
		0x0d0c0f0e09080b0a, 0x0504070601000302);
	const __m256i by_8 = _mm256_set_epi64x(0x0e0d0c0f0a09080b, 0x0605040702010003,
		0x0e0d0c0f0a09080b, 0x0605040702010003);

	*a = _mm256_add_epi32(*a, *b);
	*d = rotate_bytes(_mm256_xor_si256(*d, *a), by_16);
	*c = _mm256_add_epi32(*c, *d);
	*b = rotate_bits(_mm256_xor_si256(*b, *c), 12);
	*a = _mm256_add_epi32(*a, *b);
	*d = rotate_bytes(_mm256_xor_si256(*d, *a), by_8);
	*c = _mm256_add_epi32(*c, *d);
	*b = rotate_bits(_mm256_xor_si256(*b, *c), 7);
}

static inline __attribute__((always_inline)) void
double_round(__m256i x[16])
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

/* Four words of four lanes: out[k] holds words 4i..4i+3 of lanes k and k+4. */
static inline void
transpose_words(const __m256i x[4], __m256i out[4])
{
	__m256i ab_lo = _mm256_unpacklo_epi32(x[0], x[1]);
	__m256i ab_hi = _mm256_unpackhi_epi32(x[0], x[1]);
	__m256i cd_lo = _mm256_unpacklo_epi32(x[2], x[3]);
	__m256i cd_hi = _mm256_unpackhi_epi32(x[2], x[3]);
	out[0] = _mm256_unpacklo_epi64(ab_lo, cd_lo);
	out[1] = _mm256_unpackhi_epi64(ab_lo, cd_lo);
	out[2] = _mm256_unpacklo_epi64(ab_hi, cd_hi);
	out[3] = _mm256_unpackhi_epi64(ab_hi, cd_hi);
}

static inline void
xor_half(uint8_t *row, __m256i x)
{
	_mm256_storeu_si256((__m256i *)row,
		_mm256_xor_si256(x, _mm256_loadu_si256((const __m256i *)row)));
}

/* Words 4i..4i+3 of all blocks, and 4(i+1)..: half a row each. */
static inline void
xor_halves(uint8_t *blocks, const __m256i even[4], const __m256i odd[4])
{
#pragma GCC unroll 4
	for (unsigned k = 0; k < 4; k++) {
		xor_half(blocks + 64 * k, _mm256_permute2x128_si256(even[k], odd[k], 0x20));
		xor_half(blocks + 64 * (k + 4), _mm256_permute2x128_si256(even[k], odd[k], 0x31));
	}
}

static void
chacha(struct limit_work *w, unsigned n)
{
	__m256i counter = _mm256_load_si256((const __m256i *)w->state[12]);

	for (; n; n--) {
		__m256i x[16];

#pragma GCC unroll 16
		for (unsigned i = 0; i < 16; i++)
			x[i] = i == 12 ? counter
				       : _mm256_load_si256((const __m256i *)w->state[i]);
		for (unsigned i = 0; i < 10; i++)
			double_round(x);
#pragma GCC unroll 16
		for (unsigned i = 0; i < 16; i++)
			x[i] = _mm256_add_epi32(x[i], i == 12
					? counter
					: _mm256_load_si256((const __m256i *)w->state[i]));
#pragma GCC unroll 2
		for (unsigned i = 0; i < 2; i++) {
			__m256i even[4], odd[4];

			transpose_words(x + 8 * i, even);
			transpose_words(x + 8 * i + 4, odd);
			xor_halves(w->blocks + 32 * i, even, odd);
		}
		counter = _mm256_add_epi32(counter, _mm256_set1_epi32(1));
	}
	_mm256_store_si256((__m256i *)w->state[12], counter);
}

struct poly {
	__m256i h[5], r[5], s[5]; /* s = 5 r */
};

static inline __m256i
mul(__m256i a, __m256i b)
{
	return _mm256_mul_epu32(a, b);
}

static inline __m256i
add(__m256i a, __m256i b)
{
	return _mm256_add_epi64(a, b);
}

/* d * 2^(26 i) gives what is above 26 bits to the next limb; the last one's comes back times 5. */
static inline void
carry_two(__m256i d[5], unsigned i, unsigned k)
{
	const __m256i mask = _mm256_set1_epi64x((1 << 26) - 1);
	__m256i c = _mm256_srli_epi64(d[i], 26), e = _mm256_srli_epi64(d[k], 26);

	d[i] = _mm256_and_si256(d[i], mask);
	d[k] = _mm256_and_si256(d[k], mask);
	d[i + 1] = add(d[i + 1], c);
	d[(k + 1) % 5] = add(d[(k + 1) % 5], k == 4 ? add(e, _mm256_slli_epi64(e, 2)) : e);
}

/* h = (h + m) r; lo and hi are the two halves of 16 bytes of each message. */
static inline __attribute__((always_inline)) void
poly_block(struct poly *p, __m256i lo, __m256i hi)
{
	const __m256i mask = _mm256_set1_epi64x((1 << 26) - 1);
	const __m256i bit = _mm256_set1_epi64x(1 << 24);
	__m256i mid = _mm256_or_si256(_mm256_srli_epi64(lo, 52), _mm256_slli_epi64(hi, 12));
	__m256i h[5], d[5];

	h[0] = add(p->h[0], _mm256_and_si256(lo, mask));
	h[1] = add(p->h[1], _mm256_and_si256(_mm256_srli_epi64(lo, 26), mask));
	h[2] = add(p->h[2], _mm256_and_si256(mid, mask));
	h[3] = add(p->h[3], _mm256_and_si256(_mm256_srli_epi64(hi, 14), mask));
	h[4] = add(p->h[4], _mm256_or_si256(_mm256_srli_epi64(hi, 40), bit));
#pragma GCC unroll 5
	for (unsigned i = 0; i < 5; i++) {
		d[i] = mul(h[0], p->r[i]);
#pragma GCC unroll 5
		for (unsigned k = 1; k < 5; k++)
			d[i] = add(d[i], mul(h[k], k <= i ? p->r[i - k] : p->s[5 + i - k]));
	}
	carry_two(d, 0, 3);
	carry_two(d, 1, 4);
	carry_two(d, 2, 0);
	carry_two(d, 3, 1);
#pragma GCC unroll 5
	for (unsigned i = 0; i < 5; i++)
		p->h[i] = d[i];
}

/* 32 bytes of each of the four messages, transposed: out[i] holds bytes 8i.. of all. */
static inline void
load_four(const uint8_t *m, __m256i out[4])
{
	__m256i x0 = _mm256_loadu_si256((const __m256i *)m);
	__m256i x1 = _mm256_loadu_si256((const __m256i *)(m + LIMIT_STRIDE));
	__m256i x2 = _mm256_loadu_si256((const __m256i *)(m + 2 * LIMIT_STRIDE));
	__m256i x3 = _mm256_loadu_si256((const __m256i *)(m + 3 * LIMIT_STRIDE));
	__m256i lo01 = _mm256_unpacklo_epi64(x0, x1), hi01 = _mm256_unpackhi_epi64(x0, x1);
	__m256i lo23 = _mm256_unpacklo_epi64(x2, x3), hi23 = _mm256_unpackhi_epi64(x2, x3);
	out[0] = _mm256_permute2x128_si256(lo01, lo23, 0x20);
	out[1] = _mm256_permute2x128_si256(hi01, hi23, 0x20);
	out[2] = _mm256_permute2x128_si256(lo01, lo23, 0x31);
	out[3] = _mm256_permute2x128_si256(hi01, hi23, 0x31);
}

static void
poly(struct limit_work *w, unsigned n)
{
	struct poly p;

#pragma GCC unroll 5
	for (unsigned i = 0; i < 5; i++) {
		p.h[i] = _mm256_setzero_si256();
		p.r[i] = _mm256_load_si256((const __m256i *)w->r[i]);
		p.s[i] = add(p.r[i], _mm256_slli_epi64(p.r[i], 2));
	}
	for (; n; n--) {
		for (unsigned at = 0; at < LIMIT_MESSAGE_BYTES; at += 32) {
			__m256i m[4];

			load_four(w->messages + at, m);
			poly_block(&p, m[0], m[1]);
			poly_block(&p, m[2], m[3]);
		}
	}
	for (unsigned i = 0; i < 5; i++)
		_mm256_store_si256((__m256i *)w->h[i], p.h[i]);
}

static bool
is_supported(void)
{
	return __builtin_cpu_supports("avx2");
}

const struct limit_unit limit_avx2 = {
	.name = "avx2",
	.chacha_lanes = 8,
	.poly_lanes = 4,
	.limb_bits = 26,
	.n_limbs = 5,
	.is_supported = is_supported,
	.loops = {{chacha, poly}},
};
