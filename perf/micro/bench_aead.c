/* SPDX-License-Identifier: BSD-3-Clause */
/* perf-aead: what a packet's seal and open cost in each backend, by size and by burst. */
#include <stdio.h>

#include "aead_bars.h"
#include "aead_options.h"
#include "aead_rig.h"

/* As text: a ratio, or - where there is nothing to compare with. */
static const char *
ratio_text(const struct rig *rig, const struct rig_column *above, const struct rig_column *below,
	char out[16])
{
	if (!above || !below || above == below)
		snprintf(out, 16, "-");
	else
		snprintf(out, 16, "%.3f", rig_median_ratio(rig, above, below));
	return out;
}

static void
print_row(const struct rig *rig, const struct rig_column *column, const struct rig_cell *c,
	bool is_csv)
{
	const char *format = is_csv ? "%s,%s,%s,%u,%.1f,%s,%s,%s\n"
				    : "%-13s %-9s %6s %6u %10.1f %10s %10s %10s\n";
	const struct rig_column *limit =
		column->unit ? rig_column_by_name(rig, column->unit->name) : NULL;
	char bytes[16], x_ipsecmb[16], x_portable[16], over[16];

	aead_bytes_format(c->bytes, bytes);
	printf(format, column->name, c->is_open ? "open" : "seal", bytes, c->burst,
		rig_median_clk(rig, column),
		ratio_text(rig, rig_column_by_name(rig, "ipsecmb"), column, x_ipsecmb),
		ratio_text(rig, rig_column_by_name(rig, "portable"), column, x_portable),
		ratio_text(rig, column, limit, over));
}

static void
print_cells(struct rig *rig, bool is_csv, struct aead_bars *bars)
{
	puts(is_csv ? "backend,direction,bytes,burst,clk_per_packet,x_ipsecmb,x_portable,"
		      "over_limit"
		    : "backend       direction  bytes  burst clk/packet  x ipsecmb x portable "
		      "over limit");
	for (unsigned i = 0; i < rig->n_cells; i++) {
		struct rig_cell c = rig_select(rig, i);

		for (unsigned k = 0; k < rig->n_columns; k++)
			print_row(rig, &rig->columns[k], &c, is_csv);
		aead_bars_note(bars, rig, &c);
	}
}

int
main(int argc, char **argv)
{
	static struct rig rig;
	struct aead_bars bars = {0};
	struct aead_options o;
	struct err err;
	bool holds = true;

	if (aead_options_parse(argc, argv, &o) < 0) {
		fputs(aead_usage, stderr);
		return 2;
	}
	int r = rig_create(&rig, &o, &err);
	if (r < 0) {
		fprintf(stderr, "perf-aead: %s\n", err.text);
	} else {
		rig_measure(&rig);
		print_cells(&rig, o.is_csv, &bars);
	}
	rig_destroy(&rig);
	if (r == 0 && o.has_bars)
		holds = aead_bars_print(&bars, o.margin_percent, o.is_csv ? stderr : stdout);
	return r < 0 || !holds;
}
