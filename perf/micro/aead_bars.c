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

static bool
print_one(const struct bar *b, bool is_open, double ratio, FILE *out)
{
	bool is_ceiling = b->at_most > 0;
	bool holds = ratio > 0 && (is_ceiling ? ratio <= b->at_most : ratio >= b->at_least);
	char bytes[16], what[80];

	aead_bytes_format(b->bytes, bytes);
	snprintf(what, sizeof(what), "%s, %s, %s%s, burst of %u", b->fast,
		is_open ? "open" : "seal", bytes, b->bytes <= AEAD_MAX_BYTES ? " B" : "",
		b->burst);
	if (ratio == 0)
		fprintf(out, "# bar %-36s against %-13s not measured\n", what, b->than);
	else
		fprintf(out, "# bar %-36s against %-13s %s %.2fx, %s %.2f: %s\n", what, b->than,
			is_ceiling ? "takes" : "faster", ratio, is_ceiling ? "at most" : "at least",
			is_ceiling ? b->at_most : b->at_least, holds ? "holds" : "MISSED");
	return holds;
}

bool
aead_bars_print(const struct aead_bars *bars, FILE *out)
{
	unsigned n_held = 0;

	for (unsigned i = 0; i < ARRAY_COUNT(bars_table); i++) {
		n_held += print_one(&bars_table[i], false, bars->ratio[i][0], out);
		n_held += print_one(&bars_table[i], true, bars->ratio[i][1], out);
	}
	fprintf(out, "# %u of %zu bars hold\n", n_held, 2 * ARRAY_COUNT(bars_table));
	return n_held == 2 * ARRAY_COUNT(bars_table);
}
