/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of neighbours and the limits on asking. */
#include "control/neigh.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static const ns_t wanted_every_ns = NS_IN_S;
static const ns_t ask_unresolved_ns = 3 * NS_IN_S; /* the kernel's own three tries take as long */
static const ns_t ask_stale_ns = 30 * NS_IN_S;

int
neighs_init(struct neighs *ns, const struct neigh_ops *ops)
{
	*ns = (struct neighs){.n_asks_left = NEIGH_ASKS_A_SECOND};
	if (ops)
		ns->ops = *ops;
	hash_init(&ns->by_addr);
	ns->wanted = calloc(NEIGH_WANTED_SLOTS, sizeof(*ns->wanted));
	return ns->wanted ? 0 : -ENOMEM;
}

void
neighs_fini(struct neighs *ns)
{
	for (size_t i = 0; i < ns->by_addr.n_buckets; i++) {
		struct hash_link *next, *l = ns->by_addr.buckets[i];
		for (; l; l = next) {
			next = l->next;
			free(CONTAINER_OF(l, struct neigh, by_addr));
		}
	}
	hash_fini(&ns->by_addr);
	free(ns->wanted);
}

static uint64_t
key_hash(const struct neighs *ns, uint32_t ifindex, const struct addr *addr)
{
	uint8_t key[21];
	store_le32(key, ifindex);
	memcpy(key + 4, addr->bytes, 16);
	key[20] = addr->family;
	return hash_of(&ns->by_addr, key, sizeof(key));
}

static struct neigh *
find_hashed(const struct neighs *ns, uint64_t hash, uint32_t ifindex, const struct addr *addr)
{
	for (struct hash_link *l = hash_first(&ns->by_addr, hash); l; l = hash_next(l)) {
		struct neigh *n = CONTAINER_OF(l, struct neigh, by_addr);
		if (n->ifindex == ifindex && addr_is_equal(&n->addr, addr))
			return n;
	}
	return NULL;
}

struct neigh *
neigh_find(const struct neighs *ns, uint32_t ifindex, const struct addr *addr)
{
	return find_hashed(ns, key_hash(ns, ifindex, addr), ifindex, addr);
}

struct neigh *
neigh_get(struct neighs *ns, uint32_t ifindex, const struct addr *addr)
{
	uint64_t hash = key_hash(ns, ifindex, addr);
	struct neigh *n = find_hashed(ns, hash, ifindex, addr);
	if (n)
		return n;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->addr = *addr;
	n->ifindex = ifindex;
	n->at.ifindex = ifindex;
	if (hash_add(&ns->by_addr, &n->by_addr, hash)) {
		free(n);
		return NULL;
	}
	return n;
}

void
neigh_tidy(struct neighs *ns, struct neigh *n)
{
	if (n->state || n->is_asked || n->at.node || n->hops)
		return;
	hash_remove(&ns->by_addr, &n->by_addr);
	free(n);
}

bool
neigh_is_resolved(const struct neigh *n)
{
	return n->has_mac && n->state &
		(NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP);
}

bool
neigh_update(struct neigh *n, const struct net_neigh *now)
{
	bool was_resolved = neigh_is_resolved(n);
	struct mac was = n->mac;
	n->state = now ? now->state : 0;
	n->has_mac = now && now->has_mac;
	if (n->has_mac)
		n->mac = now->mac;
	if (!now)
		n->is_asked = false;
	return was_resolved != neigh_is_resolved(n) ||
		(was_resolved && memcmp(&was, &n->mac, sizeof(was)) != 0);
}

void
neigh_use(struct neighs *ns, struct neigh *n)
{
	if (n->n_uses++)
		return;
	n->prev = NULL;
	n->next = ns->in_use;
	if (n->next)
		n->next->prev = n;
	ns->in_use = n;
}

void
neigh_unuse(struct neighs *ns, struct neigh *n)
{
	if (--n->n_uses)
		return;
	if (n->next)
		n->next->prev = n->prev;
	if (n->prev)
		n->prev->next = n->next;
	else
		ns->in_use = n->next;
}

void
neigh_ask(struct neighs *ns, struct neigh *n)
{
	if (!ns->n_asks_left || !ns->ops.resolve)
		return;
	ns->n_asks_left--;
	n->asked_ns = ns->now_ns;
	n->is_asked = ns->ops.resolve(ns->ops.ctx, n->ifindex, &n->addr) >= 0;
}

void
neigh_want(struct neighs *ns, uint32_t ifindex, const struct addr *addr)
{
	uint64_t hash = key_hash(ns, ifindex, addr);
	struct neigh_wanted *w = &ns->wanted[hash % NEIGH_WANTED_SLOTS];
	bool is_same = w->ifindex == ifindex && addr_is_equal(&w->addr, addr);
	if (is_same && ns->now_ns - w->asked_ns < wanted_every_ns)
		return;
	struct neigh *n = find_hashed(ns, hash, ifindex, addr);
	if ((n && neigh_is_resolved(n)) || !ns->n_asks_left || !ns->ops.resolve)
		return;
	n = neigh_get(ns, ifindex, addr);
	if (!n)
		return;
	*w = (struct neigh_wanted){.addr = *addr, .ifindex = ifindex, .asked_ns = ns->now_ns};
	neigh_ask(ns, n);
	neigh_tidy(ns, n);
}

void
neigh_forget_failed(struct neighs *ns, struct neigh *n)
{
	if (!(n->state & NUD_FAILED) || n->n_uses || !n->is_asked)
		return;
	n->is_asked = false;
	if (ns->ops.forget)
		ns->ops.forget(ns->ops.ctx, n->ifindex, &n->addr);
}

static bool
ask_is_due(const struct neigh *n, ns_t now_ns)
{
	if (!neigh_is_resolved(n))
		return now_ns - n->asked_ns >= ask_unresolved_ns;
	return n->state & NUD_STALE && now_ns - n->asked_ns >= ask_stale_ns;
}

void
neighs_tick(struct neighs *ns, ns_t now_ns)
{
	ns->now_ns = now_ns;
	ns->n_asks_left = NEIGH_ASKS_A_SECOND;
	for (struct neigh *n = ns->in_use; n; n = n->next) {
		if (ask_is_due(n, now_ns))
			neigh_ask(ns, n);
	}
}
