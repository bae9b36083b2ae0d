/* SPDX-License-Identifier: BSD-3-Clause */
#include "aead_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "base/secret.h"
#include "crypto/aead_choose.h"
#include "crypto/init.h"

enum {
	MBUF_BYTES = 2304,   /* 128 of struct, 128 of headroom, 2048 of data */
	MBUF_MARGIN = 256,
	SEED = 5,
	IMIX_PKTS = 48,
	RANDOM_MAX_BYTES = 1518,
};

static unsigned
longest(const struct aead_options *o)
{
	unsigned n_bytes = RANDOM_MAX_BYTES;

	for (unsigned i = 0; i < o->bytes.n; i++) {
		if (o->bytes.v[i] <= AEAD_MAX_BYTES)
			n_bytes = MAX_OF(n_bytes, o->bytes.v[i]);
	}
	return n_bytes;
}

static struct rig_column *
add_column(struct rig *rig, const char *name)
{
	struct rig_column *c = &rig->columns[rig->n_columns++];

	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

static int
add_choice(struct rig *rig, const char *name, const struct aead_choice *choice, struct err *err)
{
	struct rig_column *c = add_column(rig, name);

	c->is_backend = true;
	return aead_create(&c->aead, choice, err);
}

/* What the gateway would use, fallback for small bursts and all. */
static int
add_auto(struct rig *rig, struct err *err)
{
	struct aead_choice choice;
	int r = aead_choose(NULL, &choice, err);

	return r < 0 ? r : add_choice(rig, "auto", &choice, err);
}

static int
add_one(struct rig *rig, const char *name, struct err *err)
{
	struct aead_choice choice = {0};

	if (rig->n_columns == RIG_MAX_COLUMNS - LIMIT_MAX_UNITS)
		return err_set(err, -ENOSPC, "more backends than perf-aead has columns");
	if (strcmp(name, "auto") == 0)
		return add_auto(rig, err);
	int r = aead_choose(&(struct aead_wish){name, "perf-aead"}, &choice, err);
	return r < 0 ? r : add_choice(rig, name, &choice, err);
}

/* Those of a list, or all that this machine supports and auto. */
static int
add_backends(struct rig *rig, char *only, struct err *err)
{
	char *save = NULL;
	int r = 0;

	for (char *t = only ? strtok_r(only, ",", &save) : NULL; t && r == 0;
		t = strtok_r(NULL, ",", &save))
		r = add_one(rig, t, err);
	for (unsigned i = 0; !only && aead_backends[i] && r == 0; i++) {
		if (aead_backends[i]->is_supported())
			r = add_one(rig, aead_backends[i]->name, err);
	}
	return only || r < 0 ? r : add_one(rig, "auto", err);
}

static int
add_limits(struct rig *rig, struct err *err)
{
	unsigned n_backends = rig->n_columns;

	for (unsigned i = 0; limit_units[i]; i++) {
		const struct limit_unit *u = limit_units[i];
		if (!u->is_supported())
			continue;
		struct rig_column *c = add_column(rig, u->name);
		c->unit = u;
		c->work = aligned_alloc(64, sizeof(*c->work));
		if (!c->work)
			return err_set(err, -ENOMEM, "no memory for %s", c->name);
		limit_fill(c->work, u);
		if (!limit_is_right(c->work, u))
			return err_set(err, -EIO, "%s differs from libsodium", u->name);
		for (unsigned k = 0; k < n_backends; k++) {
			struct rig_column *b = &rig->columns[k];
			bool is_bound = strcmp(b->name, u->bounds) == 0;
			if (!b->unit || (is_bound && strcmp(b->unit->bounds, u->bounds) != 0))
				b->unit = u;
		}
	}
	return 0;
}

int
rig_create(struct rig *rig, const struct aead_options *o, struct err *err)
{
	int r = crypto_init(err);

	if (r < 0)
		return r;
	rig->o = o;
	rig->n_cells = 2 * o->bytes.n * o->bursts.n;
	rig->clk = calloc((size_t)rig->n_cells * RIG_MAX_COLUMNS * o->rounds, sizeof(rig->clk[0]));
	rig->stride_bytes = (MAX_OF((unsigned)MBUF_BYTES, longest(o) + MBUF_MARGIN) + 63) & ~63u;
	size_t n_bytes = RIG_MAX_PKTS * (size_t)rig->stride_bytes;
	rig->packets = aligned_alloc(64, n_bytes);
	rig->sealed = aligned_alloc(64, n_bytes);
	if (!rig->packets || !rig->sealed || !rig->clk)
		return err_set(err, -ENOMEM, "no memory for %u packets", (unsigned)RIG_MAX_PKTS);
	memset(rig->packets, 0x5c, n_bytes);
	secret_random(rig->keys, sizeof(rig->keys));
	r = add_backends(rig, o->backends, err);
	return r < 0 ? r : add_limits(rig, err);
}

void
rig_destroy(struct rig *rig)
{
	for (unsigned i = 0; i < rig->n_columns; i++) {
		if (rig->columns[i].is_backend)
			aead_destroy(&rig->columns[i].aead);
		free(rig->columns[i].work);
	}
	free(rig->packets);
	free(rig->sealed);
	free(rig->clk);
}

/* Lengths of n packets; the same in every run. */
static void
draw_lengths(struct rig *rig, unsigned bytes, unsigned n)
{
	static const struct {
		unsigned up_to, bytes;
	} imix[] = {{28, 64}, {44, 570}, {IMIX_PKTS, 1518}};
	unsigned short seed[3] = {SEED, 0, 0};

	for (unsigned i = 0; i < n; i++) {
		unsigned k = 0;
		while (i % IMIX_PKTS >= imix[k].up_to)
			k++;
		rig->jobs[i].n_bytes = bytes;
		if (bytes == AEAD_IMIX)
			rig->jobs[i].n_bytes = imix[k].bytes;
		else if (bytes == AEAD_RANDOM)
			rig->jobs[i].n_bytes = (unsigned)nrand48(seed) % (RANDOM_MAX_BYTES + 1);
	}
	for (unsigned i = 1; i < n; i++) { /* within each 48, so that each has the whole mix */
		unsigned first = i - i % IMIX_PKTS;
		unsigned k = first + (unsigned)nrand48(seed) % (i - first + 1);
		uint32_t kept = rig->jobs[k].n_bytes;
		rig->jobs[k].n_bytes = rig->jobs[i].n_bytes;
		rig->jobs[i].n_bytes = kept;
	}
}

/* Packets of a cell: one burst of equal ones; of a mix, a round of bursts. */
static unsigned
cell_pkts(const struct rig_cell *c)
{
	if (c->bytes <= AEAD_MAX_BYTES || c->burst > RIG_ROUND_PKTS)
		return c->burst;
	return RIG_ROUND_PKTS - RIG_ROUND_PKTS % c->burst;
}

/* Lays the cell's jobs out and seals them once, for open to start from. */
static void
prepare(struct rig *rig, const struct rig_cell *c)
{
	unsigned n = cell_pkts(c);

	for (unsigned i = 0; i < n; i++)
		rig->jobs[i] = (struct aead_job){.key = rig->keys[rig->o->has_one_key ? 0 : i],
			.data = rig->packets + (size_t)i * rig->stride_bytes + rig->o->offset,
			.counter = 1000 + i};
	draw_lengths(rig, c->bytes, n);
	aead_seal_burst(&rig->columns[0].aead, rig->jobs, n);
	memcpy(rig->sealed, rig->packets, n * (size_t)rig->stride_bytes);
}

static void
put_sealed_back(struct rig *rig, struct aead_job *jobs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		memcpy(jobs[i].data, rig->sealed + (jobs[i].data - rig->packets),
			jobs[i].n_bytes + AEAD_TAG_BYTES);
}

static uint64_t
empty_timing(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < 8; i++) {
		_mm_lfence();
		uint64_t start = __rdtsc();
		_mm_lfence();
		_mm_lfence();
		least = MIN_OF(least, __rdtsc() - start);
	}
	return least;
}

/* Clocks a packet of one backend over one round. */
static double
backend_round(struct rig *rig, struct aead *a, const struct rig_cell *c)
{
	unsigned n_pkts = cell_pkts(c), n_bursts = MAX_OF(RIG_ROUND_PKTS / c->burst, 1u);
	uint64_t sum = 0, empty = empty_timing();

	for (unsigned k = 0; k < n_bursts; k++) {
		struct aead_job *jobs = rig->jobs + k * c->burst % n_pkts;
		if (c->is_open)
			put_sealed_back(rig, jobs, c->burst);
		_mm_lfence();
		uint64_t start = __rdtsc();
		_mm_lfence();
		if (c->is_open)
			aead_open_burst(a, jobs, c->burst);
		else
			aead_seal_burst(a, jobs, c->burst);
		_mm_lfence();
		uint64_t clk = __rdtsc() - start;
		sum += clk > empty ? clk - empty : 0;
		for (unsigned i = 0; i < c->burst; i++) {
			if (!jobs[i].is_ok)
				abort(); /* a figure of refused packets would be worthless */
		}
	}
	return (double)sum / (n_bursts * c->burst);
}

/* The mean limit of the cell's packets. */
static double
limit_column_round(const struct rig *rig, struct rig_column *column, const struct rig_cell *c)
{
	struct limit_clk clk = limit_round(column->work, column->unit);
	unsigned n = cell_pkts(c);
	double sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += limit_of(clk, rig->jobs[i].n_bytes);
	return sum / n;
}

static double
column_round(struct rig *rig, struct rig_column *column, const struct rig_cell *c)
{
	return column->is_backend ? backend_round(rig, &column->aead, c)
				    : limit_column_round(rig, column, c);
}

static void
measure_cell(struct rig *rig, const struct rig_cell *c, unsigned from, unsigned to)
{
	prepare(rig, c);
	for (unsigned i = 0; i < rig->n_columns; i++)
		column_round(rig, &rig->columns[i], c); /* warm */
	for (unsigned r = from; r < to; r++) {
		for (unsigned i = 0; i < rig->n_columns; i++)
			rig->columns[i].clk[r] = column_round(rig, &rig->columns[i], c);
	}
}

void
rig_measure(struct rig *rig)
{
	for (unsigned pass = 0; pass < RIG_PASSES; pass++) {
		unsigned from = rig->o->rounds * pass / RIG_PASSES;
		unsigned to = rig->o->rounds * (pass + 1) / RIG_PASSES;
		for (unsigned i = 0; i < rig->n_cells; i++) {
			struct rig_cell c = rig_select(rig, i);
			measure_cell(rig, &c, from, to);
		}
	}
}

struct rig_cell
rig_select(struct rig *rig, unsigned cell_idx)
{
	const struct aead_options *o = rig->o;
	double *clk = rig->clk + (size_t)cell_idx * RIG_MAX_COLUMNS * o->rounds;

	for (unsigned i = 0; i < rig->n_columns; i++)
		rig->columns[i].clk = clk + (size_t)i * o->rounds;
	return (struct rig_cell){.is_open = cell_idx >= rig->n_cells / 2,
		.bytes = o->bytes.v[cell_idx / o->bursts.n % o->bytes.n],
		.burst = o->bursts.v[cell_idx % o->bursts.n]};
}

const struct rig_column *
rig_column_by_name(const struct rig *rig, const char *name)
{
	for (unsigned i = 0; i < rig->n_columns; i++) {
		if (strcmp(rig->columns[i].name, name) == 0)
			return &rig->columns[i];
	}
	return NULL;
}

static int
compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double
rig_median_clk(const struct rig *rig, const struct rig_column *c)
{
	double sorted[AEAD_MAX_ROUNDS];

	memcpy(sorted, c->clk, rig->o->rounds * sizeof(sorted[0]));
	qsort(sorted, rig->o->rounds, sizeof(sorted[0]), compare_double);
	return sorted[rig->o->rounds / 2];
}

double
rig_median_ratio(const struct rig *rig, const struct rig_column *above,
	const struct rig_column *below)
{
	double sorted[AEAD_MAX_ROUNDS];

	for (unsigned r = 0; r < rig->o->rounds; r++)
		sorted[r] = above->clk[r] / MAX_OF(below->clk[r], 1.0);
	qsort(sorted, rig->o->rounds, sizeof(sorted[0]), compare_double);
	return sorted[rig->o->rounds / 2];
}
