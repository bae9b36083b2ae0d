/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tighter limit in AVX-512: the backend's kernels on data where they want it. Two batches of
 * ChaCha20 in flight; two times eight messages of Poly1305, four blocks of each a step.
 */
#include "crypto/chacha_avx512.h"
#include "crypto/poly_avx512.h"
#include "limit.h"

static void
chacha(struct limit_work *w, unsigned n)
{
	const __m512i one = _mm512_set1_epi32(1);
	struct chacha_set first[2], s[2];

	for (unsigned i = 0; i < 16; i++)
		first[0].x[i] = first[1].x[i] = _mm512_load_si512(w->state[i]);
	for (; n; n -= 2) {
		first[1].x[12] = _mm512_add_epi32(first[0].x[12], one);
		s[0] = first[0];
		s[1] = first[1];
		chacha_rounds(s, 2);
		for (unsigned k = 0; k < 2; k++) {
			for (unsigned i = 0; i < 16; i++)
				s[k].x[i] = _mm512_add_epi32(s[k].x[i], first[k].x[i]);
			chacha_transpose(&s[k]);
			for (unsigned i = 0; i < 16; i++) {
				uint8_t *block = w->blocks[k] + 64 * i;
				_mm512_store_si512(block,
					_mm512_xor_si512(s[k].x[i], _mm512_load_si512(block)));
			}
		}
		first[0].x[12] = _mm512_add_epi32(first[1].x[12], one);
	}
	_mm512_store_si512(w->state[12], first[0].x[12]);
}

static void
set_powers(struct poly *p, const struct limit_work *w)
{
	struct poly_sum a = {0};
	struct poly_num r;

	for (unsigned i = 0; i < 3; i++) {
		r.v[i] = _mm512_load_si512(w->r[i]);
		p->h.v[i] = _mm512_setzero_si512();
	}
	p->power[0] = poly_power(r);
	poly_mul_add(&a, &r, &p->power[0]);
	p->power[1] = poly_power(poly_reduce(&a));
	poly_add_powers(p);
}

static inline struct poly_num
take_row(struct poly_num h, const struct poly *p, const uint8_t *messages)
{
	__m512i z[POLY_LANES];

	for (unsigned lane = 0; lane < POLY_LANES; lane++)
		z[lane] = _mm512_loadu_si512(messages + lane * LIMIT_STRIDE);
	return poly_full_row(h, p->power, z, true);
}

static void
poly(struct limit_work *w, unsigned n)
{
	struct poly p;

	set_powers(&p, w);
	for (; n; n -= 2) {
		struct poly_num h[2] = {p.h, p.h};

		for (unsigned at = 0; at < LIMIT_MESSAGE_BYTES; at += POLY_ROW_BYTES) {
			for (unsigned k = 0; k < 2; k++)
				h[k] = take_row(h[k], &p, w->messages[k] + at);
		}
		for (unsigned i = 0; i < 3; i++) {
			_mm512_store_si512(w->h[0][i], h[0].v[i]);
			_mm512_store_si512(w->h[1][i], h[1].v[i]);
		}
	}
}

static bool
is_supported(void)
{
	return limit_avx512.is_supported() && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2");
}

const struct limit_unit limit2_avx512 = {
	.name = "limit2-avx512",
	.bounds = "avx512",
	.chacha_lanes = CHACHA_LANES,
	.poly_lanes = POLY_LANES,
	.limb_bits = 44,
	.n_limbs = 3,
	.is_supported = is_supported,
	.chacha = chacha,
	.poly = poly,
};
