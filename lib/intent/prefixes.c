/* SPDX-License-Identifier: BSD-3-Clause */
#include "intent/prefixes.h"

#include <errno.h>

#include "intent/array.h"

static size_t
prefix_index(const struct prefix_list *l, const struct prefix *p)
{
	size_t i = 0;
	while (i < l->n && !prefix_is_equal(&l->items[i], p))
		i++;
	return i;
}

bool
prefix_list_has(const struct prefix_list *l, const struct prefix *p)
{
	return prefix_index(l, p) < l->n;
}

int
prefix_list_add(struct prefix_list *l, const struct prefix *p)
{
	if (prefix_list_has(l, p))
		return -EEXIST;
	if (l->n == INTENT_MAX_ADDRESSES)
		return -ENOSPC;
	struct prefix *items = array_grow(l->items, l->n, sizeof(*items));
	if (!items)
		return -ENOMEM;
	l->items = items;
	items[l->n++] = *p;
	return 0;
}

int
prefix_list_remove(struct prefix_list *l, const struct prefix *p)
{
	size_t i = prefix_index(l, p);
	if (i == l->n)
		return -ENOENT;
	array_cut(l->items, l->n--, sizeof(*l->items), i);
	return 0;
}

int
prefix_list_copy(struct prefix_list *to, const struct prefix_list *from)
{
	int rc = 0;
	for (size_t i = 0; i < from->n && rc == 0; i++)
		rc = prefix_list_add(to, &from->items[i]);
	return rc;
}

bool
prefix_list_is_equal(const struct prefix_list *a, const struct prefix_list *b)
{
	for (size_t i = 0; i < a->n; i++) {
		if (!prefix_list_has(b, &a->items[i]))
			return false;
	}
	return a->n == b->n;
}
