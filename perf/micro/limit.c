/* SPDX-License-Identifier: BSD-3-Clause */
#include "limit.h"

#include <sodium/crypto_onetimeauth.h>
#include <sodium/crypto_stream_chacha20.h>
#include <string.h>
#include <x86intrin.h>

#include "base/bytes.h"
#include "base/secret.h"

const struct limit_unit *const limit_units[] = {
	&limit_avx512, &limit2_avx512, &limit_avx2, NULL};

typedef unsigned __int128 u128;

/* Low 64 bits and high 64 of a 128-bit r, limb by limb. */
static void
set_r(struct limit_work *w, const struct limit_unit *u, unsigned lane, const uint8_t r[16])
{
	u128 rest = (u128)(load_le64(r + 8) & 0x0ffffffc0ffffffc) << 64 |
		    (load_le64(r) & 0x0ffffffc0fffffff);

	for (unsigned i = 0; i < u->n_limbs; i++) {
		w->r[i][lane] = (uint64_t)rest & ((1ull << u->limb_bits) - 1);
		rest >>= u->limb_bits;
	}
}

static const uint32_t sigma[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

void
limit_fill(struct limit_work *w, const struct limit_unit *u)
{
	uint8_t r[16];

	secret_random(w, sizeof(*w));
	for (unsigned lane = 0; lane < LIMIT_MAX_LANES; lane++) {
		for (unsigned i = 0; i < 4; i++)
			w->state[i][lane] = sigma[i];
		w->state[12][lane] = lane;
	}
	for (unsigned lane = 0; lane < u->poly_lanes; lane++) {
		secret_random(r, sizeof(r));
		set_r(w, u, lane, r);
	}
}

/* Block `lane` of a batch against libsodium's of the same state. */
static bool
block_is_right(const struct limit_work *before, const struct limit_work *after, unsigned batch,
	unsigned lane)
{
	uint8_t key[32], nonce[12], want[64];

	for (unsigned i = 0; i < 8; i++)
		store_le32(key + 4 * i, before->state[4 + i][lane]);
	for (unsigned i = 0; i < 3; i++)
		store_le32(nonce + 4 * i, before->state[13 + i][lane]);
	crypto_stream_chacha20_ietf_xor_ic(want, before->blocks[batch] + 64 * lane, 64, nonce,
		before->state[12][lane] + batch, key);
	return memcmp(want, after->blocks[batch] + 64 * lane, 64) == 0;
}

/* The sum of a lane modulo 2^130 - 5, of which a tag with s = 0 is the low 128 bits. */
static u128
sum_of(const struct limit_work *w, const struct limit_unit *u, unsigned set, unsigned lane)
{
	const uint64_t mask = (1ull << u->limb_bits) - 1;
	uint64_t h[5];
	u128 low = 0;

	for (unsigned i = 0; i < u->n_limbs; i++)
		h[i] = w->h[set][i][lane];
	unsigned top_bits = 130 - (u->n_limbs - 1) * u->limb_bits;
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i + 1 < u->n_limbs; i++) {
			h[i + 1] += h[i] >> u->limb_bits;
			h[i] &= mask;
		}
		h[0] += 5 * (h[u->n_limbs - 1] >> top_bits);
		h[u->n_limbs - 1] &= (1ull << top_bits) - 1;
	}
	for (unsigned i = 0; i < u->n_limbs; i++)
		low += (u128)h[i] << (i * u->limb_bits);
	/* That random messages end between 2^130 - 5 and 2^130 happens once in 2^127 tries. */
	return low;
}

static bool
message_is_right(const struct limit_work *w, const struct limit_unit *u, unsigned set,
	unsigned lane)
{
	uint8_t key[32] = {0}, want[16], got[16];
	u128 r = 0, sum = sum_of(w, u, set, lane);

	for (unsigned i = 0; i < u->n_limbs; i++)
		r += (u128)w->r[i][lane] << (i * u->limb_bits);
	store_le64(key, (uint64_t)r);
	store_le64(key + 8, (uint64_t)(r >> 64));
	crypto_onetimeauth(
		want, w->messages[set] + lane * LIMIT_STRIDE, LIMIT_MESSAGE_BYTES, key);
	store_le64(got, (uint64_t)sum);
	store_le64(got + 8, (uint64_t)(sum >> 64));
	return memcmp(want, got, 16) == 0;
}

bool
limit_is_right(struct limit_work *w, const struct limit_unit *u)
{
	static struct limit_work before;
	bool is_right = true;

	before = *w;
	u->chacha(w, 2);
	u->poly(w, 2);
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned lane = 0; lane < u->chacha_lanes; lane++)
			is_right &= block_is_right(&before, w, i, lane);
		for (unsigned lane = 0; lane < u->poly_lanes; lane++)
			is_right &= message_is_right(w, u, i, lane);
	}
	return is_right;
}

struct limit_clk
limit_round(struct limit_work *w, const struct limit_unit *u)
{
	_mm_lfence();
	uint64_t start = __rdtsc();
	u->chacha(w, LIMIT_BATCHES);
	_mm_lfence();
	uint64_t half = __rdtsc();
	u->poly(w, LIMIT_PASSES);
	_mm_lfence();
	uint64_t end = __rdtsc();
	unsigned n_poly = LIMIT_PASSES * LIMIT_MESSAGE_BYTES / 16 * u->poly_lanes;
	return (struct limit_clk){
		.chacha = (double)(half - start) / (LIMIT_BATCHES * u->chacha_lanes),
		.poly = (double)(end - half) / n_poly,
	};
}
