/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/drop_sample.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CELLS = 64 };

void
drop_sample_add(struct drop_sample *s, const struct drop_cell *cell)
{
	if (!cell->n_pkts)
		return;
	if (s->n_cells == s->n_room) {
		size_t n_room = s->n_room ? 2 * s->n_room : FIRST_CELLS;
		struct drop_cell *grown = realloc(s->cells, n_room * sizeof(*grown));
		if (!grown) {
			s->failed = true;
			return;
		}
		s->cells = grown;
		s->n_room = n_room;
	}
	s->cells[s->n_cells++] = *cell;
}

static int
compare(const void *a, const void *b)
{
	const struct drop_cell *x = a, *y = b;
	if (x->scope != y->scope)
		return x->scope < y->scope ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	if (x->generation != y->generation)
		return x->generation < y->generation ? -1 : 1;
	return (x->reason > y->reason) - (x->reason < y->reason);
}

void
drop_sample_settle(struct drop_sample *s)
{
	size_t n = 0;
	if (!s->n_cells)
		return;
	qsort(s->cells, s->n_cells, sizeof(*s->cells), compare);
	for (size_t i = 1; i < s->n_cells; i++) {
		if (compare(&s->cells[n], &s->cells[i]) == 0)
			s->cells[n].n_pkts += s->cells[i].n_pkts;
		else
			s->cells[++n] = s->cells[i];
	}
	s->n_cells = n + 1;
}

uint64_t
drop_sample_count(const struct drop_sample *s, const struct drop_cell *name)
{
	if (!s->n_cells)
		return 0;
	const struct drop_cell *found =
		bsearch(name, s->cells, s->n_cells, sizeof(*s->cells), compare);
	return found ? found->n_pkts : 0;
}

void
drop_sample_clear(struct drop_sample *s)
{
	s->n_cells = 0;
	s->failed = false;
}

void
drop_sample_fini(struct drop_sample *s)
{
	free(s->cells);
	*s = (struct drop_sample){0};
}
