/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The component limit: what sealing or opening a message would cost if there were nothing but its
 * ChaCha20 blocks in full SIMD lanes and its Poly1305 blocks in full SIMD lanes. Two tight loops a
 * SIMD unit, each measured on data of its own in L1 that is already where the lanes want it:
 *
 *   chacha  one block a lane (16 AVX-512, 8 AVX2): state in registers, 20 rounds, the sum with
 *           the input, transposed to rows and XORed into memory
 *   poly    one message a lane (8 IFMA, 4 AVX2), one chain a lane: 16 bytes of each message
 *           loaded, transposed to lanes, cut to limbs, added, multiplied by r, carried
 *
 * A message of L bytes has 1 + ceil(L / 64) ChaCha20 blocks, the first being the key of Poly1305,
 * and ceil(L / 16) + 1 Poly1305 blocks, the last holding the lengths (RFC 8439, 2.8). No
 * scheduling, no loading of keys, no tails, no tags: what a backend needs above it is its own.
 *
 * limit-avx512 is that to the letter. Its loops are chains of dependent steps, and a core whose
 * SIMD pipes take longer than a clock, or are many, idles in them. limit2-avx512 is what such a
 * core allows: two batches in flight, two sets of chains, four blocks a step by powers of r; it
 * leaves out what the powers cost. Its loops are the backend's own kernels, as are limit-avx2's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	LIMIT_MAX_UNITS = 3,
	LIMIT_MAX_LANES = 16,
	LIMIT_POLY_LANES = 8,
	LIMIT_MESSAGE_BYTES = 1024, /* of each lane's message: 16 of them fit L1 */
	LIMIT_STRIDE = LIMIT_MESSAGE_BYTES + 64,
	LIMIT_BATCHES = 32, /* of ChaCha20 in one round; even */
	LIMIT_PASSES = 4,   /* through a set of messages in one round; even */
};

/* What the loops work on; lane i of a row is block or message i. */
struct limit_work {
	uint32_t state[16][LIMIT_MAX_LANES];     /* ChaCha20's, word by word */
	uint8_t blocks[2][LIMIT_MAX_LANES * 64]; /* XORed in place by even and by odd batches */
	uint64_t r[5][LIMIT_POLY_LANES];         /* limbs of r, in the unit's radix */
	uint64_t h[2][5][LIMIT_POLY_LANES];      /* sums of the two sets, loosely carried */
	uint8_t messages[2][LIMIT_POLY_LANES * LIMIT_STRIDE];
} __attribute__((aligned(64)));

struct limit_unit {
	const char *name;
	const char *bounds; /* the backend: "avx512" */
	unsigned chacha_lanes, poly_lanes;
	unsigned limb_bits; /* the radix of r and h; n_limbs of them */
	unsigned n_limbs;
	bool (*is_supported)(void);
	/* n batches, even, of chacha_lanes blocks. Counters go on from word 12, which moves. */
	void (*chacha)(struct limit_work *w, unsigned n);
	/* n passes, even, each through a set of poly_lanes messages from h = 0. */
	void (*poly)(struct limit_work *w, unsigned n);
};

/* The widest first, then NULL. */
extern const struct limit_unit *const limit_units[];
extern const struct limit_unit limit_avx512, limit2_avx512, limit_avx2;

/* Clocks (TSC) of one block. */
struct limit_clk {
	double chacha, poly;
};

/* Keys and messages at random. */
void limit_fill(struct limit_work *w, const struct limit_unit *u);
/* Whether the loops compute what libsodium does: a limit of wrong results would be none. */
bool limit_is_right(struct limit_work *w, const struct limit_unit *u);
/* One short round of both loops, some 10,000 clocks. */
struct limit_clk limit_round(struct limit_work *w, const struct limit_unit *u);

static inline double
limit_of(struct limit_clk clk, unsigned n_bytes)
{
	return (1 + (n_bytes + 63) / 64) * clk.chacha + ((n_bytes + 15) / 16 + 1) * clk.poly;
}
