/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows from the figures of a timing: pure functions of them. */
#include "crypto/aead_choose.h"
#include "crypto/aead_timing.h"

enum {
	/* A burst goes to the second backend only for more than this, so that noise decides nothing
	 * and nothing that is kept is dearer by more. */
	SMALL_GAIN_PERCENT = 5,
};

/* The figures that decide who carries the traffic: a full burst at 64 B, IMIX and 1424 B. */
enum {
	N_FIGURES = 3,
};
struct figures {
	uint32_t clk[AEAD_N_DIRECTIONS][N_FIGURES];
};

static struct figures
figures_of(const struct aead_timing *row)
{
	struct figures f;

	for (unsigned d = 0; d < AEAD_N_DIRECTIONS; d++) {
		f.clk[d][0] = row->burst_clk[d][0][0];
		f.clk[d][1] = row->imix_clk[d];
		f.clk[d][2] = row->burst_clk[d][AEAD_SIZE_CLASSES - 1][0];
	}
	return f;
}

struct aead_packet_clk
aead_timing_packet_clk(const struct aead_timing *row)
{
	struct figures f = figures_of(row);
	uint32_t clk[N_FIGURES];

	for (unsigned i = 0; i < N_FIGURES; i++)
		clk[i] = (uint32_t)(((uint64_t)f.clk[AEAD_SEAL][i] + f.clk[AEAD_OPEN][i]) /
				    (2 * AEAD_FULL_BURST));
	return (struct aead_packet_clk){clk[0], clk[1], clk[2]};
}

double
aead_timing_ratio(const struct aead_timing *a, const struct aead_timing *b)
{
	struct figures x = figures_of(a), y = figures_of(b);
	double product = 1;

	for (unsigned d = 0; d < AEAD_N_DIRECTIONS; d++) {
		for (unsigned i = 0; i < N_FIGURES; i++)
			product *= (double)MAX_OF(x.clk[d][i], 1u) /
				   (double)MAX_OF(y.clk[d][i], 1u);
	}
	return product;
}

unsigned
aead_timing_best(const struct aead_timing *rows, unsigned n_rows)
{
	unsigned best = 0;
	double clearly = 1;

	for (unsigned k = 0; k < AEAD_N_DIRECTIONS * N_FIGURES; k++)
		clearly *= (100 - AEAD_CLEARLY_FASTER_PERCENT) / 100.0;
	for (unsigned r = 1; r < n_rows; r++) {
		if (aead_timing_ratio(&rows[r], &rows[best]) < clearly)
			best = r;
	}
	return best;
}

static bool
is_cheaper(uint32_t clk, uint32_t than_clk)
{
	return clk * 100ull < than_clk * (100ull - SMALL_GAIN_PERCENT);
}

/*
 * How far `best`, with the help of `helper`, stays behind the cheapest row: the excess in
 * thousandths, summed over all sizes and numbers of packets.
 */
static uint64_t
excess(const struct aead_timing *rows, unsigned n_rows, unsigned best, unsigned helper)
{
	uint64_t sum = 0;

	for (unsigned at = 0; at < AEAD_N_DIRECTIONS * AEAD_SIZE_CLASSES; at++) {
		unsigned d = at / AEAD_SIZE_CLASSES, size = at % AEAD_SIZE_CLASSES;

		for (unsigned n = 0; n <= AEAD_SMALL_MAX_JOBS; n++) {
			uint32_t clk = rows[best].burst_clk[d][size][n];
			uint32_t helped = rows[helper].burst_clk[d][size][n];
			uint32_t least = clk;

			for (unsigned r = 0; r < n_rows; r++)
				least = MIN_OF(least, rows[r].burst_clk[d][size][n]);
			if (is_cheaper(helped, clk))
				clk = helped;
			if (is_cheaper(least, clk))
				sum += 1000ull * clk / MAX_OF(least, 1u) - 1000;
		}
	}
	return sum;
}

static void
fill_second(const struct aead_timing *best, const struct aead_timing *helper,
	struct aead_second *out)
{
	for (unsigned at = 0; at < AEAD_N_DIRECTIONS * AEAD_SIZE_CLASSES; at++) {
		unsigned d = at / AEAD_SIZE_CLASSES, size = at % AEAD_SIZE_CLASSES;

		for (unsigned n = 0; n <= AEAD_SMALL_MAX_JOBS; n++) {
			if (!is_cheaper(helper->burst_clk[d][size][n],
				    best->burst_clk[d][size][n]))
				continue;
			out->backend = helper->backend;
			out->jobs[d][size] |= (uint16_t)(1u << n);
			out->max_jobs = MAX_OF(out->max_jobs, n ? n : UINT32_MAX);
		}
	}
}

void
aead_timing_second(const struct aead_timing *rows, unsigned n_rows, unsigned best,
	struct aead_second *out)
{
	unsigned helper = best;
	uint64_t least = excess(rows, n_rows, best, best);

	for (unsigned r = 0; r < n_rows; r++) {
		uint64_t left = excess(rows, n_rows, best, r);

		if (left < least) {
			least = left;
			helper = r;
		}
	}
	*out = (struct aead_second){0};
	if (helper != best)
		fill_second(&rows[best], &rows[helper], out);
}
