/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/membership_filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "control/reconcile.h"
#include "filter/rule.h"
#include "source/headscale/packet_filter.h"
#include "tailnet/view.h"

static const char all_text[] = "peers of the config -> * : *";

/* The filters of the newest view that we have. */
static const char *
filters_of(const struct membership *m)
{
	const struct tailnet_view *v = m->next ? m->next : m->view;
	return v ? v->filters : NULL;
}

static struct filter_range
range_of(const struct prefix *p)
{
	struct filter_range r = {p->addr, p->addr};
	for (unsigned bit = p->len; bit < addr_bits(p->addr.family); bit++)
		r.last.bytes[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	return r;
}

static int
add_peer_sources(const struct peer_intent *p, struct filter_rule *r)
{
	int rc = 0;
	for (const struct allowed_intent *a = p->first_allowed; a && !rc; a = a->next) {
		struct filter_range range = range_of(&a->prefix);
		rc = filter_rule_add_source(r, &range);
	}
	return rc;
}

static int
add_all_services(struct filter_rule *r)
{
	static const struct filter_service any = {FILTER_PROTO_ANY, 0, UINT16_MAX};
	struct filter_range everywhere[2];
	int n = filter_range_parse("*", everywhere), rc = n < 0 ? n : 0;
	for (int i = 0; i < n && !rc; i++)
		rc = filter_rule_add_destination(r, &everywhere[i]);
	return rc ? rc : filter_rule_add_service(r, &any);
}

/* Peers that came by the tailnet are none of the config's. */
static int
add_config_peers(struct control *c, const struct intent *it, struct filter_plan *plan)
{
	struct filter_rule r = {.text = strdup(all_text)};
	int rc = r.text ? add_all_services(&r) : -ENOMEM;
	for (size_t i = 0; i < it->n_interfaces; i++) {
		const struct peer_intent *p = it->interfaces[i]->peers.first;
		for (; p && !rc; p = p->next) {
			if (!peer_set_find(&c->membership.owned, &p->public_key))
				rc = add_peer_sources(p, &r);
		}
	}
	if (!rc && r.n_sources)
		return filter_plan_add(plan, &r);
	filter_rule_fini(&r);
	return rc;
}

/* Our addresses and what stands behind us. */
static int
add_tailnet(const struct membership *m, const struct headscale_intent *h,
	struct filter_plan *plan, struct err *err)
{
	struct prefix_list local = {0};
	const char *filters = filters_of(m);
	int rc = prefix_list_copy(&local, &m->own);
	for (size_t i = 0; i < h->routes.n && !rc; i++) {
		if (!prefix_list_has(&local, &h->routes.items[i]))
			rc = prefix_list_add(&local, &h->routes.items[i]);
	}
	if (rc)
		err_set(err, rc, "no room for all networks of the tailnet's packet filter");
	if (!rc && filters)
		rc = packet_filter_parse(filters, strlen(filters), &local, plan, err);
	free(local.items);
	return rc;
}

/* it: whose peers are looked at. 0 or a negative errno; the tailnet's part may be left out. */
static int
combine(struct control *c, const struct intent *it, const struct headscale_intent *h,
	struct filter_plan **out)
{
	struct membership *m = &c->membership;
	static const struct filter_plan nothing = {.is_on = true};
	struct err err = {0};
	struct filter_plan *plan = filter_plan_copy(m->base ? m->base : &nothing);
	int rc = plan ? 0 : -ENOMEM;
	if (!rc && !m->base)
		rc = add_config_peers(c, it, plan);
	if (!rc && add_tailnet(m, h, plan, &err)) {
		/* Denied by default is on the safe side. */
		log_error("tailnet: %s: nothing of its rules is let in", err.text);
		filter_plan_destroy(plan);
		plan = filter_plan_copy(m->base ? m->base : &nothing);
		rc = plan ? 0 : -ENOMEM;
		if (!rc && !m->base)
			rc = add_config_peers(c, it, plan);
	}
	if (rc) {
		filter_plan_destroy(plan);
		plan = NULL;
	}
	*out = plan;
	return rc;
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
		rc = combine(c, wanted, i->headscale, &plan);
	if (!rc && i)
		rc = intent_filter_set(wanted, plan);
	filter_plan_destroy(plan);
	return rc ? err_set(err, rc, "no memory for the access rules") : 0;
}

void
membership_filter_renew(struct control *c)
{
	const struct interface_intent *i = intent_interface_find(c->running, c->membership.on);
	struct change change = {.kind = CHANGE_FILTER_SET};
	struct reconcile_report report;
	if (!i || !i->headscale)
		return;
	if (combine(c, c->running, i->headscale, &change.filter)) {
		log_error("tailnet: no memory for the access rules");
		return;
	}
	if (!c->running->filter || !filter_plan_is_equal(c->running->filter, change.filter))
		reconcile_list(c, &(struct change_list){&change, 1}, &report);
	filter_plan_destroy(change.filter);
}
