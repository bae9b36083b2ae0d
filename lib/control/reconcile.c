/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/reconcile.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "control/filtering.h"
#include "control/ifaces.h"
#include "control/natting.h"
#include "control/ports.h"
#include "control/quick.h"

/* An interface that goes takes its peers along, one at a time. */
static int
remove_peers_of(struct control *c, const char *name, struct err *err)
{
	struct interface_intent *i = intent_interface_find(c->running, name);
	struct change gone = {.kind = CHANGE_PEER_REMOVE};
	int rc = 0;
	if (!i)
		return 0;
	memcpy(gone.on, i->name, sizeof(gone.on));
	while (i->peers.first && !rc) {
		gone.peer = i->peers.first->public_key;
		rc = reconcile_peer(c, &gone, err);
		if (!rc)
			rc = intent_apply(c->running, &gone);
	}
	return rc;
}

/* With the commands that belong to its going, if it was up. */
static int
remove_interface(struct control *c, const struct change *change, struct err *err)
{
	struct control_iface *i = iface_find(c, change->on);
	bool was_up = i && quick_begin_down(c, i);
	int rc = remove_peers_of(c, change->on, err);
	if (!rc)
		rc = ifaces_change(c, change, err);
	if (!rc && was_up)
		quick_finish_down(c, intent_interface_find(c->running, change->on));
	return rc;
}

static int
change_gateway(struct control *c, const struct change *change)
{
	/* At the start main has set the level already, perhaps by an option. */
	if (change->kind == CHANGE_GATEWAY_LOG_LEVEL && !c->is_starting)
		log_set_level((enum log_level)change->number);
	return 0;
}

static int
apply(struct control *c, const struct change *change, struct err *err)
{
	if (change->kind == CHANGE_FILTER_SET)
		return filtering_set(c, change->filter, err);
	if (change->kind < CHANGE_PORT_ADD)
		return change_gateway(c, change);
	if (change->kind < CHANGE_INTERFACE_ADD)
		return ports_change(c, change, err);
	if (change->kind >= CHANGE_PEER_ADD)
		return reconcile_peer(c, change, err);
	if (change->kind == CHANGE_INTERFACE_REMOVE)
		return remove_interface(c, change, err);
	return ifaces_change(c, change, err);
}

/* What cannot be done to a running gateway, and what hangs on such a change. */
static bool
must_wait(struct control *c, const struct change *change)
{
	bool is_on_port = change->kind >= CHANGE_PORT_ADD && change->kind < CHANGE_INTERFACE_ADD;
	if (c->is_starting)
		return false;
	return change_needs_restart(change) ||
		(is_on_port && !intent_port_find(c->running, change->on));
}

static void
note_failure(struct reconcile_report *r, const struct change *change, int rc, struct err *err)
{
	char text[512];
	if (!err->text[0])
		err_set(err, rc, "%s: %s", change_format(change, text), strerror(-rc));
	log_error("%s", err->text);
	if (!r->n_failed++) {
		r->rc = rc;
		r->first = *err;
	}
}

static void
reconcile_one(struct control *c, const struct change *change, struct reconcile_report *r)
{
	char text[512];
	struct err err = {0};
	if (log_is_on(LOG_LEVEL_DEBUG))
		log_debug("change: %s", change_format(change, text));
	int rc = apply(c, change, &err);
	if (!rc)
		rc = intent_apply(c->running, change);
	if (rc)
		note_failure(r, change, rc, &err);
	else
		r->n_applied++;
}

static void
note_restart(struct reconcile_report *r, const struct change *change)
{
	const char *what = change_needs_restart(change);
	if (what)
		log_warn("%s takes hold only after a restart%s%s", what, change->on[0] ? ": " : "",
			change->on);
	r->n_restart++;
}

void
reconcile_list(struct control *c, const struct change_list *list,
	struct reconcile_report *report)
{
	struct err err = {0};
	memset(report, 0, sizeof(*report));
	for (size_t i = 0; i < list->n; i++) {
		if (must_wait(c, &list->items[i]))
			note_restart(report, &list->items[i]);
		else
			reconcile_one(c, &list->items[i], report);
	}
	int rc = ifaces_settle(c, &err);
	if (rc)
		note_failure(report, &(struct change){0}, rc, &err);
	rc = natting_settle(c, &err);
	if (rc)
		note_failure(report, &(struct change){0}, rc, &err);
	routes_settle(c->routes);
}
