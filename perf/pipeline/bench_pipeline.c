/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * perf-pipeline: what a packet costs a worker from classify to finish, ring calls left out.
 *
 * A column is a world (peer count, IP version outside), a burst size and a backend. For each
 * (case, bytes) the rounds go through all columns in turn, so that what disturbs the machine
 * disturbs them alike; medians count, of clocks and of each round's ratios to other columns. At
 * the end stand the bars (bars.h).
 */
#include <errno.h>
#include <rte_cycles.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bars.h"
#include "flows.h"
#include "options.h"
#include "traffic.h"

enum {
	MAX_WORLDS = 2 * OPTIONS_MAX_LIST,
	MAX_COLUMNS = 3 * OPTIONS_MAX_LIST * RIG_MAX_BACKENDS,
	PACKETS_A_ROUND = 1024,
	PACKETS_TO_WARM = 512,
	ROUNDS_MIN = 7,
	BUDGET_S = 40,           /* for all cells, unless --rounds asks for more */
};

struct column {
	struct world *world;
	unsigned backend;                  /* its place in the rig's list */
	unsigned burst;
	const struct column *ipsecmb;      /* compared with; NULL: not there */
	const struct column *first;        /* of the first outer and burst; NULL: this one is */
	double all[OPTIONS_MAX_ROUNDS];    /* clocks a packet */
	double aead[OPTIONS_MAX_ROUNDS];
	double watched[OPTIONS_MAX_ROUNDS];
	double filtered[OPTIONS_MAX_ROUNDS];
};

struct bench {
	struct options o;
	struct rig rig;
	struct world worlds[MAX_WORLDS];
	unsigned n_worlds;
	struct column columns[MAX_COLUMNS];
	unsigned n_columns;
	struct bars bars;
};

static int
compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double
median(const double *values, unsigned n)
{
	double sorted[OPTIONS_MAX_ROUNDS];
	memcpy(sorted, values, n * sizeof(*values));
	qsort(sorted, n, sizeof(*sorted), compare_double);
	return sorted[n / 2];
}

/* The median of the rounds' ratios; 0 when there is nothing to compare with. */
static double
median_ratio(const struct column *c, const struct column *to, unsigned n)
{
	double ratios[OPTIONS_MAX_ROUNDS];
	if (!to)
		return 0;
	for (unsigned r = 0; r < n; r++)
		ratios[r] = c->all[r] / to->all[r];
	return median(ratios, n);
}

/* The median of what the filter cost in each round. */
static double
median_more(const struct column *c, unsigned n)
{
	double more[OPTIONS_MAX_ROUNDS];
	for (unsigned r = 0; r < n; r++)
		more[r] = c->filtered[r] - c->all[r];
	return median(more, n);
}

static void
print_ratio(const struct options *o, double ratio)
{
	if (ratio > 0)
		printf(o->csv ? ",%.3f" : " %8.3f", ratio);
	else
		fputs(o->csv ? "," : "        -", stdout);
}

static void
print_cell(const struct options *o, const struct cell *c)
{
	char bytes[16] = "imix", what[24];
	if (c->bytes != TRAFFIC_IMIX)
		snprintf(bytes, sizeof(bytes), "%u", c->bytes);
	double mpps = (double)rte_get_tsc_hz() / c->clk / 1e6;
	double gbps = mpps * traffic_mean_bytes(c->bytes) * 8 / 1000;
	snprintf(what, sizeof(what), "%s%s", traffic_names[c->what], c->beside ? c->beside : "");
	printf(o->csv ? "%s,%s,%s,%u,%u,%.1f,%.3f,%.3f,%.1f,%u,%u"
		      : "%-8s %-10s %5s %6u %8u %11.1f %8.3f %8.3f %9.1f %6u %6u",
		what, c->backend, bytes, c->peers, 1u, c->clk, mpps, gbps, c->aead_clk,
		c->outer_family == ADDR_V4 ? 4u : 6u, c->burst);
	print_ratio(o, c->to_ipsecmb);
	print_ratio(o, c->to_first);
	putchar('\n');
	fflush(stdout);
}

static int
round_watched(struct column *c, struct traffic *t, unsigned r, struct err *err)
{
	struct traffic_clk clk;
	world_watch(c->world, true);
	int rc = traffic_run(c->world, c->backend, t, &clk, err);
	world_watch(c->world, false);
	c->watched[r] = clk.all;
	return rc;
}

static int
round_filtered(struct column *c, struct traffic *t, unsigned r, struct err *err)
{
	struct traffic_clk clk;
	flows_switch(c->world, true);
	int rc = traffic_run(c->world, c->backend, t, &clk, err);
	flows_switch(c->world, false);
	c->filtered[r] = clk.all;
	return rc;
}

/* From peer to peer there are too many flows to know all. */
static bool
is_filtered(const struct bench *b, const struct traffic *t)
{
	return b->o.is_filtered && t->what != TRAFFIC_HAIRPIN;
}

/* One round of one column; each has packets of its own, so that none finds another's peers warm. */
static int
round_run(struct bench *b, const struct traffic *t, struct column *c, unsigned r, struct err *err)
{
	struct traffic one = *t;
	struct traffic_clk clk;
	one.burst = c->burst;
	one.rng = (t->rng + r) * MAX_COLUMNS + (unsigned)(c - b->columns);
	one.n_bursts = PACKETS_TO_WARM / c->burst + 1;
	one.looks = r == 0;
	int rc = traffic_run(c->world, c->backend, &one, &clk, err);
	one.n_bursts = PACKETS_A_ROUND / c->burst + 1;
	one.looks = false;
	if (!rc)
		rc = traffic_run(c->world, c->backend, &one, &clk, err);
	if (rc)
		return rc;
	c->all[r] = clk.all;
	c->aead[r] = clk.aead;
	if (b->o.is_watched)
		rc = round_watched(c, &one, r, err);
	return !rc && is_filtered(b, t) ? round_filtered(c, &one, r, err) : rc;
}

static void
report_column(struct bench *b, const struct traffic *t, const struct column *c, unsigned n_rounds)
{
	struct cell cell = {.what = t->what,
		.backend = b->rig.backends[c->backend].backend->name,
		.bytes = t->bytes,
		.peers = c->world->n_peers,
		.outer_family = c->world->outer_family,
		.burst = c->burst,
		.clk = median(c->all, n_rounds),
		.aead_clk = median(c->aead, n_rounds),
		.to_ipsecmb = median_ratio(c, c->ipsecmb, n_rounds),
		.to_first = median_ratio(c, c->first, n_rounds)};
	print_cell(&b->o, &cell);
	bars_note(&b->bars, &cell);
	cell.to_ipsecmb = cell.to_first = 0;
	if (b->o.is_watched) {
		cell.beside = b->o.watch_kind == WATCH_TRACE ? "+trace" : "+capture";
		cell.clk = median(c->watched, n_rounds);
		print_cell(&b->o, &cell);
	}
	if (is_filtered(b, t)) {
		cell.beside = "+filter";
		cell.clk = median(c->filtered, n_rounds);
		print_cell(&b->o, &cell);
		bars_note_filter(&b->bars, &cell, median_more(c, n_rounds));
	}
}

/* All columns of a case and size. */
static int
cell_run(struct bench *b, const struct traffic *t, struct err *err)
{
	const struct options *o = &b->o;
	unsigned r = 0;
	ns_t share_ns = BUDGET_S * NS_IN_S / (o->cases.n * o->bytes.n);
	ns_t end = clock_boot_ns() + share_ns;
	for (; r < o->rounds && (r < ROUNDS_MIN || o->is_patient || clock_boot_ns() < end); r++) {
		for (unsigned i = 0; i < b->n_columns; i++) {
			struct column *c = &b->columns[(i + r) % b->n_columns];
			int rc = round_run(b, t, c, r, err);
			if (rc)
				return rc;
		}
	}
	for (unsigned i = 0; i < b->n_columns; i++)
		report_column(b, t, &b->columns[i], r);
	return 0;
}

static int
add_world(struct bench *b, unsigned outer_family, unsigned n_peers, struct err *err)
{
	struct world *world = &b->worlds[b->n_worlds++];
	*world = (struct world){.outer_family = (uint8_t)outer_family, .n_peers = n_peers};
	int rc = world_create(world, &b->rig, err);
	if (!rc && b->o.is_watched)
		rc = world_watch_create(world, b->o.watch_kind, err);
	return !rc && b->o.is_filtered ? flows_create(world, err) : rc;
}

/* The rows of one world and burst size: a column each backend. */
static void
add_columns(struct bench *b, struct world *world, unsigned burst)
{
	struct column *from = &b->columns[b->n_columns];
	bool is_first = world->outer_family == b->o.outers.v[0] && burst == b->o.bursts.v[0];
	const struct column *ipsecmb = NULL;
	for (unsigned k = 0; k < b->rig.n_backends; k++) {
		from[k] = (struct column){.world = world, .backend = k, .burst = burst};
		if (!is_first)
			from[k].first = &b->columns[k]; /* those of the first world stand first */
		if (strcmp(b->rig.backends[k].backend->name, "ipsecmb") == 0)
			ipsecmb = &from[k];
	}
	for (unsigned k = 0; k < b->rig.n_backends; k++)
		from[k].ipsecmb = ipsecmb;
	b->n_columns += b->rig.n_backends;
}

static int
lay_out(struct bench *b, struct err *err)
{
	const struct options *o = &b->o;
	int rc = 0;
	for (unsigned i = 0; !rc && i < o->peers.n; i++)
		rc = add_world(b, o->outers.v[0], o->peers.v[i], err);
	for (unsigned i = 1; !rc && i < o->outers.n; i++)
		rc = add_world(b, o->outers.v[i], o->peers.v[0], err);
	for (unsigned i = 0; !rc && i < b->n_worlds; i++)
		add_columns(b, &b->worlds[i], o->bursts.v[0]);
	for (unsigned i = 1; !rc && i < o->bursts.n; i++)
		add_columns(b, &b->worlds[0], o->bursts.v[i]);
	return rc;
}

static int
bench_run(struct bench *b, struct err *err)
{
	const struct options *o = &b->o;
	b->rig.cycles_buffers = o->cycles_buffers;
	int rc = rig_create(&b->rig, o->backends, o->n_backends, err);
	if (!rc)
		rc = lay_out(b, err);
	if (rc)
		return rc;
	b->bars.best = b->rig.sealer.backend->name;
	b->bars.has_filter = o->is_filtered;
	puts(o->csv ? "case,backend,bytes,peers,workers,clk_per_packet,mpps,gbps,aead_clk,outer,"
		      "burst,to_ipsecmb,to_first"
		    : "case     backend    bytes  peers  workers  clk/packet     mpps     gbps  "
		      "aead clk  outer  burst /ipsecmb   /first");
	for (unsigned i = 0; !rc && i < o->cases.n * o->bytes.n; i++) {
		struct traffic t = {.what = (enum traffic_case)o->cases.v[i / o->bytes.n],
			.bytes = o->bytes.v[i % o->bytes.n],
			.rng = i * 1000};
		rc = cell_run(b, &t, err);
	}
	return rc;
}

int
main(int argc, char **argv)
{
	static struct bench bench;
	struct err err;

	if (options_parse(argc, argv, &bench.o) < 0) {
		fputs(options_usage, stderr);
		return 2;
	}
	rcu_reader_register();
	int rc = bench_run(&bench, &err);
	rcu_reader_unregister();
	if (rc)
		fprintf(stderr, "perf-pipeline: %s\n", err.text);
	for (unsigned i = 0; i < bench.n_worlds; i++)
		world_destroy(&bench.worlds[i]);
	rig_destroy(&bench.rig);
	bool holds = !rc && bars_print(&bench.bars, bench.o.csv ? stderr : stdout);
	return rc || (bench.o.bars && !holds);
}
