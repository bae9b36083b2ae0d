/* SPDX-License-Identifier: BSD-3-Clause */
/* perf-limit: the component limit by itself, a block at a time and by size; see limit.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/init.h"
#include "limit.h"

enum { ROUNDS = 301 };

static const unsigned sizes[] = {64, 128, 256, 512, 1024, 1424};

static int
compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static struct limit_clk
measure(struct limit_work *w, const struct limit_unit *u)
{
	static double chacha[ROUNDS], poly[ROUNDS];

	limit_round(w, u); /* warm */
	for (unsigned r = 0; r < ROUNDS; r++) {
		struct limit_clk clk = limit_round(w, u);
		chacha[r] = clk.chacha;
		poly[r] = clk.poly;
	}
	qsort(chacha, ROUNDS, sizeof(chacha[0]), compare_double);
	qsort(poly, ROUNDS, sizeof(poly[0]), compare_double);
	return (struct limit_clk){chacha[ROUNDS / 2], poly[ROUNDS / 2]};
}

static void
print_unit(const struct limit_unit *u, struct limit_clk clk, bool is_csv)
{
	printf(is_csv ? "%s,%.2f,%.2f" : "%-13s %9.2f %9.2f", u->name, clk.chacha, clk.poly);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		printf(is_csv ? ",%.1f" : " %7.1f", limit_of(clk, sizes[i]));
	puts("");
}

static void
print_header(bool is_csv)
{
	printf(is_csv ? "limit,chacha_block_clk,poly_block_clk"
		      : "limit            chacha      poly");
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		printf(is_csv ? ",clk_%u" : " %5u B", sizes[i]);
	puts("");
}

static int
measure_unit(const struct limit_unit *u, bool is_csv)
{
	static struct limit_work w;

	if (!u->is_supported())
		return 0;
	limit_fill(&w, u);
	if (!limit_is_right(&w, u)) {
		fprintf(stderr, "perf-limit: %s differs from libsodium\n", u->name);
		return 1;
	}
	print_unit(u, measure(&w, u), is_csv);
	return 0;
}

int
main(int argc, char **argv)
{
	bool is_csv = argc == 2 && strcmp(argv[1], "--csv") == 0;
	struct err err;
	int r = 0;

	if (argc > 1 && !is_csv) {
		fputs("perf-limit [--csv]\n"
		      "Clocks (TSC) of a ChaCha20 and of a Poly1305 block in full SIMD lanes, and\n"
		      "what the blocks of a packet add up to: perf/micro/limit.h.\n",
			stderr);
		return 2;
	}
	if (crypto_init(&err) < 0) {
		fprintf(stderr, "perf-limit: %s\n", err.text);
		return 1;
	}
	print_header(is_csv);
	for (unsigned i = 0; limit_units[i]; i++)
		r |= measure_unit(limit_units[i], is_csv);
	return r;
}
