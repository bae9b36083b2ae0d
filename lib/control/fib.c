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
	if (rib_node_is_bare(n))
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
	if (h == n->out[which]) {
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
	hops_put(fib->hops, n->out[which]);
	n->out[which] = h;
}

static void
refresh(struct fib *fib, struct rib_node *n)
{
	publish(fib, TABLES_FORWARD, n, wanted(fib, TABLES_FORWARD, n));
	publish(fib, TABLES_UNDERLAY, n, wanted(fib, TABLES_UNDERLAY, n));
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
	for (unsigned which = 0; which < 2; which++) {
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
is_hidden(const struct change *c, const struct rib_node *n, enum tables_which which)
{
	if (!(n->own_mask & c->settled))
		return false;
	for (const struct rib_route *r = n->routes; r; r = r->next) {
		if (rib_table_bit(&c->fib->rib, r->net.table) & c->settled &&
			route_counts(c->fib, which, &r->net))
			return true;
	}
	return false;
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
	if (is_hidden(c, n, TABLES_FORWARD) && is_hidden(c, n, TABLES_UNDERLAY))
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

static unsigned
collect_tables(const struct fib *fib, uint32_t out[RIB_TABLES_MAX])
{
	unsigned n = 0;
	for (unsigned which = 0; which < 2; which++) {
		const struct policy *p = &fib->policies[which];
		for (unsigned i = 0; i < p->n_steps; i++) {
			unsigned k = 0;
			while (k < n && out[k] != p->steps[i].table)
				k++;
			out[k] = p->steps[i].table;
			n += k == n;
		}
	}
	return n;
}
_Static_assert(2 * POLICY_STEPS_MAX <= RIB_TABLES_MAX, "each table of a policy has its bit");

void
fib_compile(struct fib *fib, struct policy_rules *rules, uint32_t mark)
{
	uint32_t table_ids[RIB_TABLES_MAX];
	struct policy_packet inner = {.family = fib->family};
	struct policy_packet outer = {.family = fib->family, .is_own = true, .mark = mark};
	struct change all = {.fib = fib, .is_total = true};
	policy_compile(rules, &inner, &fib->policies[TABLES_FORWARD]);
	policy_compile(rules, &outer, &fib->policies[TABLES_UNDERLAY]);
	rib_set_tables(&fib->rib, table_ids, collect_tables(fib, table_ids));
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
	publish(ctx, TABLES_FORWARD, n, NULL);
	publish(ctx, TABLES_UNDERLAY, n, NULL);
	return true;
}

void
fib_fini(struct fib *fib)
{
	rib_walk(&fib->rib, NULL, withdraw, fib);
	rib_fini(&fib->rib);
}
