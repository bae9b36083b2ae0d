/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Poly1305 of lib/crypto/poly_avx512.h and poly_across_avx512.h by themselves: known answers,
 * libsodium's, and the bounds that their first comment gives, with each limb at its greatest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium/crypto_onetimeauth.h>

#include "crypto/cpu.h"
#include "crypto/init.h"
#include "crypto/poly_across_avx512.h"
#include "unit/crypto/poly_edges.h"

enum {
	MAX_BLOCKS = 40,
	MAX_BYTES = MAX_BLOCKS * POLY_BLOCK_BYTES,
	LIMBS = 3,
	LIMB_BITS = 44,
};

static uint8_t keys[POLY_LANES][32], texts[POLY_LANES][MAX_BYTES + POLY_BLOCK_BYTES];
static uint64_t random_state = 20261122;

/* xorshift64*: the same run each time. */
static uint64_t
random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

/* Half `half` of r (0, 1) or s (2, 3) of each key. */
static __m512i
key_half(unsigned half)
{
	uint64_t lane[POLY_LANES];

	for (unsigned l = 0; l < POLY_LANES; l++)
		lane[l] = load_le64(keys[l] + (size_t)8 * half);
	return _mm512_loadu_si512(lane);
}

static void
start(struct poly *p)
{
	__m512i r[2] = {key_half(0), key_half(1)}, s[2] = {key_half(2), key_half(3)};

	poly_init(p, r, s);
	poly_add_powers(p);
}

static void
tags_read(const struct poly *p, uint8_t got[POLY_LANES][16])
{
	uint64_t half[2][POLY_LANES];
	__m512i tag[2];

	poly_tags(p, tag);
	for (unsigned h = 0; h < 2; h++)
		_mm512_storeu_si512(half[h], tag[h]);
	for (unsigned l = 0; l < POLY_LANES; l++) {
		store_le64(got[l], half[0][l]);
		store_le64(got[l] + 8, half[1][l]);
	}
}

/* Lane l ends with row `row`; what lies before its text is not looked at. */
static void
load_rows(__m512i z[POLY_LANES], int first_byte)
{
	for (unsigned l = 0; l < POLY_LANES; l++) {
		uint8_t bytes[POLY_ROW_BYTES] = {0};

		for (int i = 0; i < POLY_ROW_BYTES; i++)
			bytes[i] = first_byte + i < 0 ? 0 : texts[l][first_byte + i];
		z[l] = _mm512_loadu_si512(bytes);
	}
}

/* n_blocks of each lane: those that fill no row first, then rows in steps of two or four. */
static void
absorb(struct poly *p, unsigned n_blocks, bool in_fours)
{
	unsigned odd = n_blocks % POLY_ROW_BLOCKS;
	__m512i z[POLY_LANES];

	if (odd) {
		__mmask8 present[POLY_ROW_BLOCKS] = {0};

		for (unsigned b = POLY_ROW_BLOCKS - odd; b < POLY_ROW_BLOCKS; b++)
			present[b] = 0xff;
		load_rows(z, (int)(odd * POLY_BLOCK_BYTES) - POLY_ROW_BYTES);
		poly_part_row(p, z, odd, present);
	}
	for (unsigned b = odd; b < n_blocks; b += POLY_ROW_BLOCKS) {
		load_rows(z, (int)(b * POLY_BLOCK_BYTES));
		p->h = poly_full_row(p->h, p->power, z, in_fours);
	}
}

static void
known_answers(void **state)
{
	struct poly p;
	uint8_t got[POLY_LANES][16], want[16];

	if (!cpu_has_avx512_ifma())
		skip();
	for (unsigned i = 0; i < ARRAY_COUNT(poly_vectors); i++) {
		unsigned n_blocks = 0;

		for (unsigned l = 0; l < POLY_LANES; l++) {
			hex_parse_exact(keys[l], 16, poly_vectors[i].r);
			hex_parse_exact(keys[l] + 16, 16, poly_vectors[i].s);
			n_blocks = (unsigned)hex_parse(
					   texts[l], sizeof(texts[l]), poly_vectors[i].text) /
				   POLY_BLOCK_BYTES;
		}
		hex_parse_exact(want, 16, poly_vectors[i].tag);
		for (unsigned in_fours = 0; in_fours < 2; in_fours++) {
			start(&p);
			absorb(&p, n_blocks, in_fours);
			tags_read(&p, got);
			for (unsigned l = 0; l < POLY_LANES; l++)
				assert_memory_equal(got[l], want, sizeof(want));
		}
	}
}

static void
check_edge(unsigned k, unsigned m, unsigned n_blocks)
{
	struct poly p;
	uint8_t got[POLY_LANES][16], want[16];

	for (unsigned l = 0; l < POLY_LANES; l++) {
		edge_key_write(keys[l], k + l);
		edge_message_write(texts[l], m + l, n_blocks);
	}
	start(&p);
	absorb(&p, n_blocks, n_blocks & 1);
	tags_read(&p, got);
	for (unsigned l = 0; l < POLY_LANES; l++) {
		crypto_onetimeauth(want, texts[l], (size_t)n_blocks * POLY_BLOCK_BYTES, keys[l]);
		if (memcmp(got[l], want, sizeof(want)) != 0)
			fail_msg("key %u, message %u, %u blocks, lane %u", k, m, n_blocks, l);
	}
}

static void
edges_match_libsodium(void **state)
{
	if (!cpu_has_avx512_ifma())
		skip();
	for (unsigned k = 0; k < ARRAY_COUNT(edge_keys); k++) {
		for (unsigned m = 0; m < ARRAY_COUNT(edge_messages); m++) {
			for (unsigned n_blocks = 1; n_blocks <= MAX_BLOCKS; n_blocks++)
				check_edge(k, m, n_blocks);
		}
	}
}

/* A message of n_bytes with its block of lengths, as an AEAD authenticates it. */
static void
want_of_lengths(uint8_t want[16], unsigned lane, uint32_t n_bytes)
{
	uint8_t maced[MAX_BYTES + POLY_BLOCK_BYTES] = {0};
	uint32_t padded = (n_bytes + POLY_BLOCK_BYTES - 1) & ~(POLY_BLOCK_BYTES - 1u);

	memcpy(maced, texts[lane], n_bytes);
	store_le64(maced + padded + 8, n_bytes);
	crypto_onetimeauth(want, maced, padded + POLY_BLOCK_BYTES, keys[lane]);
}

static void
check_across(unsigned k, unsigned m, uint32_t n_bytes)
{
	static struct poly p;
	static struct poly_across across;
	uint64_t limbs[LIMBS], lanes[LIMBS][POLY_LANES];
	uint8_t got[POLY_LANES][16], want[16];

	for (unsigned l = 0; l < POLY_LANES; l++) {
		edge_key_write(keys[l], k + l);
		edge_message_write(texts[l], m + l, MAX_BLOCKS);
	}
	start(&p);
	poly_across_init(&across, &p);
	for (unsigned l = 0; l < POLY_LANES; l++) {
		poly_across_message(&across, l, texts[l], n_bytes, limbs);
		for (unsigned i = 0; i < LIMBS; i++) {
			assert_true(limbs[i] < 1ull << 48);
			lanes[i][l] = limbs[i];
		}
	}
	for (unsigned i = 0; i < LIMBS; i++)
		p.h.v[i] = _mm512_loadu_si512(lanes[i]);
	tags_read(&p, got);
	for (unsigned l = 0; l < POLY_LANES; l++) {
		want_of_lengths(want, l, n_bytes);
		if (memcmp(got[l], want, sizeof(want)) != 0)
			fail_msg("key %u, message %u, %u bytes, lane %u", k, m, n_bytes, l);
	}
}

static void
across_matches_libsodium(void **state)
{
	if (!cpu_has_avx512_ifma())
		skip();
	for (unsigned k = 0; k < ARRAY_COUNT(edge_keys); k++) {
		for (uint32_t n_bytes = 0; n_bytes <= MAX_BYTES; n_bytes++)
			check_across(k, n_bytes, n_bytes);
	}
}

/* What the first comment of poly_avx512.h allows: limbs of h and of powers, and of a block. */
static const uint64_t most_h[LIMBS] = {
	(1ull << 44) - 1, (1ull << 44) + (1 << 12) - 1, (1ull << 42) + (1 << 12) - 1};
static const uint64_t most_block[LIMBS] = {
	(1ull << 44) - 1, (1ull << 44) - 1, (1ull << 41) - 1};

/* Each limb of each lane at its greatest, mostly; limbs[lane] are those limbs. */
static struct poly_num
number_near(const uint64_t most[LIMBS], uint64_t limbs[POLY_LANES][LIMBS], bool all)
{
	struct poly_num n;

	for (unsigned i = 0; i < LIMBS; i++) {
		uint64_t lane[POLY_LANES];

		for (unsigned l = 0; l < POLY_LANES; l++)
			limbs[l][i] = lane[l] = all || random_next() % 4
							? most[i]
							: random_next() % (most[i] + 1);
		n.v[i] = _mm512_loadu_si512(lane);
	}
	return n;
}

/* Lane l of h = (h + m[0]) r^n + ... + m[n - 1] r, of limbs as they are. */
static struct mod_p
step_slowly(uint64_t h[LIMBS], uint64_t (*m)[POLY_LANES][LIMBS],
	uint64_t (*power)[POLY_LANES][LIMBS], unsigned n, unsigned l)
{
	struct mod_p sum = mod_p_of_limbs(h, LIMBS, LIMB_BITS);

	sum = mod_p_add(sum, mod_p_of_limbs(m[0][l], LIMBS, LIMB_BITS));
	sum = mod_p_mul(sum, mod_p_of_limbs(power[n - 1][l], LIMBS, LIMB_BITS));
	for (unsigned b = 1; b < n; b++)
		sum = mod_p_add(sum,
			mod_p_mul(mod_p_of_limbs(m[b][l], LIMBS, LIMB_BITS),
				mod_p_of_limbs(power[n - 1 - b][l], LIMBS, LIMB_BITS)));
	return sum;
}

static void
check_bounds(unsigned n, bool all)
{
	uint64_t h[POLY_LANES][LIMBS], m[4][POLY_LANES][LIMBS], power[4][POLY_LANES][LIMBS];
	uint64_t out[LIMBS][POLY_LANES];
	struct poly_num blocks[4], start_h = number_near(most_h, h, all);
	struct poly_power powers[4];

	for (unsigned b = 0; b < n; b++) {
		blocks[b] = number_near(most_block, m[b], all);
		powers[b] = poly_power(number_near(most_h, power[b], all));
	}
	struct poly_num got = poly_step(start_h, powers, blocks, n);
	for (unsigned i = 0; i < LIMBS; i++)
		_mm512_storeu_si512(out[i], got.v[i]);
	for (unsigned l = 0; l < POLY_LANES; l++) {
		uint64_t limbs[LIMBS] = {out[0][l], out[1][l], out[2][l]};
		struct mod_p want = step_slowly(h[l], m, power, n, l);
		struct mod_p is = mod_p_of_limbs(limbs, LIMBS, LIMB_BITS);

		assert_memory_equal(&is, &want, sizeof(want));
		for (unsigned i = 0; i < LIMBS; i++)
			assert_true(limbs[i] <= most_h[i]);
	}
}

static void
full_limbs_overflow_nothing(void **state)
{
	if (!cpu_has_avx512_ifma())
		skip();
	for (unsigned round = 0; round < 40; round++) {
		for (unsigned n = 1; n <= 4; n++)
			check_bounds(n, round == 0);
	}
}

/* Up to 2^48, as the sums over lanes may be; which limbs are full differs in each round. */
static void
tags_of_full_limbs(void **state)
{
	uint64_t limbs[LIMBS];
	uint8_t got[POLY_LANES][16], want[16];
	struct poly p;

	if (!cpu_has_avx512_ifma())
		skip();
	memset(keys, 0xff, sizeof(keys));
	start(&p);
	for (unsigned round = 0; round < 125 * 4; round++) {
		for (unsigned i = 0, left = round / 4; i < LIMBS; i++, left /= 5) {
			uint64_t full = 1ull << (i == 2 ? 42 : 44);
			const uint64_t values[] = {0, full - 6 + round % 4 * 2, full,
				full + (1 << 12) - 1, (1ull << 48) - 1};

			limbs[i] = values[left % 5];
			p.h.v[i] = _mm512_set1_epi64((long long)limbs[i]);
		}
		tags_read(&p, got);
		mod_p_tag(want, mod_p_of_limbs(limbs, LIMBS, LIMB_BITS));
		for (unsigned l = 0; l < POLY_LANES; l++)
			assert_memory_equal(got[l], want, sizeof(want));
	}
}

static int
set_up(void **state)
{
	return crypto_init(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(edges_match_libsodium),
		cmocka_unit_test(across_matches_libsodium),
		cmocka_unit_test(full_limbs_overflow_nothing),
		cmocka_unit_test(tags_of_full_limbs),
	};
	return cmocka_run_group_tests_name("poly_avx512", tests, set_up, NULL);
}
