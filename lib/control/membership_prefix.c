/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server is trusted with the tailnet, and with no more than that: whatever its maps say, they
 * take neither the networks that ports are in, nor the way to the server itself, nor half of the
 * internet at once, unless the config has made that node its way there, nor what is around a peer
 * of another interface.
 */
#include "control/membership_prefix.h"

#include "control/membership.h"
#include "control/membership_exit.h"

enum {
	MIN_V4_LEN = 8, /* 10.0.0.0/8 is the widest network that anybody has */
	MIN_V6_LEN = 7, /* fc00::/7 likewise */
};

static bool
overlaps(const struct prefix *a, const struct prefix *b)
{
	return a->addr.family == b->addr.family &&
		(a->len <= b->len ? prefix_has(a, &b->addr) : prefix_has(b, &a->addr));
}

static bool
overlaps_one_of(const struct prefix_list *l, const struct prefix *p)
{
	for (size_t i = 0; i < l->n; i++) {
		if (overlaps(&l->items[i], p))
			return true;
	}
	return false;
}

/* Networks that we are in are not to be had from elsewhere. */
static bool
is_attached(const struct control *c, const struct prefix *p)
{
	const struct intent *it = c->running;
	for (size_t i = 0; i < it->n_ports; i++) {
		if (overlaps_one_of(&it->ports[i]->addresses, p))
			return true;
	}
	return routes_is_attached(c->routes, p);
}

/* …nor what stands behind us, nor what an interface of ours is in. */
static bool
is_ours(const struct control *c, const struct interface_intent *i, const struct prefix *p)
{
	const struct intent *it = c->running;
	for (size_t k = 0; k < it->n_interfaces; k++) {
		if (overlaps_one_of(&it->interfaces[k]->addresses, p))
			return true;
	}
	return overlaps_one_of(&i->headscale->routes, p);
}

static bool
covers_one_of(const struct prefix *p, const struct peer_set *peers)
{
	if (p->len == addr_bits(p->addr.family))
		return allowed_find(peers, p);
	for (const struct peer_intent *peer = peers->first; peer; peer = peer->next) {
		for (const struct allowed_intent *a = peer->first_allowed; a; a = a->next) {
			if (a->prefix.len >= p->len && overlaps(p, &a->prefix))
				return true;
		}
	}
	return false;
}

/*
 * Rules know a peer of the config by its addresses, at whichever interface: who had them here would
 * have its rights. Of less than it has rules know that it is a node's (membership_filter.c).
 */
bool
membership_covers_a_peer(const struct control *c, const struct interface_intent *i,
	const struct prefix *p)
{
	const struct intent *it = c->running;
	for (size_t k = 0; k < it->n_interfaces; k++) {
		if (it->interfaces[k] != i && covers_one_of(p, &it->interfaces[k]->peers))
			return true;
	}
	return false;
}

/* By a peer there would be no server, and so no peer. */
static bool
has_server(const struct control *c, const struct prefix *p)
{
	const struct addr *server = &c->membership.server;
	return server->family == p->addr.family && prefix_has(p, server);
}

static bool
is_unusable(const struct prefix *p)
{
	return p->len < (p->addr.family == ADDR_V4 ? MIN_V4_LEN : MIN_V6_LEN) ||
		addr_is_nobodys(&p->addr) || addr_is_multicast(&p->addr) ||
		addr_is_link_local(&p->addr);
}

bool
membership_lets_in(const struct control *c, const struct interface_intent *i,
	const struct tailnet_node *n, const struct prefix *p)
{
	if (i->headscale && p->len == 0)
		return membership_exit_is(c, i->headscale, n) &&
			!membership_covers_a_peer(c, i, p);
	if (!i->headscale || is_unusable(p) || is_attached(c, p) || has_server(c, p) ||
		membership_covers_a_peer(c, i, p))
		return false;
	if (node_is_at(n, p))
		return !prefix_list_has(&i->addresses, p);
	return i->headscale->accepts_routes && !is_ours(c, i, p);
}

void
membership_own_addresses(const struct control *c, const struct tailnet_node *self,
	struct prefix_list *out)
{
	for (size_t i = 0; self && i < self->n_addresses; i++) {
		const struct prefix *p = &self->addresses[i];
		if (p->len == addr_bits(p->addr.family) && !is_unusable(p) &&
			!is_attached(c, p) && !has_server(c, p))
			(void)prefix_list_add(out, p);
	}
}
