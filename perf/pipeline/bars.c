/* SPDX-License-Identifier: BSD-3-Clause */
#include "bars.h"

#include <string.h>

enum { MANY_PEERS = 10000 };

void
bars_note(struct bars *bars, const struct cell *c)
{
	if (strcmp(c->backend, "ipsecmb") != 0)
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

bool
bars_print(const struct bars *bars, FILE *out)
{
	bool holds = true;
	for (unsigned i = TRAFFIC_ENCRYPT; i <= TRAFFIC_DECRYPT; i++) {
		double aead = bars->of[i].aead_64, limit = i == TRAFFIC_ENCRYPT ? 0.40 : 0.54;
		char what[80];
		snprintf(what, sizeof(what), "%s path - aead, 64 B, / aead of 64 B",
			traffic_names[i]);
		holds &= print_one(out, what, bars->of[i].path_64, aead, limit);
		snprintf(what, sizeof(what), "%s path - aead, 1420 B, / aead of 64 B",
			traffic_names[i]);
		holds &= print_one(out, what, bars->of[i].path_1420, aead, limit);
		snprintf(what, sizeof(what), "%s 64 B, 10000 peers / 1 peer", traffic_names[i]);
		holds &= print_one(out, what, bars->of[i].many_64, bars->of[i].one_64, 1.5);
	}
	return holds;
}
