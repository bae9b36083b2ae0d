/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What tests of a vectored Poly1305 share: keys and messages around 2^130 - 5 and limbs that are
 * full, which no key of an AEAD that one could find would ever lead to; and arithmetic modulo
 * p = 2^130 - 5 that is too slow and too plain to be wrong.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "unit/crypto/hex.h"

/* RFC 8439 section A.3. */
static const struct {
	const char *r, *s, *text, *tag;
} poly_vectors[] = {
#include "vectors/rfc8439_poly1305.inc"
};

/* The first 32 bits of r and of s; every other byte is `fill`, before r is clamped. */
static const struct {
	uint32_t r, s;
	uint8_t fill;
} edge_keys[] = {
	{1, 0, 0},
	{2, 0xffffffff, 0},
	{4, 1, 0},
	{5, 0x80000000, 0},
	{0xffffffff, 0xffffffff, 0xff},
	{0xffffffff, 0, 0x0f},
	{0, 0, 0},
};

/* A message is blocks of one byte all over, but for its last block's first byte. */
static const struct {
	uint8_t byte, last;
} edge_messages[] = {
	{0xff, 0xff},
	{0xff, 0xfe},
	{0xff, 0xfd},
	{0xff, 0xfc}, /* with r = 1 and two blocks exactly 2^130 - 5 */
	{0xff, 0xfb},
	{0xff, 0xfa},
	{0xff, 0x00},
	{0x00, 0x00},
	{0x00, 0xfb},
	{0xfb, 0xff},
};

static inline void
edge_key_write(uint8_t key[32], unsigned row)
{
	row %= ARRAY_COUNT(edge_keys);
	memset(key, edge_keys[row].fill, 32);
	store_le32(key, edge_keys[row].r);
	store_le32(key + 16, edge_keys[row].s);
}

static inline void
edge_message_write(uint8_t *text, unsigned row, unsigned n_blocks)
{
	row %= ARRAY_COUNT(edge_messages);
	memset(text, edge_messages[row].byte, (size_t)n_blocks * 16);
	if (n_blocks)
		text[(size_t)(n_blocks - 1) * 16] = edge_messages[row].last;
}

/* Below p, 64 bits a word. */
struct mod_p {
	uint64_t w[3];
};

/* a + b modulo p: the sum, or what is left of it behind one subtraction of p. */
static inline struct mod_p
mod_p_add(struct mod_p a, struct mod_p b)
{
	static const uint64_t p[3] = {0xfffffffffffffffbull, ~0ull, 3};
	struct mod_p sum, less;
	uint64_t carry = 0, borrow = 0;

	for (unsigned i = 0; i < 3; i++) {
		uint64_t half = a.w[i] + b.w[i];

		sum.w[i] = half + carry;
		carry = (half < a.w[i]) | (sum.w[i] < half);
	}
	for (unsigned i = 0; i < 3; i++) {
		uint64_t half = sum.w[i] - p[i];

		less.w[i] = half - borrow;
		borrow = (sum.w[i] < p[i]) | (half < borrow);
	}
	return borrow ? sum : less;
}

/* a * b modulo p, a bit of b at a time. */
static inline struct mod_p
mod_p_mul(struct mod_p a, struct mod_p b)
{
	struct mod_p out = {{0}};

	for (unsigned bit = 130; bit-- > 0;) {
		out = mod_p_add(out, out);
		if (b.w[bit / 64] >> bit % 64 & 1)
			out = mod_p_add(out, a);
	}
	return out;
}

/* n limbs that weigh 2^(bits i), of any size. */
static inline struct mod_p
mod_p_of_limbs(const uint64_t *limbs, unsigned n, unsigned bits)
{
	struct mod_p out = {{0}};

	for (unsigned i = n; i-- > 0;) {
		for (unsigned k = 0; k < bits; k++)
			out = mod_p_add(out, out);
		out = mod_p_add(out, (struct mod_p){{limbs[i]}});
	}
	return out;
}

/* The tag of h, which is a value modulo p, with an s of nothing but bits that are set. */
static inline void
mod_p_tag(uint8_t tag[16], struct mod_p h)
{
	uint64_t low = h.w[0] + ~0ull;

	store_le64(tag, low);
	store_le64(tag + 8, h.w[1] + ~0ull + (low < h.w[0]));
}
