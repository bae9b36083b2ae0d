/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys of the state's objects: what the kernel itself tells them apart by. */
#include "host/state.h"

#include <string.h>

struct writer {
	uint8_t *at;
};

static void
put(struct writer *w, const void *data, unsigned n_bytes)
{
	memcpy(w->at, data, n_bytes);
	w->at += n_bytes;
}

static void
put_u32(struct writer *w, uint32_t v)
{
	put(w, &v, sizeof(v));
}

static void
put_prefix(struct writer *w, const struct prefix *p)
{
	put(w, p->addr.bytes, sizeof(p->addr.bytes));
	put_u32(w, (uint32_t)p->addr.family << 8 | p->len);
}

static void
put_route(struct writer *w, const struct net_route *r)
{
	put_u32(w, r->table);
	put_u32(w, r->metric);
	put_u32(w, r->tos);
	put_prefix(w, &r->dst);
	put_prefix(w, &r->src);
}

static void
put_rule(struct writer *w, const struct net_rule *r)
{
	put_u32(w, r->priority);
	put_u32(w, r->table);
	put_u32(w, r->fwmark);
	put_u32(w, r->fwmask);
	put_u32(w, r->goto_priority);
	put_u32(w, (uint32_t)r->suppress_prefix_len);
	put(w, &r->others, sizeof(r->others));
	put_prefix(w, &r->src);
	put_prefix(w, &r->dst);
	put(w, r->iif, sizeof(r->iif));
	put(w, r->oif, sizeof(r->oif));
	put_u32(w, (uint32_t)r->family << 24 | r->action << 16 | r->tos << 8 | r->is_inverted);
}

_Static_assert(7 * 4 + 8 + 2 * 20 + 2 * IF_NAMESIZE <= NET_KEY_BYTES, "a rule's key fits");

unsigned
net_object_key(const struct net_object *o, uint8_t out[NET_KEY_BYTES])
{
	struct writer w = {.at = out};
	switch (o->kind) {
	case NET_LINK:
		put_u32(&w, o->link.ifindex);
		break;
	case NET_ADDR:
		put_u32(&w, o->addr.ifindex);
		put_prefix(&w, &o->addr.prefix);
		put(&w, o->addr.peer.bytes, sizeof(o->addr.peer.bytes));
		break;
	case NET_RULE:
		put_rule(&w, &o->rule);
		break;
	case NET_ROUTE:
		put_route(&w, &o->route);
		break;
	default:
		put_u32(&w, o->neigh.ifindex);
		put_u32(&w, o->neigh.addr.family);
		put(&w, o->neigh.addr.bytes, sizeof(o->neigh.addr.bytes));
	}
	return (unsigned)(w.at - out);
}

unsigned
net_object_n_bytes(const struct net_object *o)
{
	if (o->kind != NET_ROUTE)
		return sizeof(*o);
	unsigned n = offsetof(struct net_object, route.hops) +
		o->route.n_hops * sizeof(struct net_hop);
	return n > sizeof(*o) ? n : sizeof(*o);
}

bool
net_object_is_equal(const struct net_object *a, const struct net_object *b)
{
	/* Both were zeroed before they were filled, so their padding is equal too. */
	unsigned n = net_object_n_bytes(a);
	return n == net_object_n_bytes(b) && memcmp(a, b, n) == 0;
}

bool
net_hop_is_equal(const struct net_hop *a, const struct net_hop *b)
{
	return a->ifindex == b->ifindex && addr_is_equal(&a->via, &b->via);
}
