/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Poly1305 of one message across the eight lanes, for messages that have no seven others of their
 * length beside them. Lane k takes every eighth block and multiplies by R = r^8; the last eight
 * blocks are multiplied by r^8 to r^1 instead, a lane its own, and then the lanes are summed up
 * (Goll and Gueron, "Vectorization of Poly1305 message authentication code", 2015). Arithmetic and
 * bounds are those of crypto/poly_avx512.h: R and its powers are powers of r like any other.
 *
 * The block of lengths is the last one, and blank blocks go first, as there, so that the blocks
 * are a multiple of eight.
 *
 * Powers are worked out for eight messages at once, one in a lane, and then turned into vectors of
 * one message's eight powers.
 */
#pragma once

#include "crypto/poly_avx512.h"

enum {
	POLY_STRIDE_BYTES = 8 * POLY_BLOCK_BYTES, /* what the lanes take at a time */
};

/* Of eight messages. */
struct poly_across {
	/* Lane k of ends[i]: message i's r^(8 - b), where b is the block that lane k takes. */
	struct poly_num ends[POLY_LANES];
	/* strides[n]: R^(n + 1), lane = message. */
	struct poly_power strides[POLY_ROW_BLOCKS];
};

/* The blocks' order in the lanes, as unpacking two vectors leaves it: 0 4 1 5 2 6 3 7. */
POLY_ALWAYS unsigned
poly_lane_block(unsigned lane)
{
	return lane / 2 + lane % 2 * 4;
}

POLY_ALWAYS struct poly_num
poly_multiply(struct poly_num a, const struct poly_power *b)
{
	struct poly_sum sum = {0};

	poly_mul_add(&sum, &a, b);
	return poly_reduce(&sum);
}

/* p has r and r^2 (poly_init). */
static inline void
poly_across_init(struct poly_across *a, const struct poly *p)
{
	struct poly_num power[POLY_LANES]; /* r^(i + 1) */
	struct poly_power square = p->power[1], fourth;

	power[0] = (struct poly_num){{p->power[0].r[0], p->power[0].r[1], p->power[0].r[2]}};
	power[1] = (struct poly_num){{square.r[0], square.r[1], square.r[2]}};
	power[2] = poly_multiply(power[0], &square);
	power[3] = poly_multiply(power[1], &square);
	fourth = poly_power(power[3]);
	for (unsigned i = 0; i < 4; i++)
		power[4 + i] = poly_multiply(power[i], &fourth);
	struct poly_num stride = power[7];
	a->strides[0] = poly_power(stride);
	for (unsigned i = 1; i < POLY_ROW_BLOCKS; i++) {
		stride = poly_multiply(stride, &a->strides[0]);
		a->strides[i] = poly_power(stride);
	}
	for (unsigned limb = 0; limb < 3; limb++) {
		__m512i z[POLY_LANES];

		for (unsigned k = 0; k < POLY_LANES; k++)
			z[k] = power[POLY_LANES - 1 - poly_lane_block(k)].v[limb];
		struct poly_row by_message = poly_transpose(z);
		for (unsigned i = 0; i < POLY_LANES; i++)
			a->ends[i].v[limb] = by_message.half[i];
	}
}

/* The same power of one message's r in all lanes. */
POLY_ALWAYS struct poly_power
poly_one_power(const struct poly_power *by_message, unsigned message)
{
	const __m512i lane = _mm512_set1_epi64(message);
	struct poly_power p;

	for (unsigned i = 0; i < 3; i++)
		p.r[i] = _mm512_permutexvar_epi64(lane, by_message->r[i]);
	for (unsigned i = 0; i < 2; i++)
		p.x20[i] = _mm512_permutexvar_epi64(lane, by_message->x20[i]);
	return p;
}

/* Eight blocks from two vectors, those of `present` lanes with the bit that pads them. */
POLY_ALWAYS struct poly_num
poly_stride(const __m512i z[2], __mmask8 present)
{
	struct poly_row row = {
		.half = {_mm512_unpacklo_epi64(z[0], z[1]), _mm512_unpackhi_epi64(z[0], z[1])}};

	return poly_block(&row, 0, present);
}

/* Where the strides of a message are: stride 0 begins so many blank blocks before it. */
struct poly_strides {
	const uint8_t *at; /* stride 0 */
	uint32_t skip_bytes;
	uint32_t n_bytes;
	unsigned n;
};

POLY_ALWAYS struct poly_strides
poly_strides_of(const uint8_t *data, uint32_t n_bytes)
{
	uint32_t blocks = (n_bytes + POLY_BLOCK_BYTES - 1) / POLY_BLOCK_BYTES + 1;
	uint32_t n = (blocks + POLY_LANES - 1) / POLY_LANES;
	uint32_t skip_bytes = (n * POLY_LANES - blocks) * POLY_BLOCK_BYTES;

	return (struct poly_strides){data - skip_bytes, skip_bytes, n_bytes, n};
}

/* Bytes [from, to) of a message's strides, of those the 64 from `start` on. */
POLY_ALWAYS __m512i
poly_load_between(const uint8_t *at, uint32_t start, uint32_t from, uint32_t to)
{
	uint32_t below = to <= start ? 0 : MIN_OF(to - start, 64u);
	uint32_t blank = from <= start ? 0 : MIN_OF(from - start, 64u);
	__mmask64 present = poly_bytes_below(below) & ~poly_bytes_below(blank);

	/* A masked access to an address that is not mapped takes for ever. */
	return present ? _mm512_maskz_loadu_epi8(present, at + start) : _mm512_setzero_si512();
}

/* The first stride, the last one, or one that is both. */
POLY_ALWAYS struct poly_num
poly_edge_stride(const struct poly_strides *s, unsigned i)
{
	uint32_t start = i * POLY_STRIDE_BYTES, end = s->skip_bytes + s->n_bytes;
	__m512i z[2] = {poly_load_between(s->at, start, s->skip_bytes, end),
		poly_load_between(s->at, start + 64, s->skip_bytes, end)};
	unsigned blank = i == 0 ? s->skip_bytes / POLY_BLOCK_BYTES : 0;
	__mmask8 present = 0;

	for (unsigned k = 0; k < POLY_LANES; k++)
		present |= (__mmask8)((poly_lane_block(k) >= blank) << k);
	if (i + 1 == s->n) /* the lengths: of no associated data, and of the text */
		z[1] = _mm512_mask_set1_epi64(z[1], 0x80, s->n_bytes);
	return poly_stride(z, present);
}

POLY_ALWAYS struct poly_num
poly_full_stride(const struct poly_strides *s, unsigned i)
{
	const uint8_t *at = s->at + i * POLY_STRIDE_BYTES;
	__m512i z[2] = {_mm512_loadu_si512(at), _mm512_loadu_si512(at + 64)};

	return poly_stride(z, 0xff);
}

/*
 * h of a whole message with empty associated data, its block of lengths included, as three limbs
 * below 2^48: the sums of eight lanes.
 */
static inline void
poly_across_message(const struct poly_across *a, unsigned message, const uint8_t *data,
	uint32_t n_bytes, uint64_t limbs[3])
{
	struct poly_strides s = poly_strides_of(data, n_bytes);
	struct poly_num h = {
		{_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()}};
	struct poly_power stride[POLY_ROW_BLOCKS], end = poly_power(a->ends[message]);
	struct poly_num m[POLY_ROW_BLOCKS];
	unsigned i = 0;

	for (unsigned n = 0; n < POLY_ROW_BLOCKS; n++)
		stride[n] = poly_one_power(&a->strides[n], message);
	if (s.n > 1) {
		m[0] = poly_edge_stride(&s, i++);
		h = poly_step(h, stride, m, 1);
	}
	for (; i + POLY_ROW_BLOCKS < s.n; i += POLY_ROW_BLOCKS) {
		for (unsigned k = 0; k < POLY_ROW_BLOCKS; k++)
			m[k] = poly_full_stride(&s, i + k);
		h = poly_step(h, stride, m, POLY_ROW_BLOCKS);
	}
	for (; i + 1 < s.n; i++) {
		m[0] = poly_full_stride(&s, i);
		h = poly_step(h, stride, m, 1);
	}
	m[0] = poly_edge_stride(&s, i);
	h = poly_step(h, &end, m, 1);
	for (unsigned limb = 0; limb < 3; limb++)
		limbs[limb] = (uint64_t)_mm512_reduce_add_epi64(h.v[limb]);
}
