/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/axis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

__extension__ typedef unsigned __int128 wide;

/* Where a rule's range begins (step 1) or has ended (-1). */
struct edge {
	uint64_t high, low;
	uint32_t rule;
	int32_t step;
};

struct axis_shape
axis_shape_of(size_t n_rules)
{
	struct axis_shape s = {.n_rules = (uint32_t)n_rules};
	s.n_words = (s.n_rules + 63) / 64;
	s.n_summary = (s.n_words + 63) / 64;
	return s;
}

static inline uint32_t
row_words(const struct axis_shape *s)
{
	return s->n_summary + s->n_words;
}

static void
key_of(const uint8_t *bytes, uint8_t family, uint64_t *high, uint64_t *low)
{
	*high = family == ADDR_V4 ? load_be32(bytes) : load_be64(bytes);
	*low = family == ADDR_V4 ? 0 : load_be64(bytes + 8);
}

/* The address behind the range's last. False: there is none. */
static bool
key_behind(const struct addr *last, uint64_t *high, uint64_t *low)
{
	key_of(last->bytes, last->family, high, low);
	if (last->family == ADDR_V4)
		return ++*high <= UINT32_MAX;
	*high += ++*low == 0;
	return *high || *low;
}

static int
compare_edges(const void *pa, const void *pb)
{
	const struct edge *a = pa, *b = pb;
	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	return 0;
}

/* The edges of all ranges of that family, sorted; *n of them. NULL: no memory. */
static struct edge *
make_edges(const struct filter_plan *plan, enum axis_side side, uint8_t family, size_t *n)
{
	size_t n_ranges = 0;
	for (size_t r = 0; r < plan->n_rules; r++)
		n_ranges += side == AXIS_SOURCE ? plan->rules[r].n_sources
						: plan->rules[r].n_destinations;
	struct edge *edges = malloc((n_ranges * 2 + 1) * sizeof(*edges));
	*n = 0;
	for (size_t r = 0; edges && r < plan->n_rules; r++) {
		const struct filter_rule *rule = &plan->rules[r];
		bool is_source = side == AXIS_SOURCE;
		const struct filter_range *at = is_source ? rule->sources : rule->destinations;
		size_t n_at = is_source ? rule->n_sources : rule->n_destinations;
		for (; n_at--; at++) {
			struct edge e = {.rule = (uint32_t)r, .step = 1};
			if (at->first.family != family)
				continue;
			key_of(at->first.bytes, family, &e.high, &e.low);
			edges[(*n)++] = e;
			e.step = -1;
			if (key_behind(&at->last, &e.high, &e.low))
				edges[(*n)++] = e;
		}
	}
	if (edges)
		qsort(edges, *n, sizeof(*edges), compare_edges);
	return edges;
}

/* What a sweep over the edges holds: the row of the place it has come to, and the rows so far. */
struct sweep {
	struct axis *axis;
	struct axis_shape shape;
	uint32_t *n_open;   /* by rule: how many of its ranges hold the place */
	uint64_t *row;
	uint32_t *table;    /* row index + 1 by its hash: equal rows are kept once */
	uint32_t table_mask;
	uint32_t room_rows;
};

static void
step_rule(struct sweep *s, const struct edge *e)
{
	uint32_t word = e->rule / 64, n = s->shape.n_summary;
	s->n_open[e->rule] += (uint32_t)e->step;
	if (s->n_open[e->rule])
		s->row[n + word] |= 1ull << e->rule % 64;
	else
		s->row[n + word] &= ~(1ull << e->rule % 64);
	if (s->row[n + word])
		s->row[word / 64] |= 1ull << word % 64;
	else
		s->row[word / 64] &= ~(1ull << word % 64);
}

static uint64_t
hash_row(const uint64_t *row, uint32_t n)
{
	uint64_t h = n;
	for (uint32_t i = 0; i < n; i++)
		h = ((h ^ row[i]) * 0x9e3779b97f4a7c15ull) ^ (h >> 29);
	return h ^ h >> 32;
}

static int
grow_rows(struct sweep *s)
{
	size_t row_bytes = (size_t)row_words(&s->shape) * 8;
	size_t room = s->room_rows ? s->room_rows * 2ul : 16;
	if (s->axis->n_rows * row_bytes >= AXIS_MAX_ROW_BYTES)
		return -E2BIG;
	uint64_t *rows = realloc(s->axis->rows, room * row_bytes + 8);
	if (!rows)
		return -ENOMEM;
	s->axis->rows = rows;
	s->room_rows = (uint32_t)room;
	return 0;
}

/* The index of the sweep's row among those kept, of which it becomes one. 0 or a negative errno. */
static int
keep_row(struct sweep *s, uint32_t *out)
{
	struct axis *a = s->axis;
	uint32_t n = row_words(&s->shape);
	uint64_t h = hash_row(s->row, n);
	for (;; h++) {
		uint32_t *slot = &s->table[h & s->table_mask];
		if (*slot && memcmp(a->rows + (size_t)(*slot - 1) * n, s->row, n * 8ul) == 0) {
			*out = *slot - 1;
			return 0;
		}
		if (*slot)
			continue;
		int rc = a->n_rows == s->room_rows ? grow_rows(s) : 0;
		if (rc)
			return rc;
		memcpy(a->rows + (size_t)a->n_rows * n, s->row, n * 8ul);
		*out = a->n_rows++;
		*slot = a->n_rows;
		return 0;
	}
}

static int
add_piece(struct sweep *s, uint64_t high, uint64_t low)
{
	struct axis *a = s->axis;
	a->high[a->n_pieces] = high;
	a->low[a->n_pieces] = low;
	return keep_row(s, &a->row_of[a->n_pieces++]);
}

static int
run_sweep(struct sweep *s, const struct edge *edges, size_t n)
{
	size_t i = 0;
	/* The piece that begins at 0 is there always, and search need not look before the first. */
	while (i < n && !edges[i].high && !edges[i].low)
		step_rule(s, &edges[i++]);
	int rc = add_piece(s, 0, 0);
	while (i < n && !rc) {
		uint64_t high = edges[i].high, low = edges[i].low;
		while (i < n && edges[i].high == high && edges[i].low == low)
			step_rule(s, &edges[i++]);
		rc = add_piece(s, high, low);
	}
	return rc;
}

static int
build(struct sweep *s, const struct edge *edges, size_t n)
{
	struct axis *a = s->axis;
	size_t n_slots = 64;
	while (n_slots < (n + 1) * 2)
		n_slots *= 2;
	s->table_mask = (uint32_t)(n_slots - 1);
	s->n_open = calloc(s->shape.n_rules + 1ul, sizeof(*s->n_open));
	s->row = calloc(row_words(&s->shape) + 1ul, 8);
	s->table = calloc(n_slots, sizeof(*s->table));
	a->high = malloc((n + 1) * 8);
	a->low = malloc((n + 1) * 8);
	a->row_of = malloc((n + 1) * sizeof(*a->row_of));
	bool has_memory = s->n_open && s->row && s->table && a->high && a->low && a->row_of;
	int rc = has_memory ? run_sweep(s, edges, n) : -ENOMEM;
	free(s->n_open);
	free(s->row);
	free(s->table);
	return rc;
}

int
axis_build(struct axis *a, const struct filter_plan *plan, enum axis_side side, uint8_t family)
{
	size_t n;
	struct edge *edges = make_edges(plan, side, family, &n);
	*a = (struct axis){0};
	struct sweep s = {.axis = a, .shape = axis_shape_of(plan->n_rules)};
	int rc = edges ? build(&s, edges, n) : -ENOMEM;
	free(edges);
	if (rc)
		axis_fini(a);
	return rc;
}

void
axis_fini(struct axis *a)
{
	free(a->high);
	free(a->low);
	free(a->row_of);
	free(a->rows);
	*a = (struct axis){0};
}

/* The last piece that begins at or before the key, by halving without a branch. */
static inline __attribute__((always_inline)) uint32_t
find_piece(const struct axis *a, uint64_t high, uint64_t low, bool is_wide)
{
	uint32_t at = 0;
	for (uint32_t n = a->n_pieces; n > 1;) {
		uint32_t half = n / 2, mid = at + half;
		bool is_behind = is_wide ? ((wide)high << 64 | low) >=
						   ((wide)a->high[mid] << 64 | a->low[mid])
					 : high >= a->high[mid];
		at = is_behind ? mid : at;
		n -= half;
	}
	return at;
}

const uint64_t *
axis_row(const struct axis *a, const struct axis_shape *shape, const uint8_t *bytes,
	uint8_t family)
{
	uint32_t piece = family == ADDR_V4
				 ? find_piece(a, load_be32(bytes), 0, false)
				 : find_piece(a, load_be64(bytes), load_be64(bytes + 8), true);
	return a->rows + (size_t)a->row_of[piece] * row_words(shape);
}
