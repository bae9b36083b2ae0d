/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/transition.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "control/ifaces.h"
#include "control/quick.h"
#include "control/quick_notes.h"

static void
add_up(struct reconcile_report *sum, const struct reconcile_report *part)
{
	sum->n_applied += part->n_applied;
	sum->n_restart += part->n_restart;
	if (part->n_failed && !sum->n_failed) {
		sum->rc = part->rc;
		sum->first = part->first;
	}
	sum->n_failed += part->n_failed;
}

static void
note_failure(struct reconcile_report *sum, int rc, const struct err *err)
{
	const struct reconcile_report part = {.n_failed = 1, .rc = rc, .first = *err};
	log_error("%s", err->text);
	add_up(sum, &part);
}

static void
apply(struct control *c, const struct change *changes, size_t n, struct reconcile_report *sum)
{
	struct reconcile_report part;
	struct change_list list = {(struct change *)(uintptr_t)changes, n};
	if (!n)
		return;
	reconcile_list(c, &list, &part);
	add_up(sum, &part);
}

static int
difference(struct control *c, const struct intent *wanted, struct change_list *list,
	struct reconcile_report *sum)
{
	change_list_init(list);
	int rc = intent_diff(c->running, wanted, list);
	if (rc) {
		struct err err;
		err_set(&err, rc, "no memory to compare the config with what runs");
		note_failure(sum, rc, &err);
	}
	return rc;
}

/* The options of the process, the ports, and the interfaces that go stand first in a list. */
static size_t
count_first(const struct change_list *list)
{
	size_t n = 0;
	while (n < list->n && (list->items[n].kind < CHANGE_INTERFACE_ADD ||
		list->items[n].kind == CHANGE_INTERFACE_REMOVE))
		n++;
	return n;
}

static void
change_first(struct control *c, const struct intent *wanted, struct reconcile_report *sum)
{
	struct change_list list;
	if (difference(c, wanted, &list, sum) == 0)
		apply(c, list.items, count_first(&list), sum);
	change_list_fini(&list);
}

/* One that could not come is taken away again, without the commands of one that was up. */
static void
withdraw(struct control *c, const char *name, struct reconcile_report *sum)
{
	struct change gone = {.kind = CHANGE_INTERFACE_REMOVE};
	struct reconcile_report part;
	snprintf(gone.on, sizeof(gone.on), "%s", name);
	if (c->is_starting || !intent_interface_find(c->running, name))
		return; /* all goes then */
	reconcile_list(c, &(struct change_list){&gone, 1}, &part);
	if (part.n_failed)
		add_up(sum, &part);
}

static void
announce(struct control *c, const struct interface_intent *it, struct reconcile_report *sum)
{
	struct change first[] = {
		{.kind = CHANGE_INTERFACE_ADD},
		{.kind = CHANGE_INTERFACE_SET_HOOKS, .hooks = it->hooks},
		{.kind = CHANGE_INTERFACE_SET_DNS, .text = it->dns},
	};
	struct err err = {0};
	struct reconcile_report part = {0};
	for (size_t k = 0; k < ARRAY_COUNT(first); k++)
		memcpy(first[k].on, it->name, sizeof(first[k].on));
	for (size_t k = 0; k < ARRAY_COUNT(first) && !part.n_failed; k++)
		apply(c, &first[k], 1, &part);
	struct control_iface *i = iface_find(c, it->name);
	int rc = part.n_failed ? part.rc : quick_announce(c, i, &err);
	if (rc && !part.n_failed)
		note_failure(&part, rc, &err);
	if (rc)
		withdraw(c, it->name, &part);
	add_up(sum, &part);
}

/* What is on one interface is one batch; interfaces that could not come are left out. */
static void
change_rest(struct control *c, const struct intent *wanted, struct reconcile_report *sum)
{
	struct change_list list;
	int rc = difference(c, wanted, &list, sum);
	size_t from = count_first(&list), to;
	for (; !rc && from < list.n; from = to) {
		const char *on = list.items[from].on;
		for (to = from; to < list.n && strcmp(list.items[to].on, on) == 0;)
			to++;
		if (intent_interface_find(c->running, on))
			apply(c, &list.items[from], to - from, sum);
	}
	change_list_fini(&list);
}

void
transition_begin(struct control *c, const struct intent *wanted, struct reconcile_report *report)
{
	memset(report, 0, sizeof(*report));
	c->is_changing = true;
	change_first(c, wanted, report);
	for (size_t k = 0; k < wanted->n_interfaces; k++)
		if (!intent_interface_find(c->running, wanted->interfaces[k]->name))
			announce(c, wanted->interfaces[k], report);
	change_rest(c, wanted, report);
}

static void
finish(struct control *c, struct control_iface *i, struct reconcile_report *report)
{
	char name[INTENT_NAME_BYTES];
	struct err err = {0};
	memcpy(name, i->name, sizeof(name));
	int rc = quick_finish_up(c, i, &err);
	routes_settle(c->routes);
	if (!rc)
		return;
	note_failure(report, rc, &err);
	withdraw(c, name, report);
}

void
transition_end(struct control *c, struct reconcile_report *report)
{
	for (unsigned k = 0; k < TABLES_MAX_IFACES; k++) {
		struct control_iface *i = &c->ifaces[k];
		struct err err = {0};
		if (i->is_live && i->stage == IFACE_COMING)
			finish(c, i, report);
		else if (i->is_live && i->hooks_are_new && quick_note_new_hooks(c, i, &err))
			note_failure(report, -EIO, &err);
	}
	c->is_changing = false;
}

void
transition_leave(struct control *c)
{
	c->is_changing = true;
	for (unsigned k = 0; k < TABLES_MAX_IFACES; k++)
		if (c->ifaces[k].is_live)
			quick_begin_down(c, &c->ifaces[k]);
}
