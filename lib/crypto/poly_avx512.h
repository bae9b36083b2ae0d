/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Poly1305 (RFC 8439 section 2.5) of eight messages at once, one in each 64-bit lane, with IFMA.
 *
 * Radix. A number modulo p = 2^130 - 5 is three limbs of 44, 44 and 42 bits. IFMA multiplies 52 by
 * 52 bits and adds the lower or the upper 52 bits of the product to a 64-bit lane, so the eight
 * spare bits of a limb let sums go uncarried. A product's upper part weighs 2^52 = 2^44 * 2^8: it
 * goes to the next limb, shifted left by 8. What reaches 2^132 = 4 * 2^130 comes back as 4 * 5 = 20
 * times as much at limb 0: those factors of r are kept multiplied by 20 (below 2^48.4).
 *
 * Bounds. Between steps h0 < 2^44, h1 < 2^44 + 2^12, h2 < 2^42 + 2^12 (poly_reduce shows it), and
 * so are the limbs of a power of r; a block adds less than 2^44, 2^44 and 2^41. A factor is thus
 * below 2^45.1 < 2^52. A step sums up to 12 products in a limb (four blocks of three). Their lower
 * halves are below 12 * 2^52 < 2^55.6, the upper ones below 12 * 2^(45.1 + 48.4 - 52) < 2^45.1;
 * with the shift by 8 a limb is below 2^55.8. The top one's upper half has no factor 20: it is
 * below 12 * 2^(45.1 + 44.1 - 52) < 2^40.8, shifted by 10 below 2^50.8, and five times that below
 * 2^53.2.
 *
 * Up to four blocks a step: h = (h + m0) r^4 + m1 r^3 + m2 r^2 + m3 r, so that one carry serves all
 * four, and three of the products do not wait for h (after Goll and Gueron, "Vectorization of
 * Poly1305 message authentication code", 2015, who sum over lanes so). One message a lane needs no
 * sum over lanes at the end. Short messages do with r^2, the other two powers cost more than they
 * save there.
 *
 * Shorter messages in a lane start later, with leading zero blocks: while h is 0 and a block is 0,
 * without even the bit that pads it, h stays 0. Lengths are public, and so are the masks.
 */
#pragma once

#include <immintrin.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
	POLY_LANES = 8,
	POLY_BLOCK_BYTES = 16,
	POLY_ROW_BYTES = 64,
	POLY_ROW_BLOCKS = 4,
};

#define POLY_ALWAYS static inline __attribute__((always_inline))

/* A number modulo p in each lane. */
struct poly_num {
	__m512i v[3];
};

/* A power of r, to be multiplied with; x20[i] is 20 times limb 1 + i. */
struct poly_power {
	__m512i r[3];
	__m512i x20[2];
};

/* Eight messages' state. power[i] is r^(i + 1); s is the second half of each key, in limbs. */
struct poly {
	struct poly_num h;
	struct poly_num s;
	struct poly_power power[POLY_ROW_BLOCKS];
};

/* Lower and upper halves of sums of products. */
struct poly_sum {
	__m512i low[3], high[3];
};

/* The n lowest of 64 bytes. */
POLY_ALWAYS __mmask64
poly_bytes_below(uint32_t n)
{
	return n < 64 ? (1ull << n) - 1 : ~0ull;
}

POLY_ALWAYS __m512i
poly_mask(unsigned bits)
{
	return _mm512_set1_epi64((long long)((1ull << bits) - 1));
}

/* 128-bit numbers, given as two halves, to limbs. */
POLY_ALWAYS struct poly_num
poly_split(__m512i low, __m512i high)
{
	const __m512i mask = poly_mask(44);
	struct poly_num m;

	m.v[0] = _mm512_and_si512(low, mask);
	/* 0xa8: (a | b) & c */
	m.v[1] = _mm512_ternarylogic_epi64(
		_mm512_srli_epi64(low, 44), _mm512_slli_epi64(high, 20), mask, 0xa8);
	m.v[2] = _mm512_srli_epi64(high, 24);
	return m;
}

POLY_ALWAYS struct poly_num
poly_add(struct poly_num a, struct poly_num b)
{
	for (unsigned i = 0; i < 3; i++)
		a.v[i] = _mm512_add_epi64(a.v[i], b.v[i]);
	return a;
}

/* a += m * r. The limbs of h come out of a carry in the order 2, 0, 1, and are waited for in that.
 */
POLY_ALWAYS void
poly_mul_add(struct poly_sum *a, const struct poly_num *m, const struct poly_power *r)
{
	const __m512i f[3][3] = {
		{r->r[0], r->x20[1], r->x20[0]},
		{r->r[1], r->r[0], r->x20[1]},
		{r->r[2], r->r[1], r->r[0]},
	};

	for (unsigned j = 2; j < 5; j++) {
		for (unsigned i = 0; i < 3; i++) {
			a->low[i] = _mm512_madd52lo_epu64(a->low[i], m->v[j % 3], f[i][j % 3]);
			a->high[i] = _mm512_madd52hi_epu64(a->high[i], m->v[j % 3], f[i][j % 3]);
		}
	}
}

/*
 * One carry of each limb at once, then the one out of limb 0 again, for five times what left the
 * top made that large. Carries out of limbs 0 and 1 are below 2^11.8, out of limb 0 again below
 * 2^9.3: h0 < 2^44, h1 < 2^44 + 2^12, h2 < 2^42 + 2^12.
 */
POLY_ALWAYS struct poly_num
poly_reduce(const struct poly_sum *a)
{
	const __m512i mask44 = poly_mask(44), mask42 = poly_mask(42);
	__m512i t0 = a->low[0];
	__m512i t1 = _mm512_add_epi64(a->low[1], _mm512_slli_epi64(a->high[0], 8));
	__m512i t2 = _mm512_add_epi64(a->low[2], _mm512_slli_epi64(a->high[1], 8));
	__m512i top =
		_mm512_add_epi64(_mm512_srli_epi64(t2, 42), _mm512_slli_epi64(a->high[2], 10));
	__m512i five = _mm512_add_epi64(top, _mm512_slli_epi64(top, 2));
	struct poly_num h;

	h.v[0] = _mm512_add_epi64(_mm512_and_si512(t0, mask44), five);
	h.v[1] = _mm512_add_epi64(_mm512_and_si512(t1, mask44), _mm512_srli_epi64(t0, 44));
	h.v[2] = _mm512_add_epi64(_mm512_and_si512(t2, mask42), _mm512_srli_epi64(t1, 44));
	h.v[1] = _mm512_add_epi64(h.v[1], _mm512_srli_epi64(h.v[0], 44));
	h.v[0] = _mm512_and_si512(h.v[0], mask44);
	return h;
}

POLY_ALWAYS struct poly_power
poly_power(struct poly_num n)
{
	struct poly_power p;

	for (unsigned i = 0; i < 3; i++)
		p.r[i] = n.v[i];
	for (unsigned i = 0; i < 2; i++)
		p.x20[i] = _mm512_add_epi64(
			_mm512_slli_epi64(n.v[1 + i], 4), _mm512_slli_epi64(n.v[1 + i], 2));
	return p;
}

/* h = (h + m[0]) r^n + m[1] r^(n - 1) + ... + m[n - 1] r, n a constant from 1 to 4. */
POLY_ALWAYS struct poly_num
poly_step(struct poly_num h, const struct poly_power *power, const struct poly_num *m,
	const unsigned n)
{
	struct poly_sum a = {0};

	_Pragma("GCC unroll 4") for (unsigned i = n; i-- > 1;)
		poly_mul_add(&a, &m[i], &power[n - 1 - i]);
	h = poly_add(h, m[0]);
	poly_mul_add(&a, &h, &power[n - 1]);
	return poly_reduce(&a);
}

/*
 * Keys: r, which is clamped here (RFC 8439 section 2.5.1), and s, each as two halves a lane. The
 * clamp leaves r1 < 2^44 and r2 < 2^36, within what is said of powers above.
 */
POLY_ALWAYS void
poly_init(struct poly *p, const __m512i r[2], const __m512i s[2])
{
	struct poly_num n =
		poly_split(_mm512_and_si512(r[0], _mm512_set1_epi64(0x0ffffffc0fffffff)),
			_mm512_and_si512(r[1], _mm512_set1_epi64(0x0ffffffc0ffffffc)));
	struct poly_sum a = {0};

	p->power[0] = poly_power(n);
	poly_mul_add(&a, &n, &p->power[0]);
	p->power[1] = poly_power(poly_reduce(&a));
	p->s = poly_split(s[0], s[1]);
	for (unsigned i = 0; i < 3; i++)
		p->h.v[i] = _mm512_setzero_si512();
}

/* The powers that steps of four blocks want. */
POLY_ALWAYS void
poly_add_powers(struct poly *p)
{
	struct poly_num square = {{p->power[1].r[0], p->power[1].r[1], p->power[1].r[2]}};

	for (unsigned i = 0; i < 2; i++) {
		struct poly_sum a = {0};

		poly_mul_add(&a, &square, &p->power[i]);
		p->power[2 + i] = poly_power(poly_reduce(&a));
	}
}

/* 64 bytes of each message, transposed: half[2b], half[2b + 1] are the halves of block b. */
struct poly_row {
	__m512i half[2 * POLY_ROW_BLOCKS];
};

/* 24 shuffles: pairs of messages by 64 bits, then a 4 by 4 transposition of 128-bit pieces. */
POLY_ALWAYS struct poly_row
poly_transpose(const __m512i z[POLY_LANES])
{
	struct poly_row row;

	for (unsigned h = 0; h < 2; h++) {
		__m512i a[4];

		for (unsigned i = 0; i < 4; i++)
			a[i] = h ? _mm512_unpackhi_epi64(z[2 * i], z[2 * i + 1])
				 : _mm512_unpacklo_epi64(z[2 * i], z[2 * i + 1]);
		__m512i lo01 = _mm512_shuffle_i64x2(a[0], a[1], 0x44);
		__m512i hi01 = _mm512_shuffle_i64x2(a[0], a[1], 0xee);
		__m512i lo23 = _mm512_shuffle_i64x2(a[2], a[3], 0x44);
		__m512i hi23 = _mm512_shuffle_i64x2(a[2], a[3], 0xee);

		row.half[0 + h] = _mm512_shuffle_i64x2(lo01, lo23, 0x88);
		row.half[2 + h] = _mm512_shuffle_i64x2(lo01, lo23, 0xdd);
		row.half[4 + h] = _mm512_shuffle_i64x2(hi01, hi23, 0x88);
		row.half[6 + h] = _mm512_shuffle_i64x2(hi01, hi23, 0xdd);
	}
	return row;
}

/* Block b of a row, with the bit that pads it (2^128) in those lanes that have it. */
POLY_ALWAYS struct poly_num
poly_block(const struct poly_row *row, unsigned b, __mmask8 present)
{
	struct poly_num m = poly_split(row->half[2 * b], row->half[2 * b + 1]);

	m.v[2] = _mm512_mask_or_epi64(m.v[2], present, m.v[2], _mm512_set1_epi64(1ll << 40));
	return m;
}

/* A whole row of every message, in one step of four blocks or two of two. */
POLY_ALWAYS struct poly_num
poly_full_row(struct poly_num h, const struct poly_power *power, const __m512i z[POLY_LANES],
	const bool in_fours)
{
	struct poly_row row = poly_transpose(z);
	struct poly_num m[POLY_ROW_BLOCKS];

	for (unsigned b = 0; b < POLY_ROW_BLOCKS; b++)
		m[b] = poly_block(&row, b, 0xff);
	if (in_fours)
		return poly_step(h, power, m, 4);
	return poly_step(poly_step(h, power, m, 2), power, m + 2, 2);
}

/* The last n blocks (1 to 4) of a row; present[b]: the messages that have block b. */
POLY_ALWAYS void
poly_part_row(struct poly *p, const __m512i z[POLY_LANES], unsigned n,
	const __mmask8 present[POLY_ROW_BLOCKS])
{
	struct poly_row row = poly_transpose(z);
	struct poly_num m[POLY_ROW_BLOCKS];

	for (unsigned b = 0; b < POLY_ROW_BLOCKS; b++)
		m[b] = poly_block(&row, b, present[b]);
	if (n == 4)
		p->h = poly_step(p->h, p->power, m, 2);
	if (n == 3)
		p->h = poly_step(p->h, p->power, m + 1, 1);
	if (n >= 2)
		p->h = poly_step(p->h, p->power, m + 2, 2);
	else
		p->h = poly_step(p->h, p->power, m + 3, 1);
}

/* One block a message, given as halves. */
POLY_ALWAYS void
poly_one_block(struct poly *p, __m512i low, __m512i high)
{
	struct poly_row row = {.half = {low, high}};
	struct poly_num m = poly_block(&row, 0, 0xff);

	p->h = poly_step(p->h, p->power, &m, 1);
}

/* Moves what is over in each limb to the next. */
POLY_ALWAYS void
poly_carry(struct poly_num *n, unsigned top_bits)
{
	const __m512i mask44 = poly_mask(44);

	n->v[1] = _mm512_add_epi64(n->v[1], _mm512_srli_epi64(n->v[0], 44));
	n->v[0] = _mm512_and_si512(n->v[0], mask44);
	n->v[2] = _mm512_add_epi64(n->v[2], _mm512_srli_epi64(n->v[1], 44));
	n->v[1] = _mm512_and_si512(n->v[1], mask44);
	if (top_bits == 42) {
		__m512i top = _mm512_srli_epi64(n->v[2], 42);

		n->v[2] = _mm512_and_si512(n->v[2], poly_mask(42));
		n->v[0] =
			_mm512_add_epi64(n->v[0], _mm512_add_epi64(top, _mm512_slli_epi64(top, 2)));
	}
}

/*
 * (h mod p) + s, modulo 2^128, as two halves a lane: the tags. Two carries all around leave h
 * below 2^130; then h - p = h + 5 - 2^130 is taken where it is not negative.
 */
POLY_ALWAYS void
poly_tags(const struct poly *p, __m512i tag[2])
{
	struct poly_num h = p->h;

	poly_carry(&h, 42);
	poly_carry(&h, 42);
	struct poly_num g = h;

	g.v[0] = _mm512_add_epi64(g.v[0], _mm512_set1_epi64(5));
	g.v[2] = _mm512_sub_epi64(g.v[2], _mm512_set1_epi64(1ll << 42));
	poly_carry(&g, 44);
	__m512i is_less = _mm512_srai_epi64(g.v[2], 63);
	for (unsigned i = 0; i < 3; i++) /* 0xca: a ? b : c */
		h.v[i] = _mm512_ternarylogic_epi64(is_less, h.v[i], g.v[i], 0xca);
	h = poly_add(h, p->s);
	poly_carry(&h, 44);
	tag[0] = _mm512_or_si512(h.v[0], _mm512_slli_epi64(h.v[1], 44));
	tag[1] = _mm512_or_si512(_mm512_srli_epi64(h.v[1], 20), _mm512_slli_epi64(h.v[2], 24));
}
