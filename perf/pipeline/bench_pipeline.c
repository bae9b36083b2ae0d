/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * perf-pipeline: what a packet costs a worker from classify to finish, ring calls left out.
 *
 * For each (case, bytes) the rounds go through all peer counts and backends in turn, so that
 * what disturbs the machine disturbs them alike; medians count. At the end stand the bars: path
 * minus AEAD against ipsec-mb's own 64-byte figure of this run, and many peers against one.
 */
#include <errno.h>
#include <getopt.h>
#include <rte_cycles.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bars.h"
#include "traffic.h"

enum {
	MAX_LIST = 8,
	MAX_ROUNDS = 501,
	PACKETS_A_ROUND = 1024,
	PACKETS_TO_WARM = 512,
	BYTES_MIN = 28,
	ROUNDS_MIN = 5,
	BUDGET_S = 40,           /* for all cells, unless --rounds asks for more */
};

struct list {
	unsigned v[MAX_LIST];
	unsigned n;
};

struct options {
	struct list cases, bytes, peers;
	const char *backend;
	unsigned rounds, burst;
	uint8_t outer_family;
	bool csv, bars, is_patient;
	bool is_watched;         /* a row more, while somebody looks */
	enum watch_kind watch_kind;
};

struct bench {
	struct options o;
	struct rig rig;
	struct world worlds[MAX_LIST];
	struct bars bars;
	double all[MAX_LIST][RIG_MAX_BACKENDS][MAX_ROUNDS];
	double aead[MAX_LIST][RIG_MAX_BACKENDS][MAX_ROUNDS];
	double watched[MAX_LIST][RIG_MAX_BACKENDS][MAX_ROUNDS];
};

static const char usage[] =
	"perf-pipeline [--csv] [--quick] [--bars] [--case C[,C...]] [--bytes N[,N...]] \n"
	"              [--peers N[,N...]] [--backend NAME] [--burst N] [--rounds N] [--outer 4|6]\n"
	"Clocks (TSC) that a packet costs one worker over ring ports with real sessions.\n"
	"  --csv      columns case,backend,bytes,peers,workers,clk_per_packet,mpps,gbps,aead_clk\n"
	"  --quick    11 rounds\n"
	"  --bars     exit 1 when a bar is missed or was not measured\n"
	"  --case     encrypt, decrypt, hairpin (default: all three)\n"
	"  --bytes    of the inner IPv4 packet, 28 to 1420, or imix: 28 x 64, 16 x 570, 4 x 1420\n"
	"             (1518 cut to the tunnel's MTU), drawn at random\n"
	"             (default 64,128,256,512,1024,1420,imix)\n"
	"  --peers    in random order (default 1,1000,10000; at most 60000)\n"
	"  --backend  only this AEAD (default: every one that this machine supports)\n"
	"  --burst    packets a turn, 1 to 64 (default 32)\n"
	"  --rounds   whose median counts (default 41, or fewer, so that all ends within a minute\n"
	"             on a busy machine; at most 501)\n"
	"  --outer    IP version outside (default 4)\n"
	"  --watch    trace or capture: each row is followed by one of the same rounds while a\n"
	"             trace, of which no packet is shown, or a capture of all of them runs\n";

static int
parse_number(const char *text, unsigned min, unsigned max, unsigned *out)
{
	char *end;
	errno = 0;
	unsigned long v = strtoul(text, &end, 10);
	if (errno || end == text || *end || v < min || v > max)
		return -EINVAL;
	*out = (unsigned)v;
	return 0;
}

static int
parse_case(const char *text, unsigned *out)
{
	for (*out = 0; *out < TRAFFIC_CASES; (*out)++) {
		if (strcmp(text, traffic_names[*out]) == 0)
			return 0;
	}
	return -EINVAL;
}

static int
parse_bytes(const char *text, unsigned *out)
{
	if (strcmp(text, "imix") != 0)
		return parse_number(text, BYTES_MIN, RIG_TUNNEL_MTU, out);
	*out = TRAFFIC_IMIX;
	return 0;
}

static int
parse_peers(const char *text, unsigned *out)
{
	return parse_number(text, 1, RIG_MAX_PEERS, out);
}

static int
parse_list(char *text, int (*parse)(const char *, unsigned *), struct list *out)
{
	char *save = NULL;
	out->n = 0;
	for (char *t = strtok_r(text, ",", &save); t; t = strtok_r(NULL, ",", &save)) {
		if (out->n == MAX_LIST || parse(t, &out->v[out->n]) < 0)
			return -EINVAL;
		out->n++;
	}
	return out->n ? 0 : -EINVAL;
}

static int
parse_outer(const char *text, uint8_t *family)
{
	unsigned version = 0;
	int rc = parse_number(text, 4, 6, &version);
	*family = version == 6 ? ADDR_V6 : ADDR_V4;
	return version == 5 ? -EINVAL : rc;
}

static int
take_option(struct options *o, int c)
{
	switch (c) {
	case 'c':
		o->csv = true;
		return 0;
	case 'B':
		o->bars = true;
		return 0;
	case 'q':
		o->rounds = 11;
		return 0;
	case 'a':
		return parse_list(optarg, parse_case, &o->cases);
	case 'b':
		return parse_list(optarg, parse_bytes, &o->bytes);
	case 'p':
		return parse_list(optarg, parse_peers, &o->peers);
	case 'k':
		o->backend = optarg;
		return 0;
	case 'n':
		return parse_number(optarg, 1, BURST_MAX, &o->burst);
	case 'r':
		o->is_patient = true;
		return parse_number(optarg, 1, MAX_ROUNDS, &o->rounds);
	case 'w':
		o->is_watched = true;
		o->watch_kind = strcmp(optarg, "capture") == 0 ? WATCH_CAPTURE : WATCH_TRACE;
		return strcmp(optarg, "capture") == 0 || strcmp(optarg, "trace") == 0 ? 0 : -EINVAL;
	case 'o':
		return parse_outer(optarg, &o->outer_family);
	default:
		return -EINVAL;
	}
}

static int
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {{"csv", no_argument, NULL, 'c'},
		{"quick", no_argument, NULL, 'q'},
		{"bars", no_argument, NULL, 'B'}, {"case", required_argument, NULL, 'a'},
		{"bytes", required_argument, NULL, 'b'}, {"peers", required_argument, NULL, 'p'},
		{"backend", required_argument, NULL, 'k'}, {"burst", required_argument, NULL, 'n'},
		{"rounds", required_argument, NULL, 'r'}, {"outer", required_argument, NULL, 'o'},
		{"watch", required_argument, NULL, 'w'}, {"help", no_argument, NULL, 'h'}, {0}};
	int c, rc = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, "h", known, NULL)) != -1)
		rc = take_option(o, c);
	return optind < argc ? -EINVAL : rc;
}

static int
compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double
median(double *values, unsigned n)
{
	qsort(values, n, sizeof(*values), compare_double);
	return values[n / 2];
}

static void
print_cell(const struct options *o, const struct cell *c)
{
	char bytes[16] = "imix";
	if (c->bytes != TRAFFIC_IMIX)
		snprintf(bytes, sizeof(bytes), "%u", c->bytes);
	double mpps = (double)rte_get_tsc_hz() / c->clk / 1e6;
	double gbps = mpps * traffic_mean_bytes(c->bytes) * 8 / 1000;
	char what[24];
	snprintf(what, sizeof(what), "%s%s", traffic_names[c->what], c->watch ? c->watch : "");
	printf(o->csv ? "%s,%s,%s,%u,%u,%.1f,%.3f,%.3f,%.1f\n"
		      : "%-8s %-10s %5s %6u %8u %11.1f %8.3f %8.3f %9.1f\n",
		what, c->backend, bytes, c->peers, 1u, c->clk, mpps, gbps, c->aead_clk);
	fflush(stdout);
}

/* One round of a cell for one column: a peer count and a backend. */
static int
round_run(struct bench *b, const struct traffic *t, unsigned column, unsigned r, struct err *err)
{
	unsigned p = column / b->rig.n_backends, k = column % b->rig.n_backends;
	struct traffic one = *t;
	struct traffic_clk warm = {0}, clk = {0};
	one.rng = t->rng + r;
	one.n_bursts = PACKETS_TO_WARM / t->burst + 1;
	one.looks = r == 0;
	int rc = traffic_run(&b->worlds[p], k, &one, &warm, err);
	one.n_bursts = PACKETS_A_ROUND / t->burst + 1;
	one.looks = false;
	if (!rc)
		rc = traffic_run(&b->worlds[p], k, &one, &clk, err);
	if (rc)
		return rc;
	b->all[p][k][r] = (double)clk.all / (double)clk.n_pkts;
	b->aead[p][k][r] = (double)clk.aead / (double)clk.n_pkts;
	if (!b->o.is_watched)
		return 0;
	clk = (struct traffic_clk){0};
	world_watch(&b->worlds[p], true);
	rc = traffic_run(&b->worlds[p], k, &one, &clk, err);
	world_watch(&b->worlds[p], false);
	b->watched[p][k][r] = (double)clk.all / (double)(clk.n_pkts + !clk.n_pkts);
	return rc;
}

static int
cell_run(struct bench *b, const struct traffic *t, struct err *err)
{
	const struct options *o = &b->o;
	unsigned n_columns = o->peers.n * b->rig.n_backends, r = 0;
	ns_t share_ns = BUDGET_S * NS_IN_S / (o->cases.n * o->bytes.n);
	ns_t end = clock_boot_ns() + share_ns;
	for (; r < o->rounds && (r < ROUNDS_MIN || o->is_patient || clock_boot_ns() < end); r++) {
		for (unsigned i = 0; i < n_columns; i++) {
			int rc = round_run(b, t, i, r, err);
			if (rc)
				return rc;
		}
	}
	for (unsigned i = 0; i < n_columns; i++) {
		unsigned p = i / b->rig.n_backends, k = i % b->rig.n_backends;
		struct cell c = {.what = t->what,
			.backend = b->rig.backends[k]->name,
			.bytes = t->bytes,
			.peers = o->peers.v[p],
			.clk = median(b->all[p][k], r),
			.aead_clk = median(b->aead[p][k], r)};
		print_cell(o, &c);
		bars_note(&b->bars, &c);
		if (!o->is_watched)
			continue;
		c.watch = o->watch_kind == WATCH_TRACE ? "+trace" : "+capture";
		c.clk = median(b->watched[p][k], r);
		print_cell(o, &c);
	}
	return 0;
}

static int
bench_run(struct bench *b, struct err *err)
{
	const struct options *o = &b->o;
	int rc = rig_create(&b->rig, o->backend, o->outer_family, err);
	for (unsigned i = 0; !rc && i < o->peers.n; i++)
		rc = world_create(&b->worlds[i], &b->rig, o->peers.v[i], err);
	for (unsigned i = 0; !rc && o->is_watched && i < o->peers.n; i++)
		rc = world_watch_create(&b->worlds[i], o->watch_kind, err);
	if (rc)
		return rc;
	puts(o->csv ? "case,backend,bytes,peers,workers,clk_per_packet,mpps,gbps,aead_clk"
		    : "case     backend    bytes  peers  workers  clk/packet     mpps     gbps  "
		      "aead clk");
	for (unsigned i = 0; !rc && i < o->cases.n * o->bytes.n; i++) {
		struct traffic t = {.what = (enum traffic_case)o->cases.v[i / o->bytes.n],
			.bytes = o->bytes.v[i % o->bytes.n],
			.burst = o->burst,
			.rng = i * 1000};
		rc = cell_run(b, &t, err);
	}
	return rc;
}

int
main(int argc, char **argv)
{
	static struct bench bench = {
		.o = {.cases = {{TRAFFIC_ENCRYPT, TRAFFIC_DECRYPT, TRAFFIC_HAIRPIN}, 3},
			.bytes = {{64, 128, 256, 512, 1024, 1420, TRAFFIC_IMIX}, 7},
			.peers = {{1, 1000, 10000}, 3},
			.rounds = 41,
			.burst = 32,
			.outer_family = ADDR_V4},
	};
	struct err err;

	if (parse_options(argc, argv, &bench.o) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	rcu_reader_register();
	int rc = bench_run(&bench, &err);
	rcu_reader_unregister();
	if (rc)
		fprintf(stderr, "perf-pipeline: %s\n", err.text);
	for (unsigned i = 0; i < bench.o.peers.n; i++)
		world_destroy(&bench.worlds[i]);
	rig_destroy(&bench.rig);
	bool holds = !rc && bars_print(&bench.bars, bench.o.csv ? stderr : stdout);
	return rc || (bench.o.bars && !holds);
}
