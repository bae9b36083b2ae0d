/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/ranges.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of one family; else by family, so that sorted sets have IPv4 first. */
static int
compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* The address behind it. False: it is the last of its family. */
static bool
step_up(struct addr *a)
{
	for (unsigned i = addr_n_bytes(a->family); i-- > 0;) {
		if (++a->bytes[i])
			return true;
	}
	return false;
}

/* The address before it. False: it is the first. */
static bool
step_down(struct addr *a)
{
	for (unsigned i = addr_n_bytes(a->family); i-- > 0;) {
		if (a->bytes[i]--)
			return true;
	}
	return false;
}

struct filter_range
filter_range_of(const struct prefix *p)
{
	struct prefix masked = prefix_masked(p);
	struct filter_range r = {masked.addr, masked.addr};
	for (unsigned bit = masked.len; bit < addr_bits(masked.addr.family); bit++)
		r.last.bytes[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	return r;
}

const char *
filter_range_format(const struct filter_range *r, char out[FILTER_RANGE_TEXT_BYTES])
{
	char first[PREFIX_TEXT_BYTES], last[ADDR_TEXT_BYTES];
	struct prefix p = {.addr = r->first};
	unsigned n_bits = addr_bits(r->first.family);
	for (unsigned len = 0; len < n_bits; len++) {
		p.len = (uint8_t)len;
		struct filter_range all = filter_range_of(&p);
		if (compare(&all.first, &r->first) == 0 && compare(&all.last, &r->last) == 0) {
			snprintf(out, FILTER_RANGE_TEXT_BYTES, "%s", prefix_format(&p, first));
			return out;
		}
	}
	bool is_one = compare(&r->first, &r->last) == 0;
	snprintf(out, FILTER_RANGE_TEXT_BYTES, "%s%s%s", addr_format(&r->first, first),
		is_one ? "" : "-", is_one ? "" : addr_format(&r->last, last));
	return out;
}

bool
filter_range_common(const struct filter_range *a, const struct filter_range *b,
	struct filter_range *out)
{
	if (a->first.family != b->first.family)
		return false;
	out->first = compare(&a->first, &b->first) > 0 ? a->first : b->first;
	out->last = compare(&a->last, &b->last) < 0 ? a->last : b->last;
	return compare(&out->first, &out->last) <= 0;
}

int
filter_ranges_add(struct filter_ranges *s, const struct filter_range *range)
{
	uint8_t family = range->first.family;
	if (!addr_bits(family) || family != range->last.family ||
		compare(&range->first, &range->last) > 0)
		return -EINVAL;
	if ((s->n & (s->n - 1)) == 0) { /* it has grown to a power of two each time */
		size_t room = s->n ? s->n * 2 : 1;
		struct filter_range *grown = realloc(s->items, room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		s->items = grown;
	}
	s->items[s->n++] = *range;
	return 0;
}

int
filter_ranges_add_prefix(struct filter_ranges *s, const struct prefix *p)
{
	struct filter_range range = filter_range_of(p);
	return filter_ranges_add(s, &range);
}

static int
compare_ranges(const void *a, const void *b)
{
	return compare(&((const struct filter_range *)a)->first,
		&((const struct filter_range *)b)->first);
}

void
filter_ranges_merge(struct filter_ranges *s)
{
	size_t n = 0;
	if (s->n)
		qsort(s->items, s->n, sizeof(*s->items), compare_ranges);
	for (size_t i = 0; i < s->n; i++) {
		struct filter_range *last = n ? &s->items[n - 1] : NULL;
		const struct filter_range *now = &s->items[i];
		struct addr behind = last ? last->last : (struct addr){0};
		bool reaches_end = last && !step_up(&behind);
		bool touches = last && last->first.family == now->first.family &&
			(reaches_end || compare(&now->first, &behind) <= 0);
		if (!touches)
			s->items[n++] = *now;
		else if (compare(&now->last, &last->last) > 0)
			last->last = now->last;
	}
	/* Room grows at powers of two alone: what is left of it may be more, never less. */
	s->n = n;
}

/* The first of the merged ranges that does not end before the address. */
static size_t
first_from(const struct filter_ranges *merged, const struct addr *a)
{
	size_t low = 0, high = merged->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (compare(&merged->items[mid].last, a) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* What of the range stands in no hole. */
static int
add_rest(struct filter_ranges *out, const struct filter_range *range,
	const struct filter_ranges *holes)
{
	struct filter_range rest = *range, hole;
	for (size_t i = first_from(holes, &rest.first); i < holes->n; i++) {
		if (!filter_range_common(&rest, &holes->items[i], &hole))
			break;
		struct filter_range before = {rest.first, hole.first};
		bool has_before = compare(&rest.first, &hole.first) < 0 &&
			step_down(&before.last);
		int rc = has_before ? filter_ranges_add(out, &before) : 0;
		if (rc)
			return rc;
		if (compare(&hole.last, &rest.last) == 0)
			return 0;
		rest.first = hole.last;
		step_up(&rest.first);
	}
	return filter_ranges_add(out, &rest);
}

int
filter_ranges_remove(struct filter_ranges *s, struct filter_ranges *holes)
{
	struct filter_ranges left = {0};
	int rc = 0;
	filter_ranges_merge(holes);
	for (size_t i = 0; i < s->n && !rc; i++)
		rc = add_rest(&left, &s->items[i], holes);
	if (rc) {
		filter_ranges_fini(&left);
		return rc;
	}
	filter_ranges_fini(s);
	*s = left;
	return 0;
}

bool
filter_ranges_are_equal(const struct filter_ranges *a, const struct filter_ranges *b)
{
	for (size_t i = 0; i < a->n && a->n == b->n; i++) {
		if (compare(&a->items[i].first, &b->items[i].first) != 0 ||
			compare(&a->items[i].last, &b->items[i].last) != 0)
			return false;
	}
	return a->n == b->n;
}

void
filter_ranges_fini(struct filter_ranges *s)
{
	free(s->items);
	*s = (struct filter_ranges){0};
}
