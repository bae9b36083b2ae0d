/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Poly1305 of lib/crypto/poly_avx2.h by itself: known answers, libsodium's, and the bounds that its
 * first comment gives, with each limb at its greatest.
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
#include "crypto/poly_avx2.h"
#include "unit/crypto/poly_edges.h"

enum {
	MAX_BLOCKS = 40,
};

/* Lane l has the key of row k + l, and message m + l. */
static void
write_lanes(uint8_t key[POLY4_LANES][32],
	uint8_t text[POLY4_LANES][MAX_BLOCKS * POLY_BLOCK_BYTES], unsigned k, unsigned m,
	unsigned n_blocks)
{
	for (unsigned l = 0; l < POLY4_LANES; l++) {
		edge_key_write(key[l], k + l);
		edge_message_write(text[l], m + l, n_blocks);
	}
}

static void
start(struct poly4 *p, const uint8_t key[POLY4_LANES][32], unsigned q)
{
	__m256i words[8];

	for (unsigned w = 0; w < 8; w++) {
		uint32_t lane[8] = {0};

		for (unsigned l = 0; l < POLY4_LANES; l++)
			lane[POLY4_LANES * q + l] = load_le32(key[l] + (size_t)4 * w);
		words[w] = _mm256_loadu_si256((const __m256i *)lane);
	}
	poly4_start(p, words, q);
}

/* The tags of n_blocks of each lane: an odd block goes first and alone, all others in pairs. */
static void
run(uint8_t got[POLY4_LANES][16], const uint8_t key[POLY4_LANES][32],
	const uint8_t text[POLY4_LANES][MAX_BLOCKS * POLY_BLOCK_BYTES], unsigned n_blocks)
{
	const uint8_t *at[POLY4_LANES];
	struct poly4 p;
	__m256i tags[2];

	start(&p, key, n_blocks % 4 / 2);
	for (unsigned l = 0; l < POLY4_LANES; l++)
		at[l] = text[l];
	if (n_blocks % 2) {
		poly4_take_one(&p, at);
		for (unsigned l = 0; l < POLY4_LANES; l++)
			at[l] += POLY_BLOCK_BYTES;
	}
	poly4_take_whole(&p, at, n_blocks / 2);
	poly4_tags(&p, tags);
	memcpy(got, tags, sizeof(tags));
}

static void
known_answers(void **state)
{
	uint8_t key[POLY4_LANES][32], text[POLY4_LANES][MAX_BLOCKS * POLY_BLOCK_BYTES];
	uint8_t got[POLY4_LANES][16], want[16];

	if (!cpu_has_avx2())
		skip();
	for (unsigned i = 0; i < ARRAY_COUNT(poly_vectors); i++) {
		size_t n_bytes = 0;

		for (unsigned l = 0; l < POLY4_LANES; l++) {
			hex_parse_exact(key[l], 16, poly_vectors[i].r);
			hex_parse_exact(key[l] + 16, 16, poly_vectors[i].s);
			n_bytes = hex_parse(text[l], sizeof(text[l]), poly_vectors[i].text);
		}
		hex_parse_exact(want, 16, poly_vectors[i].tag);
		run(got, (const uint8_t(*)[32])key,
			(const uint8_t(*)[MAX_BLOCKS * POLY_BLOCK_BYTES])text,
			(unsigned)n_bytes / POLY_BLOCK_BYTES);
		for (unsigned l = 0; l < POLY4_LANES; l++)
			assert_memory_equal(got[l], want, sizeof(want));
	}
}

static void
check(unsigned k, unsigned m, unsigned n_blocks)
{
	uint8_t key[POLY4_LANES][32], text[POLY4_LANES][MAX_BLOCKS * POLY_BLOCK_BYTES];
	uint8_t got[POLY4_LANES][16], want[16];

	write_lanes(key, text, k, m, n_blocks);
	run(got, (const uint8_t(*)[32])key,
		(const uint8_t(*)[MAX_BLOCKS * POLY_BLOCK_BYTES])text, n_blocks);
	for (unsigned l = 0; l < POLY4_LANES; l++) {
		crypto_onetimeauth(want, text[l], (size_t)n_blocks * POLY_BLOCK_BYTES, key[l]);
		if (memcmp(got[l], want, sizeof(want)) != 0)
			fail_msg("key %u, message %u, %u blocks, lane %u", k, m, n_blocks, l);
	}
}

static void
edges_match_libsodium(void **state)
{
	if (!cpu_has_avx2())
		skip();
	for (unsigned k = 0; k < ARRAY_COUNT(edge_keys); k++) {
		for (unsigned m = 0; m < ARRAY_COUNT(edge_messages); m++) {
			for (unsigned n_blocks = 1; n_blocks <= MAX_BLOCKS; n_blocks++)
				check(k, m, n_blocks);
		}
	}
}

/* Each limb at its greatest; in three of four rounds some are less. The same in all lanes. */
static void
fill_limbs(__m256i v[POLY4_LIMBS], uint64_t limbs[POLY4_LIMBS], uint64_t most, uint64_t most_last,
	unsigned round)
{
	for (unsigned i = 0; i < POLY4_LIMBS; i++) {
		bool is_less = round % 4 && (round >> 2 >> i & 1);

		limbs[i] = (i + 1 < POLY4_LIMBS ? most : most_last) - (is_less ? round : 0);
		v[i] = _mm256_set1_epi64x((long long)limbs[i]);
	}
}

static struct mod_p
value(const uint64_t limbs[POLY4_LIMBS])
{
	return mod_p_of_limbs(limbs, POLY4_LIMBS, POLY4_LIMB_BITS);
}

/* (h + m0) r2 + m1 r1, of limbs as great as the first comment of poly_avx2.h allows. */
static void
check_bounds(unsigned round)
{
	const uint64_t block = (1 << 26) - 1, carried = (1 << 26) + (1 << 10) - 1;
	uint64_t h[POLY4_LIMBS], r1[POLY4_LIMBS], r2[POLY4_LIMBS], m0[POLY4_LIMBS], m1[POLY4_LIMBS];
	uint64_t lane[POLY4_LIMBS][POLY4_LANES], limbs[POLY4_LIMBS];
	__m256i v0[POLY4_LIMBS], v1[POLY4_LIMBS], power[POLY4_LIMBS];
	struct poly4 p;

	fill_limbs(power, r1, block, block, round);
	poly4_power_set(&p.r1, power);
	fill_limbs(power, r2, carried, carried, round);
	poly4_power_set(&p.r2, power);
	fill_limbs(p.h, h, carried, carried, round >> 2);
	fill_limbs(v0, m0, block, (1 << 25) - 1, round >> 1);
	fill_limbs(v1, m1, block, (1 << 25) - 1, round);
	poly4_absorb(&p, v0, v1);
	struct mod_p want = mod_p_add(mod_p_mul(mod_p_add(value(h), value(m0)), value(r2)),
		mod_p_mul(value(m1), value(r1)));

	for (unsigned i = 0; i < POLY4_LIMBS; i++)
		_mm256_storeu_si256((__m256i *)lane[i], p.h[i]);
	for (unsigned l = 0; l < POLY4_LANES; l++) {
		for (unsigned i = 0; i < POLY4_LIMBS; i++) {
			limbs[i] = lane[i][l];
			assert_true(limbs[i] <= carried);
		}
		struct mod_p is = value(limbs);
		assert_memory_equal(&is, &want, sizeof(want));
	}
}

static void
full_limbs_overflow_nothing(void **state)
{
	if (!cpu_has_avx2())
		skip();
	for (unsigned round = 0; round < 256; round++)
		check_bounds(round);
}

/* Which limbs are full differs in each round, as does what the last carry of all leaves. */
static void
tags_of_full_limbs(void **state)
{
	uint64_t limbs[POLY4_LIMBS];
	uint8_t got[POLY4_LANES][16], want[16];
	struct poly4 p;
	__m256i tags[2];

	if (!cpu_has_avx2())
		skip();
	for (unsigned i = 0; i < 4; i++)
		p.s[i] = _mm256_set1_epi64x(0xffffffff);
	for (unsigned round = 0; round < 243 * 4; round++) {
		const uint64_t least = (1 << 26) - 6 + round % 4 * 2;
		const uint64_t values[] = {0, least, (1 << 26) + (1 << 10) - 1};

		for (unsigned i = 0, left = round / 4; i < POLY4_LIMBS; i++, left /= 3) {
			limbs[i] = values[left % 3];
			p.h[i] = _mm256_set1_epi64x((long long)limbs[i]);
		}
		poly4_tags(&p, tags);
		memcpy(got, tags, sizeof(tags));
		mod_p_tag(want, value(limbs));
		for (unsigned l = 0; l < POLY4_LANES; l++)
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
		cmocka_unit_test(full_limbs_overflow_nothing),
		cmocka_unit_test(tags_of_full_limbs),
	};
	return cmocka_run_group_tests_name("poly_avx2", tests, set_up, NULL);
}
