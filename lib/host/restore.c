/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/nft.h"
#include "host/sysctl.h"

enum step_kind {
	STEP_SYSCTL,
	STEP_FLAGS,
	STEP_NFT_TABLE,
};

struct step {
	enum step_kind kind;
	char what[128]; /* the path, device or table */
	char value[SYSCTL_VALUE_BYTES];
	uint32_t flags, mask;
};

struct restore {
	struct step *steps;
	unsigned n, cap;
};

struct restore *
restore_create(void)
{
	return calloc(1, sizeof(struct restore));
}

void
restore_destroy(struct restore *r)
{
	if (!r)
		return;
	free(r->steps);
	free(r);
}

static struct step *
add(struct restore *r, enum step_kind kind, const char *what, struct err *err)
{
	if (r->n == r->cap) {
		unsigned cap = r->cap ? r->cap * 2 : 8;
		struct step *steps = reallocarray(r->steps, cap, sizeof(*steps));
		if (!steps) {
			err_set(err, -ENOMEM, "no memory to note how to restore %s", what);
			return NULL;
		}
		r->steps = steps;
		r->cap = cap;
	}
	struct step *s = &r->steps[r->n++];
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	snprintf(s->what, sizeof(s->what), "%s", what);
	return s;
}

int
restore_note_sysctl(struct restore *r, const char *path, const char *old_value, struct err *err)
{
	struct step *s = add(r, STEP_SYSCTL, path, err);
	if (!s)
		return -ENOMEM;
	snprintf(s->value, sizeof(s->value), "%s", old_value);
	return 0;
}

int
restore_note_flags(struct restore *r, const char *device, uint32_t flags, uint32_t mask,
	struct err *err)
{
	struct step *s = add(r, STEP_FLAGS, device, err);
	if (!s)
		return -ENOMEM;
	s->flags = flags;
	s->mask = mask;
	return 0;
}

int
restore_note_nft_table(struct restore *r, const char *table, struct err *err)
{
	return add(r, STEP_NFT_TABLE, table, err) ? 0 : -ENOMEM;
}

static int
undo_flags(const struct step *s, struct netlink *nl, struct err *err)
{
	struct net_link link;
	int rc = netlink_link_by_name(nl, s->what, &link, err);
	return rc ? rc : netlink_link_set_flags(nl, link.ifindex, s->flags, s->mask, err);
}

static int
undo(const struct step *s, struct netlink *nl, struct err *err)
{
	switch (s->kind) {
	case STEP_SYSCTL:
		return sysctl_write(s->what, s->value, err);
	case STEP_FLAGS:
		return undo_flags(s, nl, err);
	default:
		return nft_delete_table(s->what, err);
	}
}

int
restore_undo(struct restore *r, struct netlink *nl, struct err *err)
{
	int first = 0;
	while (r->n) {
		struct err e;
		int rc = undo(&r->steps[--r->n], nl, &e);
		if (rc == 0 || rc == -ENODEV || rc == -ENOENT || first)
			continue;
		first = err_set(err, rc, "cannot restore what was there before: %s", e.text);
	}
	return first;
}
