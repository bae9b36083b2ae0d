/* SPDX-License-Identifier: BSD-3-Clause */
#include "aead_bars.h"

#include <string.h>

/* How many times faster `fast` is than `than`, at least; or at most `slack` times its clocks. */
struct bar {
	const char *fast, *than;
	unsigned bytes, burst;
	double at_least; /* clocks of than / clocks of fast */
	double at_most;  /* clocks of fast / clocks of than; 0: the other kind */
};

static const struct bar bars_table[] = {
	{"avx512", "ipsecmb", 64, 64, 3.8, 0},
	{"avx512", "ipsecmb", 128, 64, 3.0, 0},
	{"avx512", "ipsecmb", 256, 64, 2.4, 0},
	{"avx512", "ipsecmb", 512, 64, 1.9, 0},
	{"avx512", "ipsecmb", 1024, 64, 1.4, 0},
	{"avx512", "ipsecmb", 1424, 64, 1.2, 0},
	{"avx512", "ipsecmb", AEAD_IMIX, 64, 1.8, 0},
	{"avx512", "limit-avx512", 64, 64, 0, 1.3},
	{"avx512", "limit-avx512", 1424, 64, 0, 1.1},
	{"avx2", "portable", 64, 64, 2.5, 0},
	{"avx2", "portable", 1424, 64, 2.0, 0},
	{"auto", "ipsecmb", 64, 1, 0, 1.1},
	{"auto", "ipsecmb", 64, 2, 0, 1.1},
	{"auto", "ipsecmb", 64, 3, 0, 1.1},
	{"auto", "ipsecmb", 64, 4, 0, 1.1},
	{"auto", "ipsecmb", 512, 1, 0, 1.1},
	{"auto", "ipsecmb", 512, 2, 0, 1.1},
	{"auto", "ipsecmb", 512, 3, 0, 1.1},
	{"auto", "ipsecmb", 512, 4, 0, 1.1},
	{"auto", "ipsecmb", 1424, 1, 0, 1.1},
	{"auto", "ipsecmb", 1424, 2, 0, 1.1},
	{"auto", "ipsecmb", 1424, 3, 0, 1.1},
	{"auto", "ipsecmb", 1424, 4, 0, 1.1},
};
_Static_assert(ARRAY_COUNT(bars_table) <= BARS_MAX, "a ratio a bar");

void
aead_bars_note(struct aead_bars *bars, const struct rig *rig, const struct rig_cell *c)
{
	for (unsigned i = 0; i < ARRAY_COUNT(bars_table); i++) {
		const struct bar *b = &bars_table[i];
		const struct rig_column *fast = rig_column_by_name(rig, b->fast);
		const struct rig_column *than = rig_column_by_name(rig, b->than);

		if (b->bytes != c->bytes || b->burst != c->burst || !fast || !than)
			continue;
		bars->ratio[i][c->is_open] = b->at_most > 0 ? rig_median_ratio(rig, fast, than)
							    : rig_median_ratio(rig, than, fast);
	}
}

/* Why it is not judged, or NULL: what the machine would need. */
static const char *
lacks(const struct bar *b)
{
	for (unsigned i = 0; aead_backends[i]; i++) {
		if (strcmp(aead_backends[i]->name, b->fast) == 0)
			return aead_backends[i]->is_supported() ? NULL : aead_backends[i]->needs;
	}
	return NULL;
}

static bool
print_one(const struct bar *b, bool is_open, double ratio, double slack, FILE *out)
{
	bool is_ceiling = b->at_most > 0;
	bool holds = ratio > 0 &&
		     (is_ceiling ? ratio <= b->at_most * slack : ratio * slack >= b->at_least);
	const char *lacking = lacks(b);
	char bytes[16], what[80];

	aead_bytes_format(b->bytes, bytes);
	snprintf(what, sizeof(what), "%s, %s, %s%s, burst of %u", b->fast,
		is_open ? "open" : "seal", bytes, b->bytes <= AEAD_MAX_BYTES ? " B" : "",
		b->burst);
	fprintf(out, "# bar %-36s against %-13s ", what, b->than);
	if (lacking)
		fprintf(out, "not judged: this machine has no %s\n", lacking);
	else if (ratio == 0)
		fprintf(out, "not measured\n");
	else
		fprintf(out, "%s %.2fx, %s %.2f: %s\n", is_ceiling ? "takes" : "faster", ratio,
			is_ceiling ? "at most" : "at least",
			is_ceiling ? b->at_most : b->at_least, holds ? "holds" : "MISSED");
	return holds || lacking;
}

bool
aead_bars_print(const struct aead_bars *bars, unsigned margin_percent, FILE *out)
{
	double slack = 1 + margin_percent / 100.0;
	unsigned n_bad = 0;

	for (unsigned i = 0; i < ARRAY_COUNT(bars_table); i++) {
		n_bad += !print_one(&bars_table[i], false, bars->ratio[i][0], slack, out);
		n_bad += !print_one(&bars_table[i], true, bars->ratio[i][1], slack, out);
	}
	fprintf(out, "# %u of %zu bars missed or not measured", n_bad, 2 * ARRAY_COUNT(bars_table));
	fprintf(out, margin_percent ? ", with a margin of %u %%\n" : "\n", margin_percent);
	return n_bad == 0;
}
