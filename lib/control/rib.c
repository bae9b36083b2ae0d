/* SPDX-License-Identifier: BSD-3-Clause */
/* The tree: descent, insertion, tidying, masks. */
#include "control/rib.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static unsigned
bit_at(const struct addr *a, unsigned i)
{
	return a->bytes[i / 8] >> (7 - i % 8) & 1;
}

/* How many leading bits the two share, max at most. */
static unsigned
shared_bits(const struct addr *a, const struct addr *b, unsigned max)
{
	for (unsigned i = 0; i * 8 < max; i++) {
		unsigned differ = a->bytes[i] ^ b->bytes[i];
		if (differ)
			return MIN_OF(i * 8 + (unsigned)__builtin_clz(differ) - 24, max);
	}
	return max;
}

/* ---- Masks ---- */

uint64_t
rib_table_bit(const struct rib *rib, uint32_t table)
{
	for (unsigned i = 0; i < rib->n_tables; i++) {
		if (rib->tables[i] == table)
			return 1ull << i;
	}
	return 0;
}

static void
set_own_mask(const struct rib *rib, struct rib_node *n)
{
	n->own_mask = n->neighbours ? RIB_NEIGHBOURS : 0;
	for (const struct rib_route *r = n->routes; r; r = r->next)
		n->own_mask |= rib_table_bit(rib, r->net.table);
}

static uint64_t
subtree_mask(const struct rib_node *n)
{
	return n->own_mask | (n->child[0] ? n->child[0]->mask : 0) |
		(n->child[1] ? n->child[1]->mask : 0);
}

static void
masks_up(struct rib_node *n)
{
	for (; n && n->mask != subtree_mask(n); n = n->parent)
		n->mask = subtree_mask(n);
}

static void
masks_below(const struct rib *rib, struct rib_node *n)
{
	if (!n)
		return;
	masks_below(rib, n->child[0]);
	masks_below(rib, n->child[1]);
	set_own_mask(rib, n);
	n->mask = subtree_mask(n);
}

void
rib_set_tables(struct rib *rib, const uint32_t *tables, unsigned n_tables)
{
	rib->n_tables = n_tables;
	memcpy(rib->tables, tables, n_tables * sizeof(*tables));
	masks_below(rib, rib->root);
}

static void
contents_changed(const struct rib *rib, struct rib_node *n)
{
	set_own_mask(rib, n);
	masks_up(n);
}

/* ---- Nodes ---- */

static struct rib_node **
slot_of(struct rib *rib, const struct rib_node *n)
{
	if (!n->parent)
		return &rib->root;
	return &n->parent->child[bit_at(&n->prefix.addr, n->parent->prefix.len)];
}

static struct rib_node *
node_create(const struct prefix *p, unsigned len)
{
	struct rib_node *n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->prefix = (struct prefix){.addr = p->addr, .len = (uint8_t)len};
	n->prefix = prefix_masked(&n->prefix);
	return n;
}

/* Puts fresh where below stands, and below under it. */
static void
put_above(struct rib *rib, struct rib_node *fresh, struct rib_node *below)
{
	*slot_of(rib, below) = fresh;
	fresh->parent = below->parent;
	fresh->child[bit_at(&below->prefix.addr, fresh->prefix.len)] = below;
	below->parent = fresh;
	fresh->mask = below->mask;
}

/* The deepest node that covers p, and in *below the one under it on p's way, if there is one. */
static struct rib_node *
descend(const struct rib *rib, const struct prefix *p, struct rib_node **below)
{
	struct rib_node *at = NULL, *next = rib->root;
	while (next && next->prefix.len <= p->len &&
		shared_bits(&next->prefix.addr, &p->addr, next->prefix.len) == next->prefix.len) {
		at = next;
		next = at->prefix.len < p->len ? at->child[bit_at(&p->addr, at->prefix.len)] : NULL;
	}
	*below = next;
	return at;
}

static struct rib_node *
find(const struct rib *rib, const struct prefix *p)
{
	struct rib_node *below;
	struct rib_node *at = descend(rib, p, &below);
	return at && at->prefix.len == p->len ? at : NULL;
}

/* The node of exactly this prefix, made if need be. NULL: no memory, and nothing has changed. */
static struct rib_node *
node_get(struct rib *rib, const struct prefix *p)
{
	struct rib_node *below;
	struct rib_node *at = descend(rib, p, &below);
	if (at && at->prefix.len == p->len)
		return at;
	struct rib_node *fresh = node_create(p, p->len);
	if (!fresh)
		return NULL;
	unsigned shared = below ? shared_bits(&below->prefix.addr, &p->addr,
		MIN_OF(p->len, below->prefix.len)) : p->len;
	if (below && shared == p->len) {
		put_above(rib, fresh, below);
	} else if (below) {
		struct rib_node *fork = node_create(p, shared);
		if (!fork) {
			free(fresh);
			return NULL;
		}
		put_above(rib, fork, below);
		fork->child[bit_at(&p->addr, shared)] = fresh;
		fresh->parent = fork;
	} else {
		fresh->parent = at;
		*slot_of(rib, fresh) = fresh;
	}
	return fresh;
}

static bool
publishes(const struct rib_node *n)
{
	uint16_t any = 0;
	for (unsigned i = 0; i < TABLES_WHICH_COUNT; i++)
		any |= n->out[i];
	return any;
}

/* Frees the node if nothing needs it. Returns whether. */
static bool
tidy_one(struct rib *rib, struct rib_node *n)
{
	if (!rib_node_is_bare(n) || publishes(n) || (n->child[0] && n->child[1]))
		return false;
	struct rib_node *only = n->child[0] ? n->child[0] : n->child[1];
	*slot_of(rib, n) = only;
	if (only)
		only->parent = n->parent;
	masks_up(n->parent);
	free(n);
	return true;
}

void
rib_node_tidy(struct rib *rib, struct rib_node *n)
{
	struct rib_node *parent;
	for (; n; n = parent) {
		parent = n->parent;
		if (!tidy_one(rib, n))
			return;
	}
}

static void
tidy_below(struct rib *rib, struct rib_node *n)
{
	if (!n)
		return;
	tidy_below(rib, n->child[0]);
	tidy_below(rib, n->child[1]);
	tidy_one(rib, n);
}

void
rib_tidy(struct rib *rib)
{
	tidy_below(rib, rib->root);
}

static void
free_below(struct rib_node *n)
{
	if (!n)
		return;
	free_below(n->child[0]);
	free_below(n->child[1]);
	while (n->routes) {
		struct rib_route *r = n->routes;
		n->routes = r->next;
		free(r);
	}
	free(n);
}

void
rib_fini(struct rib *rib)
{
	free_below(rib->root);
	rib->root = NULL;
}

/* ---- Routes ---- */

/* As the kernel tells routes of one prefix apart, and in the order in which it tries them. */
static int
route_cmp(const struct net_route *a, const struct net_route *b)
{
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	if (a->metric != b->metric)
		return a->metric < b->metric ? -1 : 1;
	if (a->tos != b->tos)
		return a->tos < b->tos ? -1 : 1;
	if (a->src.len != b->src.len)
		return a->src.len > b->src.len ? -1 : 1;
	return a->src.len ? memcmp(a->src.addr.bytes, b->src.addr.bytes, 16) : 0;
}

/* The link that leads to the route of this key, or to where it belongs. */
static struct rib_route **
route_slot(struct rib_node *n, const struct net_route *key)
{
	struct rib_route **at = &n->routes;
	while (*at && route_cmp(&(*at)->net, key) < 0)
		at = &(*at)->next;
	return at;
}

static struct rib_route *
route_copy(const struct net_route *net)
{
	size_t n_bytes = sizeof(*net) + net->n_hops * sizeof(net->hops[0]);
	struct rib_route *r = calloc(1, offsetof(struct rib_route, net) + n_bytes);
	if (r)
		memcpy(&r->net, net, n_bytes);
	return r;
}

static void
route_cut(struct rib *rib, struct rib_route **at)
{
	struct rib_route *r = *at;
	*at = r->next;
	rib->n_throws -= r->net.type == RTN_THROW;
	rib->n_routes--;
	free(r);
}

struct rib_node *
rib_route_put(struct rib *rib, const struct net_route *route)
{
	struct rib_route *fresh = route_copy(route);
	struct rib_node *n = fresh ? node_get(rib, &route->dst) : NULL;
	if (!n) {
		free(fresh);
		return NULL;
	}
	struct rib_route **at = route_slot(n, route);
	if (*at && route_cmp(&(*at)->net, route) == 0)
		route_cut(rib, at);
	fresh->next = *at;
	*at = fresh;
	rib->n_throws += route->type == RTN_THROW;
	rib->n_routes++;
	contents_changed(rib, n);
	return n;
}

struct rib_node *
rib_route_remove(struct rib *rib, const struct net_route *route)
{
	struct rib_node *n = find(rib, &route->dst);
	struct rib_route **at = n ? route_slot(n, route) : NULL;
	if (!at || !*at || route_cmp(&(*at)->net, route) != 0)
		return NULL;
	route_cut(rib, at);
	contents_changed(rib, n);
	return n;
}

/* ---- Neighbours ---- */

int
rib_neighbour_put(struct rib *rib, struct rib_neighbour *nb, const struct addr *addr)
{
	struct prefix p = {.addr = *addr, .len = (uint8_t)addr_bits(addr->family)};
	struct rib_node *n = node_get(rib, &p);
	if (!n)
		return -ENOMEM;
	nb->node = n;
	nb->next = n->neighbours;
	n->neighbours = nb;
	contents_changed(rib, n);
	return 0;
}

struct rib_node *
rib_neighbour_remove(struct rib *rib, struct rib_neighbour *nb)
{
	struct rib_node *n = nb->node;
	struct rib_neighbour **at = &n->neighbours;
	while (*at != nb)
		at = &(*at)->next;
	*at = nb->next;
	nb->node = NULL;
	contents_changed(rib, n);
	return n;
}

/* ---- Walk ---- */

static void
walk(struct rib_node *n, bool (*fn)(void *ctx, struct rib_node *node), void *ctx)
{
	if (!n || !fn(ctx, n))
		return;
	walk(n->child[0], fn, ctx);
	walk(n->child[1], fn, ctx);
}

void
rib_walk(struct rib *rib, struct rib_node *top,
	bool (*fn)(void *ctx, struct rib_node *node), void *ctx)
{
	if (!top) {
		walk(rib->root, fn, ctx);
		return;
	}
	walk(top->child[0], fn, ctx);
	walk(top->child[1], fn, ctx);
}
