/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/membership_filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "control/membership_local.h"
#include "control/reconcile.h"
#include "filter/rule.h"
#include "source/headscale/packet_filter.h"
#include "tailnet/view.h"

static const char all_text[] = "peers of the config -> * : *";

static const struct tailnet_view *
newest_view(const struct membership *m)
{
	return m->next ? m->next : m->view;
}

/* ---- Peers of the config ---- */

/* What nodes have within a prefix: it is theirs, for the longest match decides. */
static int
add_nodes_within(const struct membership *m, const struct prefix *p, struct filter_ranges *out)
{
	const struct tailnet_view *v = newest_view(m);
	int rc = 0;
	for (size_t i = 0; v && i < v->n_peers; i++) {
		const struct tailnet_node *n = v->peers[i];
		for (size_t k = 0; k < n->n_allowed && !rc; k++) {
			const struct prefix *a = &n->allowed[k];
			if (a->len > p->len && a->addr.family == p->addr.family &&
				prefix_has(p, &a->addr))
				rc = filter_ranges_add_prefix(out, a);
		}
	}
	return rc;
}

static int
add_all(struct filter_ranges *to, const struct filter_ranges *from)
{
	int rc = 0;
	for (size_t i = 0; i < from->n && !rc; i++)
		rc = filter_ranges_add(to, &from->items[i]);
	return rc;
}

static int
add_peer(const struct membership *m, const struct peer_intent *p, struct filter_ranges *out)
{
	struct filter_ranges own = {0}, nodes = {0};
	int rc = 0;
	for (const struct allowed_intent *a = p->first_allowed; a && !rc; a = a->next) {
		rc = filter_ranges_add_prefix(&own, &a->prefix);
		if (!rc && a->prefix.len < addr_bits(a->prefix.addr.family))
			rc = add_nodes_within(m, &a->prefix, &nodes);
	}
	if (!rc)
		rc = filter_ranges_remove(&own, &nodes);
	if (!rc)
		rc = add_all(out, &own);
	filter_ranges_fini(&own);
	filter_ranges_fini(&nodes);
	return rc;
}

/* Peers that came by the tailnet are none of the config's. */
static int
find_config_peers(struct control *c, const struct intent *it, struct filter_ranges *out)
{
	int rc = 0;
	for (size_t i = 0; i < it->n_interfaces; i++) {
		const struct peer_intent *p = it->interfaces[i]->peers.first;
		for (; p && !rc; p = p->next) {
			if (!peer_set_find(&c->membership.owned, &p->public_key))
				rc = add_peer(&c->membership, p, out);
		}
	}
	return rc;
}

/* ---- Rules and bounds ---- */

typedef int (*add_range)(struct filter_rule *r, const struct filter_range *range);

static int
add_ranges(struct filter_rule *r, add_range add, const struct filter_ranges *s)
{
	int rc = 0;
	for (size_t i = 0; i < s->n && !rc; i++)
		rc = add(r, &s->items[i]);
	return rc;
}

static int
add_everything(struct filter_rule *r, add_range add)
{
	struct filter_range items[2];
	int n = filter_range_parse("*", items);
	return n < 0 ? n : add_ranges(r, add, &(struct filter_ranges){items, (size_t)n});
}

/* They may send anywhere. */
static int
make_config_rule(const struct filter_ranges *peers, struct filter_rule *r)
{
	static const struct filter_service any = {FILTER_PROTO_ANY, 0, UINT16_MAX};
	int rc = add_ranges(r, filter_rule_add_source, peers);
	if (!rc)
		rc = add_everything(r, filter_rule_add_destination);
	if (!rc)
		rc = filter_rule_add_service(r, &any);
	if (!rc && !(r->text = strdup(all_text)))
		rc = -ENOMEM;
	return rc;
}

static int
add_config_peers(struct control *c, const struct intent *it, struct filter_plan *plan)
{
	struct filter_ranges peers = {0};
	struct filter_rule r = {0};
	bool has_rules = c->membership.base;
	int rc = find_config_peers(c, it, &peers);
	filter_ranges_merge(&peers); /* the same rule, however the peers stand in the intent */
	if (!rc && peers.n)
		rc = make_config_rule(&peers, &r);
	if (!rc && peers.n)
		rc = has_rules ? filter_plan_add_bound(plan, &r) : filter_plan_add(plan, &r);
	filter_ranges_fini(&peers);
	filter_rule_fini(&r);
	return rc;
}

/* Anybody may send to what is ours, as far as rules let him. There is always that bound. */
static int
add_local_bound(const struct filter_ranges *local, struct filter_plan *plan)
{
	struct filter_rule r = {0};
	int rc = add_everything(&r, filter_rule_add_source);
	if (!rc)
		rc = add_ranges(&r, filter_rule_add_destination, local);
	if (!rc)
		rc = filter_plan_add_bound(plan, &r);
	filter_rule_fini(&r);
	return rc;
}

/* The plan without what the server says. NULL: no memory. */
static struct filter_plan *
make_base(struct control *c, const struct intent *it)
{
	static const struct filter_plan nothing = {.is_on = true};
	struct membership *m = &c->membership;
	struct filter_plan *plan = filter_plan_copy(m->base ? m->base : &nothing);
	if (!plan)
		return NULL;
	plan->takes_tsmp = true;
	if (!add_local_bound(&m->local, plan) && !add_config_peers(c, it, plan))
		return plan;
	filter_plan_destroy(plan);
	return NULL;
}

static int
add_tailnet(const struct membership *m, struct filter_plan *plan, struct err *err)
{
	const struct tailnet_view *v = newest_view(m);
	if (!v || !v->filters)
		return 0;
	return packet_filter_parse(v->filters, strlen(v->filters), &m->local, plan, err);
}

static int
renew_local(struct control *c, const struct headscale_intent *h)
{
	struct filter_ranges local = {0};
	int rc = membership_local(c, h, &local);
	if (rc)
		return rc;
	filter_ranges_fini(&c->membership.local);
	c->membership.local = local;
	return 0;
}

/* it: whose peers are looked at. NULL: no memory. The tailnet's part may be left out. */
static struct filter_plan *
combine(struct control *c, const struct intent *it, const struct headscale_intent *h)
{
	struct err err = {0};
	struct filter_plan *plan = renew_local(c, h) ? NULL : make_base(c, it);
	if (plan && add_tailnet(&c->membership, plan, &err)) {
		/* Denied by default is on the safe side. */
		log_error("tailnet: %s: nothing of its rules is let in", err.text);
		filter_plan_destroy(plan);
		plan = make_base(c, it);
	}
	return plan;
}

static const struct interface_intent *
member_of(const struct intent *it)
{
	for (size_t k = 0; k < it->n_interfaces; k++) {
		if (it->interfaces[k]->headscale)
			return it->interfaces[k];
	}
	return NULL;
}

int
membership_filter_complete(struct control *c, struct intent *wanted, struct err *err)
{
	struct membership *m = &c->membership;
	const struct interface_intent *i = member_of(wanted);
	struct filter_plan *plan = NULL;
	filter_plan_destroy(m->base);
	m->base = wanted->filter ? filter_plan_copy(wanted->filter) : NULL;
	int rc = wanted->filter && !m->base ? -ENOMEM : 0;
	if (!rc && i)
		plan = combine(c, wanted, i->headscale);
	if (!rc && i)
		rc = plan ? intent_filter_set(wanted, plan) : -ENOMEM;
	filter_plan_destroy(plan);
	return rc ? err_set(err, rc, "no memory for the access rules") : 0;
}

/* Takes the plan over, which may be NULL: no memory. False: the one of before still stands. */
static bool
put(struct control *c, struct filter_plan *plan)
{
	struct change change = {.kind = CHANGE_FILTER_SET, .filter = plan};
	struct reconcile_report report = {0};
	if (plan && (!c->running->filter || !filter_plan_is_equal(c->running->filter, plan)))
		reconcile_list(c, &(struct change_list){&change, 1}, &report);
	filter_plan_destroy(plan);
	return plan && !report.n_failed;
}

void
membership_filter_renew(struct control *c)
{
	const struct interface_intent *i = intent_interface_find(c->running, c->membership.on);
	if (!i || !i->headscale || put(c, combine(c, c->running, i->headscale)))
		return;
	/* What the server allowed before may be what it no longer does. */
	log_error("tailnet: its access rules cannot be had: nothing of them is let in");
	if (!put(c, make_base(c, c->running)))
		log_error("tailnet: no memory for the access rules");
}

void
membership_filter_tick(struct control *c)
{
	const struct filter_ranges *was = &c->membership.local;
	const struct interface_intent *i = intent_interface_find(c->running, c->membership.on);
	struct filter_ranges now = {0};
	if (!i || !i->headscale || !i->headscale->offers_exit ||
		membership_local(c, i->headscale, &now))
		return;
	if (!filter_ranges_are_equal(was, &now))
		membership_filter_renew(c);
	filter_ranges_fini(&now);
}
