/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What backends cost on this machine, by a short measurement, and what follows from the figures.
 * Inside lib/crypto, and for its tests. Costs are clocks (TSC ticks), each the least of several
 * rounds in which the backends take turns: whatever else the machine does only ever adds.
 */
#pragma once

#include "crypto/aead_burst.h"

enum {
	AEAD_FULL_BURST = 64,
	AEAD_N_PROBES = 2, /* lengths that stand for a class: costs go in steps */
};

struct aead_timing {
	const struct aead_backend *backend;
	/* A burst of n packets of one length; n = 0 is not used. */
	uint32_t small_clk[AEAD_N_DIRECTIONS][AEAD_SIZE_CLASSES][AEAD_N_PROBES]
			  [AEAD_SMALL_MAX_JOBS + 1];
	/* A burst of AEAD_FULL_BURST: of 64, 128, 256, 512, 1024, 1424 B; and a mix of lengths. */
	uint32_t full_clk[AEAD_N_DIRECTIONS][AEAD_SIZE_CLASSES];
	uint32_t imix_clk[AEAD_N_DIRECTIONS]; /* 64, 576, 1424 B, 7 : 4 : 1 */
	bool is_broken; /* it did not open what it had sealed */
};

/*
 * Measures n_rows backends; .backend is set in each, the rest is filled in. 0 or -ENOMEM. Some
 * milliseconds a backend; on slow machines it ends early, with fewer rounds.
 */
int aead_timing_run(struct aead_timing *rows, unsigned n_rows, struct err *err)
	__attribute__((warn_unused_result));

/* What a packet of a full burst costs, the mean of both directions, where traffic is decided. */
struct aead_packet_clk {
	uint32_t at_64, imix, at_1424;
};
struct aead_packet_clk aead_timing_packet_clk(const struct aead_timing *row);
/*
 * The product of what a costs of b at 64 B, IMIX and 1424 B: below 1 a is faster, by the geometric
 * mean, which does not depend on who is compared with whom.
 */
double aead_timing_ratio(const struct aead_timing *a, const struct aead_timing *b);
/* The row to carry the traffic: the first, unless a later one is clearly faster. n_rows > 0. */
unsigned aead_timing_best(const struct aead_timing *rows, unsigned n_rows);
/* Which bursts another row than `best` should do, and which row. */
void aead_timing_second(const struct aead_timing *rows, unsigned n_rows, unsigned best,
	struct aead_second *out);
