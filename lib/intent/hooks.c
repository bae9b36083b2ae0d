/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of commands as values. */
#include "intent/hooks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "intent/array.h"

const char *
hook_when_name(enum hook_when when)
{
	static const char *const names[HOOK_N_WHENS] = {
		[HOOK_PRE_UP] = "PreUp",
		[HOOK_POST_UP] = "PostUp",
		[HOOK_PRE_DOWN] = "PreDown",
		[HOOK_POST_DOWN] = "PostDown",
	};
	return (unsigned)when < HOOK_N_WHENS ? names[when] : "?";
}

static void
hook_fini(struct hook *h)
{
	if (h->command)
		secret_wipe(h->command, strlen(h->command));
	free(h->command);
	free(h->where);
	*h = (struct hook){0};
}

int
hook_list_add(struct hook_list *l, const struct hook *h)
{
	if (l->n == HOOK_MAX)
		return -ENOSPC;
	struct hook *items = array_grow(l->items, l->n, sizeof(*items));
	if (!items)
		return -ENOMEM;
	l->items = items;
	items[l->n] = (struct hook){h->when, strdup(h->command), strdup(h->where)};
	if (!items[l->n].command || !items[l->n].where) {
		hook_fini(&items[l->n]);
		return -ENOMEM;
	}
	l->n++;
	return 0;
}

int
hook_list_set(struct hook_list *to, const struct hook_list *from)
{
	struct hook_list copy = {0};
	int rc = 0;
	for (size_t i = 0; i < from->n && rc == 0; i++)
		rc = hook_list_add(&copy, &from->items[i]);
	if (rc) {
		hook_list_fini(&copy);
		return rc;
	}
	hook_list_fini(to);
	*to = copy;
	return 0;
}

void
hook_list_fini(struct hook_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		hook_fini(&l->items[i]);
	free(l->items);
	*l = (struct hook_list){0};
}

bool
hook_list_is_equal(const struct hook_list *a, const struct hook_list *b)
{
	bool is_equal = a->n == b->n;
	for (size_t i = 0; i < a->n && is_equal; i++)
		is_equal = a->items[i].when == b->items[i].when &&
			strcmp(a->items[i].command, b->items[i].command) == 0;
	return is_equal;
}
