/* SPDX-License-Identifier: BSD-3-Clause */
#include "bars.h"

#include <string.h>

#include "base/bytes.h"

enum { MANY_PEERS = 10000, SMALL_BURST = 4 };

static const char fast[] = "avx512";

static void
note_ipsecmb(struct bars *bars, const struct cell *c)
{
	if (c->outer_family != ADDR_V4 || c->burst == SMALL_BURST)
		return;
	if (c->peers == MANY_PEERS && c->bytes == 64)
		bars->of[c->what].many_64 = c->clk;
	if (c->peers != 1)
		return;
	if (c->bytes == 64) {
		bars->of[c->what].aead_64 = c->aead_clk;
		bars->of[c->what].path_64 = c->clk - c->aead_clk;
		bars->of[c->what].one_64 = c->clk;
	} else if (c->bytes == 1420) {
		bars->of[c->what].path_1420 = c->clk - c->aead_clk;
	}
}

static void
note_fast(struct bars *bars, const struct cell *c)
{
	if (c->peers != 1)
		return;
	if (c->outer_family == ADDR_V6 && c->bytes == 64)
		bars->of[c->what].fast_v6_64 = c->to_first;
	if (c->outer_family != ADDR_V4)
		return;
	if (c->burst == SMALL_BURST)
		bars->of[c->what].fast_small = MAX_OF(bars->of[c->what].fast_small, c->to_ipsecmb);
	else if (c->bytes == 64)
		bars->of[c->what].fast_64 = c->to_ipsecmb;
	else if (c->bytes == 1420)
		bars->of[c->what].fast_1420 = c->to_ipsecmb;
}

void
bars_note(struct bars *bars, const struct cell *c)
{
	if (strcmp(c->backend, "ipsecmb") == 0)
		note_ipsecmb(bars, c);
	else if (strcmp(c->backend, fast) == 0)
		note_fast(bars, c);
}

void
bars_note_filter(struct bars *bars, const struct cell *c, double more)
{
	bool counts = strcmp(c->backend, "ipsecmb") == 0 && c->peers == 1 && c->bytes == 64 &&
		      c->outer_family == ADDR_V4 && c->burst != SMALL_BURST;
	if (counts)
		bars->of[c->what].filter_64 = more;
}

static bool
print_one(FILE *out, const char *what, double value, double against, double limit)
{
	if (value == 0 || against == 0) {
		fprintf(out, "# bar %-46s not measured\n", what);
		return false;
	}
	double ratio = value / against;
	bool holds = ratio <= limit;
	fprintf(out, "# bar %-46s %7.1f / %7.1f = %.3f, at most %.2f: %s\n", what, value, against,
		ratio, limit, holds ? "holds" : "MISSED");
	return holds;
}

/* The same of a ratio that was measured as such. */
static bool
print_ratio(FILE *out, const char *case_name, const char *what, double ratio, double limit)
{
	if (ratio == 0) {
		fprintf(out, "# bar %s %-38s not measured\n", case_name, what);
		return false;
	}
	bool holds = ratio <= limit;
	fprintf(out, "# bar %s %-38s %25.3f, at most %.2f: %s\n", case_name, what, ratio, limit,
		holds ? "holds" : "MISSED");
	return holds;
}

static bool
print_path(const struct bars *bars, FILE *out, unsigned i)
{
	double aead = bars->of[i].aead_64, limit = i == TRAFFIC_ENCRYPT ? 0.40 : 0.54;
	bool holds = true;
	char what[80];
	snprintf(what, sizeof(what), "%s path - aead, 64 B, / aead of 64 B", traffic_names[i]);
	holds &= print_one(out, what, bars->of[i].path_64, aead, limit);
	snprintf(what, sizeof(what), "%s path - aead, 1420 B, / aead of 64 B", traffic_names[i]);
	holds &= print_one(out, what, bars->of[i].path_1420, aead, limit);
	snprintf(what, sizeof(what), "%s 64 B, 10000 peers / 1 peer", traffic_names[i]);
	return holds & print_one(out, what, bars->of[i].many_64, bars->of[i].one_64, 1.5);
}

static bool
print_filter(const struct bars *bars, FILE *out, unsigned i)
{
	char what[80];
	snprintf(what, sizeof(what), "%s filter, 64 B, / aead of 64 B", traffic_names[i]);
	return print_one(out, what, bars->of[i].filter_64, bars->of[i].aead_64, 0.15);
}

static bool
print_fast(const struct bars *bars, FILE *out, unsigned i)
{
	bool seals = i == TRAFFIC_ENCRYPT;
	const char *name = traffic_names[i];
	bool holds = print_ratio(out, name, "64 B, avx512 / ipsecmb", bars->of[i].fast_64,
		seals ? 0.54 : 0.64);
	holds &= print_ratio(out, name, "1420 B, avx512 / ipsecmb", bars->of[i].fast_1420,
		seals ? 0.85 : 0.87);
	holds &= print_ratio(out, name, "bursts of 4, worst size, avx512 / ipsecmb",
		bars->of[i].fast_small, 1.10);
	return holds & print_ratio(out, name, "64 B, avx512, IPv6 / IPv4 outside",
		       bars->of[i].fast_v6_64, 1.25);
}

bool
bars_print(const struct bars *bars, FILE *out)
{
	bool holds = true;
	for (unsigned i = TRAFFIC_ENCRYPT; i <= TRAFFIC_DECRYPT; i++)
		holds &= print_path(bars, out, i);
	for (unsigned i = TRAFFIC_ENCRYPT; bars->has_filter && i <= TRAFFIC_DECRYPT; i++)
		holds &= print_filter(bars, out, i);
	if (strcmp(bars->best, fast) != 0) {
		fprintf(out, "# bars of batch AEAD: not judged, this machine's best is %s\n",
			bars->best);
		return holds;
	}
	for (unsigned i = TRAFFIC_ENCRYPT; i <= TRAFFIC_DECRYPT; i++)
		holds &= print_fast(bars, out, i);
	return holds;
}
