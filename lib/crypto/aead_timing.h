/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What backends cost on this machine, by a short measurement, and what follows from the figures.
 * Inside lib/crypto, and for its tests. Costs are clocks (TSC ticks), each the least of several
 * rounds in which the backends take turns: whatever else the machine does only ever adds.
 */
#pragma once

#include "crypto/aead_burst.h"

enum aead_mix {
	AEAD_MIX_64,   /* bursts of 64 packets of 64 bytes */
	AEAD_MIX_IMIX, /* 64, 576 and 1424 bytes, 7 : 4 : 1 */
	AEAD_MIX_1424,
	AEAD_N_MIXES,
};

enum {
	AEAD_FULL_BURST = 64,
};

struct aead_timing {
	const struct aead_backend *backend;
	uint32_t full_clk[AEAD_N_DIRECTIONS][AEAD_N_MIXES]; /* a burst of AEAD_FULL_BURST */
	/* A burst of n jobs; [0] is not used. */
	uint32_t burst_clk[AEAD_N_DIRECTIONS][AEAD_SIZE_CLASSES][AEAD_SMALL_MAX_JOBS + 1];
	bool is_broken; /* it did not open what it had sealed */
};

/*
 * Measures n_rows backends; .backend is set in each, the rest is filled in. 0 or -ENOMEM. Some
 * milliseconds a backend; on slow machines it ends early, with fewer rounds.
 */
int aead_timing_run(struct aead_timing *rows, unsigned n_rows, struct err *err)
	__attribute__((warn_unused_result));

/* Clocks a packet, the mean of sealing and opening. */
uint32_t aead_timing_packet_clk(const struct aead_timing *row, enum aead_mix mix);
/* The row to use for large bursts: the first, unless a later one is clearly faster. n_rows > 0. */
unsigned aead_timing_best(const struct aead_timing *rows, unsigned n_rows);
/*
 * The product of what a costs of b over all mixes and directions: below 1 a is faster, by the
 * geometric mean, which does not depend on who is compared with whom.
 */
double aead_timing_ratio(const struct aead_timing *a, const struct aead_timing *b);
/* Which small bursts another row than `best` should do, and which row. */
void aead_timing_small(const struct aead_timing *rows, unsigned n_rows, unsigned best,
	struct aead_small *out);
