/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/outside.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "control/core.h"
#include "control/membership_peer.h"

#define SHORT_NS (23 * NS_IN_S)
#define FULL_NS (300 * NS_IN_S)
#define LOOK_UP_NS (3600 * NS_IN_S)
#define FORGET_NS (310 * NS_IN_S) /* as stock nodes do */

enum {
	SHORT_REGIONS = 2,
	MAX_LOCAL = 32, /* addresses of ours */
};

/* ---- Whom to ask ---- */

/* What a check asks for: which families we have, and whether all regions. */
struct scope {
	bool has_v4, has_v6, is_full;
	struct netcheck_target *out;
	size_t n;
};

static struct scope
scope_of(struct control *c, bool is_full, struct netcheck_target *out)
{
	struct endpoint own[MAX_LOCAL];
	struct scope scope = {.is_full = is_full, .out = out};
	size_t n = membership_endpoints(c, own, ARRAY_COUNT(own));
	for (size_t i = 0; i < n; i++) {
		scope.has_v4 |= own[i].addr.family == ADDR_V4;
		scope.has_v6 |= own[i].addr.family == ADDR_V6 && !addr_is_link_local(&own[i].addr);
	}
	return scope;
}

static void
add(struct scope *scope, const struct addr *addr, uint16_t port, int32_t region)
{
	if (addr->family == ADDR_NONE || scope->n == NETCHECK_MAX_TARGETS)
		return;
	scope->out[scope->n++] = (struct netcheck_target){
		.server = {.addr = *addr, .port = port}, .region = region};
}

static void
add_region(struct scope *scope, const struct outside *o, size_t region)
{
	const struct derp_region *r = &o->derp->regions[region];
	for (unsigned k = 0; k < r->n_servers; k++) {
		const struct stun_server *s = &r->servers[k];
		const struct outside_found *found = &o->found[region][k];
		if (scope->has_v4)
			add(scope, s->asks_v4 ? &found->v4 : &s->v4, s->port, r->id);
		if (scope->has_v6)
			add(scope, s->asks_v6 ? &found->v6 : &s->v6, s->port, r->id);
	}
}

/* The nearest region and another, or all. */
static void
add_regions(struct scope *scope, const struct outside *o)
{
	size_t n_regions = o->derp ? o->derp->n_regions : 0, n = 0;
	for (size_t i = 0; i < n_regions; i++) {
		if (o->derp->regions[i].id == o->report.nearest && !scope->is_full) {
			add_region(scope, o, i);
			n++;
		}
	}
	for (size_t i = 0; i < n_regions && (scope->is_full || n < SHORT_REGIONS); i++) {
		if (o->derp->regions[i].id != o->report.nearest || scope->is_full) {
			add_region(scope, o, i);
			n++;
		}
	}
}

/* How many servers are asked. */
static size_t
begin(struct control *c, bool is_full, ns_t now)
{
	struct outside *o = &c->outside;
	struct netcheck_target targets[NETCHECK_MAX_TARGETS];
	struct scope scope = scope_of(c, is_full || !o->report.nearest, targets);
	add_regions(&scope, o);
	if (!scope.n)
		return 0;
	o->is_running = true;
	o->is_full = scope.is_full;
	o->checked_ns = now;
	if (scope.is_full)
		o->full_ns = now;
	reacher_check_begin(&c->reacher, targets, scope.n);
	return scope.n;
}

int
outside_check(struct control *c, struct err *err)
{
	struct outside *o = &c->outside;
	if (!c->membership.tailnet)
		return err_set(err, -ENOENT, "the config has no [Headscale], whose "
			"server would tell whom to ask");
	if (!o->derp)
		return err_set(err, -ENOENT, "there is nobody to ask: the coordination "
			"server has told of no relays; see headgate status");
	if (o->is_running && o->is_full)
		return 0;
	if (!begin(c, true, clock_boot_ns()))
		return err_set(err, -ENOENT, "there is nobody to ask: no relay of the "
			"tailnet answers STUN and has an address that could be looked up");
	return 0;
}

/* ---- What was said ---- */

static void
see(struct outside_seen *was, const struct endpoint *now, ns_t at_ns)
{
	char text[ENDPOINT_TEXT_BYTES];
	if (!endpoint_is_known(now))
		return;
	if (!endpoint_is_equal(&was->endpoint, now))
		log_info("the world sees us at %s", endpoint_format(now, text));
	*was = (struct outside_seen){*now, at_ns};
}

static void
take(struct control *c, ns_t now)
{
	struct outside *o = &c->outside;
	struct netcheck_report report;
	reacher_check_report(&c->reacher, &report);
	if (!report.is_done)
		return;
	o->is_running = false;
	see(&o->v4, &report.v4, now);
	see(&o->v6, &report.v6, now);
	if (!o->is_full)
		return;
	o->report = report;
	o->n_full++;
}

void
outside_tick(struct control *c, ns_t now)
{
	struct outside *o = &c->outside;
	if (o->is_running)
		take(c, now);
	if (o->is_running || o->lookup || !o->derp)
		return;
	if (now - o->looked_up_ns >= LOOK_UP_NS) {
		o->next_name = 0;
		outside_look_up(c);
	} else if (!o->full_ns || now - o->full_ns >= FULL_NS) {
		(void)begin(c, true, now);
	} else if (now - o->checked_ns >= SHORT_NS) {
		(void)begin(c, false, now);
	}
}

static bool
has_endpoint(const struct own_endpoint *list, size_t n, const struct endpoint *e)
{
	for (size_t i = 0; i < n; i++) {
		if (endpoint_is_equal(&list[i].at, e))
			return true;
	}
	return false;
}

/* Those that a person has named: peers that try one after the other begin with them. */
static size_t
add_configured(const struct control *c, struct own_endpoint *out, size_t max)
{
	const struct interface_intent *i = intent_interface_find(c->running, c->membership.on);
	const struct headscale_intent *h = i ? i->headscale : NULL;
	size_t n = 0;
	for (; h && n < h->n_endpoints && n < max; n++)
		out[n] = (struct own_endpoint){h->endpoints[n], OWN_ENDPOINT_STATIC};
	return n;
}

size_t
outside_endpoints(struct control *c, ns_t now, struct own_endpoint *out, size_t max)
{
	const struct outside_seen *seen[] = {&c->outside.v4, &c->outside.v6};
	struct endpoint local[MAX_LOCAL];
	size_t n_local = membership_endpoints(c, local, MAX_LOCAL);
	size_t n = add_configured(c, out, max);
	for (size_t i = 0; i < n_local && n < max; i++) {
		if (!has_endpoint(out, n, &local[i]))
			out[n++] = (struct own_endpoint){local[i], OWN_ENDPOINT_LOCAL};
	}
	for (size_t i = 0; i < ARRAY_COUNT(seen) && n < max; i++) {
		const struct endpoint *e = &seen[i]->endpoint;
		if (!endpoint_is_known(e) || now - seen[i]->at_ns >= FORGET_NS)
			continue;
		if (!has_endpoint(out, n, e))
			out[n++] = (struct own_endpoint){*e, OWN_ENDPOINT_STUN};
	}
	return n;
}

/* ---- Whose relays ---- */

void
outside_forget(struct outside *o)
{
	outside_names_forget(o);
	derp_map_put(o->derp);
	*o = (struct outside){0};
}

void
outside_set_map(struct control *c, struct derp_map *derp)
{
	struct outside *o = &c->outside;
	if (derp == o->derp)
		return;
	outside_names_forget(o);
	derp_map_put(o->derp);
	o->derp = derp_map_get(derp);
	memset(o->found, 0, sizeof(o->found));
	o->next_name = 0;
	o->full_ns = 0;
	outside_look_up(c);
}
