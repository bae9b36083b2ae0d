/* SPDX-License-Identifier: BSD-3-Clause */
/* Who wins at a prefix, and where a change is felt. */
#include "control/fib.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/log.h"
#include "control/fib_inner.h"

/* ---- Which routes count ---- */

static bool
route_counts(const struct fib *fib, enum tables_which which, const struct net_route *r)
{
	if (r->tos || r->src.len)
		return false;
	if (r->type != RTN_UNICAST || !r->n_hops)
		return true;
	for (unsigned i = 0; i < r->n_hops; i++) {
		if (fib_hop_counts(fib, which, &r->hops[i]))
			return true;
	}
	return false;
}

/* The table's route at this very node, NULL if there is none that counts. */
static const struct net_route *
route_at(const struct fib *fib, enum tables_which which, const struct rib_node *n, uint32_t table)
{
	for (const struct rib_route *r = n->routes; r && r->net.table <= table; r = r->next) {
		if (r->net.table == table && route_counts(fib, which, &r->net))
			return &r->net;
	}
	return NULL;
}

struct winner {
	const struct net_route *route; /* NULL: no table has one */
	const struct rib_node *node;   /* where it stands */
};

static struct winner
find_winner(const struct fib *fib, enum tables_which which, const struct rib_node *at)
{
	const struct policy *policy = &fib->policies[which];
	for (unsigned i = 0; i < policy->n_steps; i++) {
		const struct policy_step *step = &policy->steps[i];
		uint64_t bit = rib_table_bit(&fib->rib, step->table);
		const struct net_route *r = NULL;
		const struct rib_node *n = at;
		for (; n && n->prefix.len > step->suppress_len && !r; n = r ? n : n->parent) {
			if (n->own_mask & bit)
				r = route_at(fib, which, n, step->table);
		}
		/* A throw sends the packet on to the next rule. */
		if (r && r->type != RTN_THROW)
			return (struct winner){.route = r, .node = n};
	}
	return (struct winner){0};
}

/* ---- What is published at a node ---- */

/* The next hop for this very prefix, with a reference; NULL: a shorter one serves, or none. */
static struct hop *
wanted(struct fib *fib, enum tables_which which, const struct rib_node *n)
{
	if (rib_node_is_bare(n) || !fib->policies[which].n_steps)
		return NULL;
	struct winner w = find_winner(fib, which, n);
	/* With throws, what serves further up need not be what wins here: say all. */
	bool says_all = fib->rib.n_throws > 0;
	if (!w.route)
		return says_all ? fib_plain_hop(fib, NEXTHOP_KERNEL) : NULL;
	struct hop *h = fib_neighbour_hop(fib, w.route, n);
	if (h)
		return h;
	return w.node == n || says_all ? fib_route_hop(fib, w.route, which) : NULL;
}

static void
publish(struct fib *fib, enum tables_which which, struct rib_node *n, struct hop *h)
{
	struct hop *was = hops_at(fib->hops, n->out[which]);
	if (h == was) {
		hops_put(fib->hops, h);
		return;
	}
	int rc = tables_route_set(fib->tables, which, &n->prefix, h ? h->id : 0);
	if (rc && rc != -ENOENT) {
		fib->is_dirty = true; /* the next compile tries again */
		hops_put(fib->hops, h);
		log_write_limited(&fib->limit, LOG_LEVEL_ERROR,
			"no memory to change a route; it is tried again");
		return;
	}
	hops_put(fib->hops, was);
	n->out[which] = h ? (uint16_t)h->id : 0;
}

static void
refresh(struct fib *fib, struct rib_node *n)
{
	for (unsigned which = 0; which < TABLES_WHICH_COUNT; which++)
		publish(fib, which, n, wanted(fib, which, n));
}

/* ---- Where a change is felt ---- */

struct change {
	struct fib *fib;
	uint64_t settled; /* tables whose own routes hide the changed one */
	bool is_total;
};

/* Where the policy first looks into the table; POLICY_STEPS_MAX: nowhere. */
static unsigned
first_step(const struct policy *policy, uint32_t table)
{
	for (unsigned i = 0; i < policy->n_steps; i++) {
		if (policy->steps[i].table == table)
			return i;
	}
	return POLICY_STEPS_MAX;
}

/* Whether a route of table `first`, longer than len, always comes before those of `table`. */
static bool
comes_first(const struct fib *fib, uint32_t first, uint32_t table, unsigned len)
{
	for (unsigned which = 0; which < TABLES_WHICH_COUNT; which++) {
		const struct policy *p = &fib->policies[which];
		unsigned at = first_step(p, first), after = first_step(p, table);
		if (after == POLICY_STEPS_MAX)
			continue;
		if (at >= after || p->steps[at].suppress_len > (int)len)
			return false;
	}
	return true;
}

static uint64_t
settled_mask(const struct fib *fib, uint32_t table, unsigned len)
{
	uint64_t mask = rib_table_bit(&fib->rib, table);
	for (unsigned i = 0; i < fib->rib.n_tables; i++) {
		if (comes_first(fib, fib->rib.tables[i], table, len))
			mask |= 1ull << i;
	}
	return mask;
}

static bool
hides(const struct change *c, const struct rib_node *n, enum tables_which which)
{
	for (const struct rib_route *r = n->routes; r; r = r->next) {
		if (rib_table_bit(&c->fib->rib, r->net.table) & c->settled &&
			route_counts(c->fib, which, &r->net))
			return true;
	}
	return false;
}

/* Of routes of the changed table, forward and all underlays. What differs is only tunnels. */
static bool
is_hidden(const struct change *c, const struct rib_node *n)
{
	return n->own_mask & c->settled && hides(c, n, TABLES_FORWARD) &&
		hides(c, n, TABLES_UNDERLAY);
}

static bool
visit(void *ctx, struct rib_node *n)
{
	const struct change *c = ctx;
	if (c->is_total) {
		refresh(c->fib, n);
		return true;
	}
	if (!(n->mask & ~c->settled))
		return false;
	if (is_hidden(c, n))
		return false;
	refresh(c->fib, n);
	return true;
}

/* A route of that table changed at n. */
static void
refresh_from(struct fib *fib, struct rib_node *n, uint32_t table)
{
	if (!rib_table_bit(&fib->rib, table))
		return;
	struct change c = {.fib = fib, .is_total = fib->rib.n_throws > 0,
		.settled = settled_mask(fib, table, n->prefix.len)};
	refresh(fib, n);
	rib_walk(&fib->rib, n, visit, &c);
}

/* ---- Events ---- */

int
fib_route_put(struct fib *fib, const struct net_route *route)
{
	uint32_t n_throws = fib->rib.n_throws;
	struct rib_node *n = rib_route_put(&fib->rib, route);
	if (!n)
		return -ENOMEM;
	if (!n_throws != !fib->rib.n_throws)
		fib->is_dirty = true;
	if (!fib->is_dirty)
		refresh_from(fib, n, route->table);
	return 0;
}

void
fib_route_remove(struct fib *fib, const struct net_route *route)
{
	uint32_t n_throws = fib->rib.n_throws;
	struct rib_node *n = rib_route_remove(&fib->rib, route);
	if (!n)
		return;
	if (!n_throws != !fib->rib.n_throws)
		fib->is_dirty = true;
	if (!fib->is_dirty)
		refresh_from(fib, n, route->table);
	rib_node_tidy(&fib->rib, n);
}

int
fib_neigh_changed(struct fib *fib, struct neigh *n)
{
	struct rib_node *node = n->at.node;
	bool is_there = node;
	if (is_there == neigh_is_resolved(n))
		return 0;
	if (is_there)
		node = rib_neighbour_remove(&fib->rib, &n->at);
	else if (rib_neighbour_put(&fib->rib, &n->at, &n->addr))
		return -ENOMEM;
	else
		node = n->at.node;
	if (!fib->is_dirty)
		refresh(fib, node);
	rib_node_tidy(&fib->rib, node);
	return 0;
}

/* ---- The whole ---- */

struct table_list {
	uint32_t items[RIB_TABLES_MAX];
	unsigned n;
	bool has_more;
};

static void
collect_tables(const struct policy *p, struct table_list *out)
{
	for (unsigned i = 0; i < p->n_steps; i++) {
		unsigned k = 0;
		while (k < out->n && out->items[k] != p->steps[i].table)
			k++;
		if (k == RIB_TABLES_MAX)
			out->has_more = true;
		else if (k == out->n)
			out->items[out->n++] = p->steps[i].table;
	}
}

/* All policies' tables get their bits. */
static void
number_tables(struct fib *fib)
{
	struct table_list tables = {.n = 0};
	for (unsigned which = 0; which < TABLES_WHICH_COUNT; which++)
		collect_tables(&fib->policies[which], &tables);
	if (tables.has_more)
		log_write_limited(&fib->limit, LOG_LEVEL_WARN, "the routing rules of IPv%u lead "
			"to more than %u tables: routes of the others are left out",
			fib->family == ADDR_V4 ? 4u : 6u, RIB_TABLES_MAX);
	rib_set_tables(&fib->rib, tables.items, tables.n);
}

void
fib_compile(struct fib *fib, struct policy_rules *rules, const struct marks *marks)
{
	struct policy_packet inner = {.family = fib->family};
	struct policy_packet outer = {.family = fib->family, .is_own = true};
	struct change all = {.fib = fib, .is_total = true};
	policy_compile(rules, &inner, &fib->policies[TABLES_FORWARD]);
	for (unsigned i = 0; i < TABLES_MAX_UNDERLAYS; i++) {
		struct policy *p = &fib->policies[TABLES_UNDERLAY + i];
		outer.mark = marks->of[i];
		p->n_steps = 0;
		if (marks->used >> i & 1)
			policy_compile(rules, &outer, p);
	}
	number_tables(fib);
	fib->is_dirty = false;
	rib_walk(&fib->rib, NULL, visit, &all);
	rib_tidy(&fib->rib);
}

void
fib_init(struct fib *fib, uint8_t family, struct tables *tables, struct hops *hops,
	const struct devices *devices)
{
	*fib = (struct fib){.family = family, .is_dirty = true, .tables = tables, .hops = hops,
		.devices = devices, .limit = LOG_LIMIT_INIT};
}

static bool
withdraw(void *ctx, struct rib_node *n)
{
	for (unsigned which = 0; which < TABLES_WHICH_COUNT; which++)
		publish(ctx, which, n, NULL);
	return true;
}

void
fib_fini(struct fib *fib)
{
	rib_walk(&fib->rib, NULL, withdraw, fib);
	rib_fini(&fib->rib);
}
