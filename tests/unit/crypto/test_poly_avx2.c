/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Poly1305 of lib/crypto/poly_avx2.h by itself, against libsodium: numbers around 2^130 - 5 and
 * limbs that are full, which no key of an AEAD that one could find would ever lead to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium/crypto_onetimeauth.h>

#include "base/bytes.h"
#include "crypto/cpu.h"
#include "crypto/init.h"
#include "crypto/poly_avx2.h"

enum {
	MAX_BLOCKS = 40,
};

/* The first 32 bits of r and of s; every other byte is `fill`, before r is clamped. */
static const struct {
	uint32_t r, s;
	uint8_t fill;
} keys[] = {
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
} messages[] = {
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

static void
write_key(uint8_t key[32], unsigned row)
{
	memset(key, keys[row].fill, 32);
	store_le32(key, keys[row].r);
	store_le32(key + 16, keys[row].s);
}

/* Lane l has the key of row k + l, and message m + l. */
static void
write_lanes(uint8_t key[POLY4_LANES][32],
	uint8_t text[POLY4_LANES][MAX_BLOCKS * POLY_BLOCK_BYTES], unsigned k, unsigned m,
	unsigned n_blocks)
{
	for (unsigned l = 0; l < POLY4_LANES; l++) {
		unsigned row = (m + l) % ARRAY_COUNT(messages);

		write_key(key[l], (k + l) % ARRAY_COUNT(keys));
		memset(text[l], messages[row].byte, (size_t)n_blocks * POLY_BLOCK_BYTES);
		text[l][(size_t)(n_blocks - 1) * POLY_BLOCK_BYTES] = messages[row].last;
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

/* An odd block goes first and alone, all others in pairs. */
static void
check(unsigned k, unsigned m, unsigned n_blocks)
{
	uint8_t key[POLY4_LANES][32], text[POLY4_LANES][MAX_BLOCKS * POLY_BLOCK_BYTES];
	uint8_t got[POLY4_LANES][16] ALIGNED_LINE, want[16];
	const uint8_t *at[POLY4_LANES];
	struct poly4 p;

	write_lanes(key, text, k, m, n_blocks);
	start(&p, (const uint8_t(*)[32])key, n_blocks % 4 / 2);
	for (unsigned l = 0; l < POLY4_LANES; l++)
		at[l] = text[l];
	if (n_blocks % 2) {
		poly4_take_one(&p, at);
		for (unsigned l = 0; l < POLY4_LANES; l++)
			at[l] += POLY_BLOCK_BYTES;
	}
	poly4_take_whole(&p, at, n_blocks / 2);
	poly4_tags(&p, (__m256i *)got[0]);
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
	for (unsigned k = 0; k < ARRAY_COUNT(keys); k++) {
		for (unsigned m = 0; m < ARRAY_COUNT(messages); m++) {
			for (unsigned n_blocks = 1; n_blocks <= MAX_BLOCKS; n_blocks++)
				check(k, m, n_blocks);
		}
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
		cmocka_unit_test(edges_match_libsodium),
	};
	return cmocka_run_group_tests_name("poly_avx2", tests, set_up, NULL);
}
