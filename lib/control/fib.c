/* SPDX-License-Identifier: BSD-3-Clause */
/* Who wins at a prefix, its next hop, and where a change is felt. */
#include "control/fib.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"

/* ---- Which routes count ---- */

static bool
is_over_tunnel(const struct fib *fib, const struct net_hop *hop)
{
	const struct device *d = device_find(fib->devices, hop->ifindex);
	return d && d->role == DEVICE_TUNNEL;
}

/* Outer packets never enter a tunnel: they would never come out. */
static bool
hop_counts(const struct fib *fib, enum tables_which which, const struct net_hop *hop)
{
	if (hop->flags & RTNH_F_DEAD)
		return false;
	return which == TABLES_FORWARD || !is_over_tunnel(fib, hop);
}

static bool
route_counts(const struct fib *fib, enum tables_which which, const struct net_route *r)
{
	if (r->tos || r->src.len)
		return false;
	if (r->type != RTN_UNICAST || !r->n_hops)
		return true;
	for (unsigned i = 0; i < r->n_hops; i++) {
		if (hop_counts(fib, which, &r->hops[i]))
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

/* ---- Its next hop ---- */

static struct hop *
plain_hop(struct fib *fib, enum nexthop_type type)
{
	struct hop_spec spec;
	memset(&spec, 0, sizeof(spec));
	spec.type = type;
	return hops_get(fib->hops, &spec);
}

static struct hop *
one_hop(struct fib *fib, const struct net_route *r, const struct net_hop *hop)
{
	struct hop_spec spec;
	const struct device *d = device_find(fib->devices, hop->ifindex);
	if (!d || hop->has_encap)
		return plain_hop(fib, NEXTHOP_KERNEL);
	memset(&spec, 0, sizeof(spec));
	spec.type = d->role == DEVICE_TUNNEL ? NEXTHOP_TUNNEL :
		hop->via.family ? NEXTHOP_LINK : NEXTHOP_GLEAN;
	if (spec.type == NEXTHOP_LINK)
		spec.via = hop->via;
	spec.family = fib->family;
	spec.ifindex = hop->ifindex;
	spec.mtu = r->mtu;
	spec.source = r->preferred_src;
	return hops_get(fib->hops, &spec);
}

/* How often a hop stands among the members, so that they come near the weights. */
static unsigned
share_of(const struct net_hop *hop, unsigned sum)
{
	if (sum <= NEXTHOP_MEMBERS_MAX)
		return hop->weight ? hop->weight : 1;
	unsigned n = hop->weight * NEXTHOP_MEMBERS_MAX / sum;
	return n ? n : 1;
}

static struct hop *
group_hop(struct fib *fib, const struct net_route *r, enum tables_which which)
{
	struct hop_spec spec;
	unsigned sum = 0;
	memset(&spec, 0, sizeof(spec));
	spec.type = NEXTHOP_GROUP;
	for (unsigned i = 0; i < r->n_hops; i++)
		sum += hop_counts(fib, which, &r->hops[i]) ? MAX_OF(r->hops[i].weight, 1) : 0;
	for (unsigned i = 0; i < r->n_hops; i++) {
		if (!hop_counts(fib, which, &r->hops[i]))
			continue;
		struct hop *h = one_hop(fib, r, &r->hops[i]);
		unsigned n = h ? share_of(&r->hops[i], sum) : 0;
		for (; n && spec.n_members < NEXTHOP_MEMBERS_MAX; n--) {
			h->n_refs++; /* one a place among the members, until the group has its own */
			spec.members[spec.n_members++] = h;
		}
		hops_put(fib->hops, h);
	}
	struct hop *group = spec.n_members ? hops_get(fib->hops, &spec) : NULL;
	for (unsigned i = 0; i < spec.n_members; i++)
		hops_put(fib->hops, spec.members[i]);
	return group;
}

static struct hop *
unicast_hop(struct fib *fib, const struct net_route *r, enum tables_which which)
{
	const struct net_hop *only = NULL;
	unsigned n = 0;
	for (unsigned i = 0; i < r->n_hops; i++) {
		if (hop_counts(fib, which, &r->hops[i])) {
			only = &r->hops[i];
			n++;
		}
	}
	if (!n || addr_is_multicast(&r->dst.addr))
		return plain_hop(fib, NEXTHOP_KERNEL);
	return n == 1 ? one_hop(fib, r, only) : group_hop(fib, r, which);
}

static struct hop *
hop_of(struct fib *fib, const struct net_route *r, enum tables_which which)
{
	switch (r->type) {
	case RTN_UNICAST:
		return unicast_hop(fib, r, which);
	case RTN_LOCAL:
		return plain_hop(fib, NEXTHOP_LOCAL);
	case RTN_BLACKHOLE:
		return plain_hop(fib, NEXTHOP_BLACKHOLE);
	default: /* unreachable, prohibit, broadcast, anycast: the kernel knows what to answer */
		return plain_hop(fib, NEXTHOP_KERNEL);
	}
}

/* Whether the route takes packets to neighbours on that port themselves. */
static bool
connects(const struct fib *fib, const struct net_route *r, uint32_t ifindex)
{
	const struct device *d = device_find(fib->devices, ifindex);
	if (r->type != RTN_UNICAST || !d || d->role != DEVICE_PORT)
		return false;
	for (unsigned i = 0; i < r->n_hops; i++) {
		const struct net_hop *h = &r->hops[i];
		if (h->ifindex == ifindex && !h->via.family && !(h->flags & RTNH_F_DEAD))
			return true;
	}
	return false;
}

/* The neighbour of that address to whom the connected route r leads; NULL: none is known. */
static struct hop *
neighbour_hop(struct fib *fib, const struct net_route *r, const struct rib_node *n)
{
	for (const struct rib_neighbour *nb = n->neighbours; nb; nb = nb->next) {
		if (!connects(fib, r, nb->ifindex))
			continue;
		struct net_hop hop = {.ifindex = nb->ifindex, .via = n->prefix.addr, .weight = 1};
		return one_hop(fib, r, &hop);
	}
	return NULL;
}

/* ---- What is published at a node ---- */

/* The next hop for this very prefix, with a reference; NULL: a shorter one serves, or none. */
static struct hop *
wanted(struct fib *fib, enum tables_which which, const struct rib_node *n)
{
	if (rib_node_is_bare(n))
		return NULL;
	struct winner w = find_winner(fib, which, n);
	/* With throws about, what serves further up need not be what wins here: say all. */
	bool says_all = fib->rib.n_throws > 0;
	if (!w.route)
		return says_all ? plain_hop(fib, NEXTHOP_KERNEL) : NULL;
	struct hop *h = neighbour_hop(fib, w.route, n);
	if (h)
		return h;
	return w.node == n || says_all ? hop_of(fib, w.route, which) : NULL;
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
	uint64_t settled; /* tables that hide the changed route wherever they have one of their own */
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
