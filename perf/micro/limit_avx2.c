/* SPDX-License-Identifier: BSD-3-Clause */
/* The loops of the component limit in AVX2: the backend's kernels on data where they want it. */
#include <stdbool.h>

#include "crypto/chacha_avx2.h"
#include "crypto/poly_avx2.h"
#include "limit.h"

static inline void
xor_half(uint8_t *row, __m256i x)
{
	_mm256_storeu_si256((__m256i *)row,
		_mm256_xor_si256(x, _mm256_loadu_si256((const __m256i *)row)));
}

static inline void
finish_batch(uint8_t *blocks, const struct chacha8 *c)
{
	__m256i left[8], right[8];

	chacha8_transpose(left, c->stream);
	chacha8_transpose(right, c->stream + 8);
	for (unsigned l = 0; l < CHACHA8_LANES; l++) {
		xor_half(blocks + 64 * l, left[l]);
		xor_half(blocks + 64 * l + 32, right[l]);
	}
}

static void
chacha(struct limit_work *w, unsigned n)
{
	const __m256i one = _mm256_set1_epi32(1);
	struct chacha8 a, b;

	for (unsigned i = 0; i < 16; i++)
		a.start[i] = b.start[i] = _mm256_load_si256((const __m256i *)w->state[i]);
	for (; n; n -= 2) {
		b.start[12] = _mm256_add_epi32(a.start[12], one);
		chacha8_run_pair(&a, &b);
		finish_batch(w->blocks[0], &a);
		finish_batch(w->blocks[1], &b);
		a.start[12] = _mm256_add_epi32(b.start[12], one);
	}
	_mm256_store_si256((__m256i *)w->state[12], a.start[12]);
}

static void
poly_start(struct poly4 *p, const struct limit_work *w)
{
	__m256i r[POLY4_LIMBS], square[POLY4_LIMBS];

	for (unsigned i = 0; i < POLY4_LIMBS; i++) {
		r[i] = _mm256_load_si256((const __m256i *)w->r[i]);
		square[i] = p->h[i] = _mm256_setzero_si256();
	}
	poly4_power_set(&p->r1, r);
	poly4_multiply_add(square, r, &p->r1);
	poly4_carry(square);
	poly4_power_set(&p->r2, square);
}

static void
poly(struct limit_work *w, unsigned n)
{
	for (; n; n--) {
		const uint8_t *m = w->messages[n & 1];
		const uint8_t *at[POLY4_LANES] = {
			m, m + LIMIT_STRIDE, m + 2 * LIMIT_STRIDE, m + 3 * LIMIT_STRIDE};
		struct poly4 p;

		poly_start(&p, w);
		poly4_take_whole(&p, at, LIMIT_MESSAGE_BYTES / POLY4_STEP_BYTES);
		for (unsigned i = 0; i < POLY4_LIMBS; i++)
			_mm256_store_si256((__m256i *)w->h[n & 1][i], p.h[i]);
	}
}

static bool
is_supported(void)
{
	return __builtin_cpu_supports("avx2");
}

const struct limit_unit limit_avx2 = {
	.name = "limit-avx2",
	.bounds = "avx2",
	.chacha_lanes = CHACHA8_LANES,
	.poly_lanes = POLY4_LANES,
	.limb_bits = POLY4_LIMB_BITS,
	.n_limbs = POLY4_LIMBS,
	.is_supported = is_supported,
	.chacha = chacha,
	.poly = poly,
};
