/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Internet checksum's sum (RFC 1071) of many bytes: 32 a step, in vectors of the baseline
 * (SSE2). Two sums are kept for each 64-bit lane: T of its words as they stand, modulo 2^64, and
 * H of their upper halves, exact. The lower halves' sum is T - 2^32 H, exact as well, for it is
 * less than 2^64; so no mask is needed, and a step costs three operations a vector.
 *
 * What else was tried: docs/decisions/0017-the-path-around-batch-aead.md.
 */
#include <emmintrin.h>

#include "wire/ip.h"

enum { STEP_BYTES = 32 };

static inline __m128i
load(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

/* The rest, less than a step: words, then what is left of one, padded with zeros. */
static inline uint64_t
sum_tail(const uint8_t *p, uint32_t n_bytes)
{
	uint64_t sum = 0;
	for (; n_bytes >= 4; n_bytes -= 4, p += 4)
		sum += load_le32(p);
	if (n_bytes >= 2) {
		sum += load_le16(p);
		p += 2;
		n_bytes -= 2;
	}
	return n_bytes ? sum + *p : sum;
}

uint64_t
ip_sum(const uint8_t *p, uint32_t n_bytes)
{
	__m128i whole[2] = {_mm_setzero_si128(), _mm_setzero_si128()};
	__m128i upper[2] = {_mm_setzero_si128(), _mm_setzero_si128()};
	for (; n_bytes >= STEP_BYTES; n_bytes -= STEP_BYTES, p += STEP_BYTES) {
		__m128i a = load(p), b = load(p + 16);
		whole[0] = _mm_add_epi64(whole[0], a);
		upper[0] = _mm_add_epi64(upper[0], _mm_srli_epi64(a, 32));
		whole[1] = _mm_add_epi64(whole[1], b);
		upper[1] = _mm_add_epi64(upper[1], _mm_srli_epi64(b, 32));
	}
	__m128i t = _mm_add_epi64(whole[0], whole[1]), h = _mm_add_epi64(upper[0], upper[1]);
	__m128i sum = _mm_add_epi64(_mm_sub_epi64(t, _mm_slli_epi64(h, 32)), h);
	return (uint64_t)_mm_cvtsi128_si64(sum) +
	       (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(sum, sum)) + sum_tail(p, n_bytes);
}
