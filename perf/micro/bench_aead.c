/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * perf-aead: what a packet's seal and open cost in each backend, by size and by burst.
 *
 * A cell (direction, bytes, burst) is measured for all backends one behind the other, round by
 * round, so that what disturbs the machine disturbs them alike; the median round counts. Each
 * packet of a burst has a key of its own; packets and keys stay in cache. Clocks are TSC ticks.
 * Opening destroys the cipher text: it is put back outside the measured part.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "base/secret.h"
#include "crypto/aead_choose.h"
#include "crypto/init.h"

enum {
	MAX_BACKENDS = 8,
	MAX_BURST = 256,
	MAX_BYTES = 9000,
	MAX_LIST = 16,
	MAX_ROUNDS = 1001,
	PACKETS_A_ROUND = 192, /* measured in one round of a cell, in bursts */
	PACKET_STRIDE = (MAX_BYTES + AEAD_TAG_BYTES + 63 + 64) & ~63,
};

struct list {
	unsigned v[MAX_LIST];
	unsigned n;
};

struct options {
	const char *backend;
	struct list bytes, bursts;
	unsigned rounds;
	bool csv;
};

struct bench {
	struct aead aead[MAX_BACKENDS];
	unsigned n_backends;
	struct aead_job jobs[MAX_BURST];
	uint8_t keys[MAX_BURST][AEAD_KEY_BYTES];
	uint8_t *packets; /* MAX_BURST of PACKET_STRIDE each */
	uint8_t *sealed;  /* the same, kept */
	uint64_t clk[MAX_BACKENDS][MAX_ROUNDS];
};

struct cell {
	bool is_open;
	unsigned bytes;
	unsigned burst;
};

static const char usage[] =
	"perf-aead [--csv] [--backend NAME] [--bytes N[,N...]] [--burst N[,N...]] [--rounds N]\n"
	"Clocks (TSC) that sealing and opening a packet cost, by backend, size and burst.\n"
	"  --csv      columns backend,direction,bytes,burst,clk_per_packet\n"
	"  --backend  only this one (default: every one that this machine supports)\n"
	"  --bytes    of plain text (default 64,128,256,512,1024,1424; at most 9000)\n"
	"  --burst    packets a call (default 1,4,16,32,64; at most 256)\n"
	"  --rounds   whose median counts (default 151; at most 1001)\n";

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
parse_list(char *text, unsigned min, unsigned max, struct list *out)
{
	char *save = NULL;

	out->n = 0;
	for (char *t = strtok_r(text, ",", &save); t; t = strtok_r(NULL, ",", &save)) {
		if (out->n == MAX_LIST || parse_number(t, min, max, &out->v[out->n]) < 0)
			return -EINVAL;
		out->n++;
	}
	return out->n ? 0 : -EINVAL;
}

static int
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {{"csv", no_argument, NULL, 'c'},
		{"backend", required_argument, NULL, 'k'}, {"bytes", required_argument, NULL, 'b'},
		{"burst", required_argument, NULL, 'n'}, {"rounds", required_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'}, {0}};
	int c, r = 0;

	while (r == 0 && (c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		if (c == 'c')
			o->csv = true;
		else if (c == 'k')
			o->backend = optarg;
		else if (c == 'b')
			r = parse_list(optarg, 0, MAX_BYTES, &o->bytes);
		else if (c == 'n')
			r = parse_list(optarg, 1, MAX_BURST, &o->bursts);
		else if (c == 'r')
			r = parse_number(optarg, 1, MAX_ROUNDS, &o->rounds);
		else
			r = -EINVAL;
	}
	return optind < argc ? -EINVAL : r;
}

static int
open_backends(struct bench *b, const char *only, struct err *err)
{
	struct aead_choice one = {0};
	int r = 0;

	if (only) {
		r = aead_choose(&(struct aead_wish){only, "--backend"}, &one, err);
		if (r == 0)
			r = aead_create(&b->aead[b->n_backends++], &one, err);
		return r;
	}
	for (unsigned i = 0; aead_backends[i] && i < MAX_BACKENDS && r == 0; i++) {
		one.backend = aead_backends[i];
		if (one.backend->is_supported())
			r = aead_create(&b->aead[b->n_backends++], &one, err);
	}
	return r;
}

static int
bench_create(struct bench *b, const struct options *o, struct err *err)
{
	int r = crypto_init(err);

	if (r < 0)
		return r;
	b->packets = aligned_alloc(64, MAX_BURST * (size_t)PACKET_STRIDE);
	b->sealed = aligned_alloc(64, MAX_BURST * (size_t)PACKET_STRIDE);
	if (!b->packets || !b->sealed)
		return err_set(err, -ENOMEM, "no memory for %u packets", (unsigned)MAX_BURST);
	memset(b->packets, 0x5c, MAX_BURST * (size_t)PACKET_STRIDE);
	secret_random(b->keys, sizeof(b->keys));
	return open_backends(b, o->backend, err);
}

static void
bench_destroy(struct bench *b)
{
	for (unsigned i = 0; i < b->n_backends; i++)
		aead_destroy(&b->aead[i]);
	free(b->packets);
	free(b->sealed);
}

/* Lays the cell's jobs out and seals them once, for open to start from. */
static void
cell_prepare(struct bench *b, const struct cell *c)
{
	for (unsigned i = 0; i < c->burst; i++)
		b->jobs[i] = (struct aead_job){.key = b->keys[i],
			.data = b->packets + (size_t)i * PACKET_STRIDE,
			.counter = 1000 + i,
			.n_bytes = c->bytes};
	aead_seal_burst(&b->aead[0], b->jobs, c->burst);
	memcpy(b->sealed, b->packets, c->burst * (size_t)PACKET_STRIDE);
}

static void
put_sealed_back(struct bench *b, const struct cell *c)
{
	for (unsigned i = 0; i < c->burst; i++)
		memcpy(b->jobs[i].data, b->sealed + (size_t)i * PACKET_STRIDE,
			c->bytes + AEAD_TAG_BYTES);
}

/* Clocks a packet of one backend over one round. */
static uint64_t
cell_round(struct bench *b, struct aead *a, const struct cell *c)
{
	unsigned n_bursts = MAX_OF(PACKETS_A_ROUND / c->burst, 1u);
	uint64_t sum = 0;

	for (unsigned k = 0; k < n_bursts; k++) {
		if (c->is_open)
			put_sealed_back(b, c);
		_mm_lfence();
		uint64_t start = __rdtsc();
		_mm_lfence();
		if (c->is_open)
			aead_open_burst(a, b->jobs, c->burst);
		else
			aead_seal_burst(a, b->jobs, c->burst);
		_mm_lfence();
		sum += __rdtsc() - start;
		if (!b->jobs[c->burst - 1].is_ok)
			abort(); /* a figure of refused packets would be worthless */
	}
	return sum / (n_bursts * c->burst);
}

static int
compare_clk(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
cell_measure(struct bench *b, const struct cell *c, unsigned rounds)
{
	cell_prepare(b, c);
	for (unsigned i = 0; i < b->n_backends; i++)
		cell_round(b, &b->aead[i], c); /* warm */
	for (unsigned r = 0; r < rounds; r++) {
		for (unsigned i = 0; i < b->n_backends; i++)
			b->clk[i][r] = cell_round(b, &b->aead[i], c);
	}
	for (unsigned i = 0; i < b->n_backends; i++)
		qsort(b->clk[i], rounds, sizeof(b->clk[i][0]), compare_clk);
}

static void
cell_print(const struct bench *b, const struct cell *c, const struct options *o)
{
	const char *format = o->csv ? "%s,%s,%u,%u,%llu\n" : "%-12s %-9s %6u %6u %8llu\n";

	for (unsigned i = 0; i < b->n_backends; i++)
		printf(format, b->aead[i].backend->name, c->is_open ? "open" : "seal", c->bytes,
			c->burst, (unsigned long long)b->clk[i][o->rounds / 2]);
	fflush(stdout);
}

static void
run(struct bench *b, const struct options *o)
{
	puts(o->csv ? "backend,direction,bytes,burst,clk_per_packet"
		    : "backend      direction  bytes  burst clk/packet");
	for (unsigned d = 0; d < 2; d++) {
		for (unsigned i = 0; i < o->bytes.n * o->bursts.n; i++) {
			struct cell c = {.is_open = d == 1,
				.bytes = o->bytes.v[i / o->bursts.n],
				.burst = o->bursts.v[i % o->bursts.n]};
			cell_measure(b, &c, o->rounds);
			cell_print(b, &c, o);
		}
	}
}

int
main(int argc, char **argv)
{
	static struct bench bench;
	struct options o = {.bytes = {{64, 128, 256, 512, 1024, 1424}, 6},
		.bursts = {{1, 4, 16, 32, 64}, 5},
		.rounds = 151};
	struct err err;

	if (parse_options(argc, argv, &o) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	int r = bench_create(&bench, &o, &err);
	if (r < 0)
		fprintf(stderr, "perf-aead: %s\n", err.text);
	else
		run(&bench, &o);
	bench_destroy(&bench);
	return r < 0;
}
