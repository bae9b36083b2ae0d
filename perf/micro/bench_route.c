/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cost of the prefix table, in TSC clocks for each key: bursts of 32 and single lookups, keys in
 * random order, tables of 1 to a million prefixes, and what a set and a byte of memory cost.
 *
 *     perf-route [--csv] [rounds]
 *
 * Kinds: `default` one /0; `few` /24s or /64s and a /0; `hosts` random host routes; `tailnet`
 * host routes of 100.64.0.0/10 or one /48; `mixed` lengths as in a routing table, with a /0.
 * Every key asked is covered by some prefix of its table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/rcu.h"
#include "route/route.h"

enum {
	BURST = 32,
	N_KEYS = 1 << 16,
	ROUNDS = 11,
};

enum kind { KIND_DEFAULT, KIND_FEW, KIND_HOSTS, KIND_TAILNET, KIND_MIXED };
static const char *const kind_names[] = {"default", "few", "hosts", "tailnet", "mixed"};

struct bench_case {
	enum kind kind;
	uint8_t family;
	uint32_t n;
};

static const struct bench_case cases[] = {
	{KIND_DEFAULT, ADDR_V4, 1},
	{KIND_DEFAULT, ADDR_V6, 1},
	{KIND_FEW, ADDR_V4, 5},
	{KIND_FEW, ADDR_V6, 5},
	{KIND_HOSTS, ADDR_V4, 1},
	{KIND_HOSTS, ADDR_V6, 1},
	{KIND_HOSTS, ADDR_V4, 100},
	{KIND_HOSTS, ADDR_V6, 100},
	{KIND_HOSTS, ADDR_V4, 10000},
	{KIND_HOSTS, ADDR_V6, 10000},
	{KIND_HOSTS, ADDR_V4, 100000},
	{KIND_HOSTS, ADDR_V6, 100000},
	{KIND_HOSTS, ADDR_V4, 1000000},
	{KIND_HOSTS, ADDR_V6, 1000000},
	{KIND_TAILNET, ADDR_V4, 10000},
	{KIND_TAILNET, ADDR_V6, 10000},
	{KIND_TAILNET, ADDR_V4, 100000},
	{KIND_TAILNET, ADDR_V6, 100000},
	{KIND_MIXED, ADDR_V4, 10000},
	{KIND_MIXED, ADDR_V6, 10000},
	{KIND_MIXED, ADDR_V4, 100000},
	{KIND_MIXED, ADDR_V6, 100000},
};

static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static struct prefix
random_prefix(const struct bench_case *c, uint32_t i, uint64_t *rng)
{
	bool v6 = c->family == ADDR_V6;
	struct prefix p = {.addr = {.family = c->family}};
	uint64_t hi = next_random(rng), lo = next_random(rng);
	p.len = (uint8_t)addr_bits(c->family);
	if (c->kind == KIND_TAILNET && v6)
		hi = 0xfd7a115ca1e00000 | hi >> 48;
	else if (c->kind == KIND_TAILNET)
		hi = (uint64_t)0x64400000 << 32 | hi >> 10;
	if (c->kind == KIND_MIXED)
		p.len = (uint8_t)(v6 ? 29 + hi % 36 : 12 + hi % 13);
	if (c->kind == KIND_FEW)
		p.len = v6 ? 64 : 24;
	if (c->kind == KIND_DEFAULT || ((c->kind == KIND_FEW || c->kind == KIND_MIXED) && i == 0))
		p.len = 0;
	store_be64(p.addr.bytes, hi);
	store_be64(p.addr.bytes + 8, lo);
	if (!v6)
		memset(p.addr.bytes + 4, 0, 12);
	return p;
}

static struct route_table *
table_of(const struct bench_case *c, struct prefix *prefixes, uint64_t *out_ns)
{
	struct route_table *t = route_create(c->family);
	uint64_t rng = 1;
	for (uint32_t i = 0; i < c->n; i++)
		prefixes[i] = random_prefix(c, i, &rng);
	ns_t from = clock_boot_ns();
	for (uint32_t i = 0; i < c->n; i++) {
		if (!t || route_set(t, &prefixes[i], i + 1)) {
			fprintf(stderr, "no memory for %u prefixes\n", c->n);
			exit(1);
		}
	}
	*out_ns = clock_boot_ns() - from;
	return t;
}

/*
 * Least clk per key of some rounds: what else runs on the machine only adds. addrs holds N_KEYS
 * addresses, 16 bytes apart.
 */
static double
measure(const struct route_table *t, const uint8_t *addrs, unsigned rounds, bool bulk)
{
	double least = 1e9;
	for (unsigned r = 0; r < rounds; r++) {
		uint64_t from = __rdtsc();
		for (uint32_t i = 0; i < N_KEYS; i += BURST) {
			struct route_query q[BURST];
			uint32_t sum = 0;
			for (unsigned j = 0; j < BURST; j++) {
				const uint8_t *addr = addrs + (size_t)(i + j) * 16;
				if (bulk)
					q[j] = (struct route_query){.table = t, .addr = addr};
				else
					sum += route_lookup(t, addr);
			}
			if (bulk)
				route_lookup_bulk(q, BURST);
			for (unsigned j = 0; bulk && j < BURST; j++)
				sum += q[j].value;
			__asm__ volatile("" : : "r"(sum)); /* keeps the lookups */
		}
		least = MIN_OF(least, (double)(__rdtsc() - from) / N_KEYS);
	}
	return least;
}

static void
run_case(const struct bench_case *c, uint8_t *addrs, unsigned rounds, bool csv)
{
	struct prefix *prefixes = calloc(c->n, sizeof(*prefixes));
	if (!prefixes)
		exit(1);
	uint64_t build_ns;
	struct route_table *t = table_of(c, prefixes, &build_ns);
	uint64_t rng = 2;
	for (uint32_t i = 0; i < N_KEYS; i++) {
		const struct prefix *p = &prefixes[next_random(&rng) % c->n];
		uint8_t *a = addrs + (size_t)i * 16;
		memcpy(a, p->addr.bytes, 16);
		if (p->len == 0)
			store_le64(a, next_random(&rng));
	}
	double bulk = measure(t, addrs, rounds, true);
	double single = measure(t, addrs, rounds, false);
	printf(csv ? "%s,%u,%u,%.1f,%.1f,%.0f,%.1f\n" : "%-8s v%u %8u %8.1f %8.1f %8.0f %8.1f\n",
		kind_names[c->kind], c->family, c->n, bulk, single, (double)build_ns / c->n,
		(double)route_memory_bytes(t) / (1 << 20));
	fflush(stdout);
	route_destroy(t);
	free(prefixes);
}

int
main(int argc, char **argv)
{
	bool csv = argc > 1 && !strcmp(argv[1], "--csv");
	const char *rounds_arg = argc > 1 + csv ? argv[1 + csv] : NULL;
	int rounds = rounds_arg ? atoi(rounds_arg) : ROUNDS;
	if (rounds < 1 || rounds > 1000) {
		fprintf(stderr, "usage: perf-route [--csv] [rounds, 1 to 1000]\n");
		return 2;
	}
	uint8_t *addrs = aligned_alloc(CACHE_LINE_BYTES, (size_t)N_KEYS * 16);
	if (!addrs)
		return 1;
	printf(csv ? "kind,family,prefixes,bulk_clk,single_clk,set_ns,mib\n"
		   : "kind     family  n     bulk   single   set ns      MiB   (clk per key)\n");
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
		run_case(&cases[i], addrs, (unsigned)rounds, csv);
	free(addrs);
	rcu_wait_retired();
	return 0;
}
