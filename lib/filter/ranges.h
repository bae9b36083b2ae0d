/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets of addresses, of both families, as ranges: put together, and cut out of each other. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "filter/rule.h"

enum { FILTER_RANGE_TEXT_BYTES = 2 * ADDR_TEXT_BYTES };

/* {0} is empty. The ranges may overlap and stand in any order. */
struct filter_ranges {
	struct filter_range *items;
	size_t n;
};

/* All addresses of a prefix, whose host bits do not matter. */
struct filter_range filter_range_of(const struct prefix *p);
/* "10.0.0.1", "10.0.0.0/8" where it is a prefix, else "10.0.0.1-10.0.0.9". Returns out. */
const char *filter_range_format(const struct filter_range *r, char out[FILTER_RANGE_TEXT_BYTES]);
/* What both have in common into *out; false: nothing. */
bool filter_range_common(const struct filter_range *a, const struct filter_range *b,
	struct filter_range *out);

/* Appends. 0, -EINVAL (first past last, families) or -ENOMEM. */
int filter_ranges_add(struct filter_ranges *s, const struct filter_range *range);
int filter_ranges_add_prefix(struct filter_ranges *s, const struct prefix *p);
/* Takes out of s what is in holes, which is put into order for that. 0 or -ENOMEM. */
int filter_ranges_remove(struct filter_ranges *s, struct filter_ranges *holes);
/* Sorts them, and makes one of those that touch each other. */
void filter_ranges_merge(struct filter_ranges *s);
/* Of two that are merged. */
bool filter_ranges_are_equal(const struct filter_ranges *a, const struct filter_ranges *b);
/* Frees what it holds; it is then empty. */
void filter_ranges_fini(struct filter_ranges *s);
