/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows from the figures of a timing: pure functions of them. */
#include "crypto/aead_choose.h"
#include "crypto/aead_timing.h"

enum {
	/*
	 * A burst goes to the second backend only for this: where the worst of it is less than the
	 * worst of the first, as a product of the two, so half of it each. Noise decides nothing
	 * that matters, and what stays is dearer by hardly more.
	 */
	GAIN_PERCENT = 5,
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
		f.clk[d][0] = row->full_clk[d][0];
		f.clk[d][1] = row->imix_clk[d];
		f.clk[d][2] = row->full_clk[d][AEAD_SIZE_CLASSES - 1];
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

/* A cell of the table: what was measured for it by one or more probes. */
struct cell {
	unsigned direction;
	unsigned size;
	unsigned n; /* packets; 0: a full burst */
};
enum {
	N_CELLS = AEAD_N_DIRECTIONS * AEAD_SIZE_CLASSES * (AEAD_SMALL_MAX_JOBS + 1),
};

static struct cell
cell_at(unsigned i)
{
	unsigned rest = i / (AEAD_SMALL_MAX_JOBS + 1);

	return (struct cell){rest / AEAD_SIZE_CLASSES, rest % AEAD_SIZE_CLASSES,
		i % (AEAD_SMALL_MAX_JOBS + 1)};
}

static uint32_t
cell_clk(const struct aead_timing *row, struct cell c, unsigned probe)
{
	uint32_t clk = c.n ? row->small_clk[c.direction][c.size][probe][c.n]
			   : row->full_clk[c.direction][c.size];

	return MAX_OF(clk, 1u);
}

/* How much dearer a is than b where it is worst, in thousandths: 1000 is the same. */
static uint64_t
worst(const struct aead_timing *a, const struct aead_timing *b, struct cell c)
{
	uint64_t most = 0;

	for (unsigned probe = 0; probe < AEAD_N_PROBES; probe++)
		most = MAX_OF(most, 1000ull * cell_clk(a, c, probe) / cell_clk(b, c, probe));
	return most;
}

/* Whether less can go wrong with the helper than with the best: by the worst of either. */
static bool
helps(const struct aead_timing *helper, const struct aead_timing *best, struct cell c)
{
	return worst(helper, best, c) * 100 < worst(best, helper, c) * (100 - GAIN_PERCENT);
}

/*
 * How far `best`, with the help of `helper`, stays behind the cheapest row: the excess in
 * thousandths, summed over all cells.
 */
static uint64_t
excess(const struct aead_timing *rows, unsigned n_rows, unsigned best, unsigned helper)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < N_CELLS; i++) {
		struct cell c = cell_at(i);
		unsigned taken = helps(&rows[helper], &rows[best], c) ? helper : best;
		uint64_t most = 1000;

		for (unsigned r = 0; r < n_rows; r++)
			most = MAX_OF(most, worst(&rows[taken], &rows[r], c));
		sum += most > 1000 + 10 * GAIN_PERCENT ? most - 1000 : 0;
	}
	return sum;
}

static void
fill_second(const struct aead_timing *best, const struct aead_timing *helper,
	struct aead_second *out)
{
	for (unsigned i = 0; i < N_CELLS; i++) {
		struct cell c = cell_at(i);

		if (!helps(helper, best, c))
			continue;
		out->backend = helper->backend;
		out->jobs[c.direction][c.size] |= (uint16_t)(1u << c.n);
		out->max_jobs = MAX_OF(out->max_jobs, c.n ? c.n : UINT32_MAX);
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
