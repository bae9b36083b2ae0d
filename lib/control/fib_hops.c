/* SPDX-License-Identifier: BSD-3-Clause */
/* The next hop that a route comes to. */
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/bytes.h"
#include "control/fib_inner.h"

static bool
is_over_tunnel(const struct fib *fib, const struct net_hop *hop)
{
	const struct device *d = device_find(fib->devices, hop->ifindex);
	return d && d->role == DEVICE_TUNNEL;
}

bool
fib_hop_counts(const struct fib *fib, enum tables_which which, const struct net_hop *hop)
{
	if (hop->flags & RTNH_F_DEAD)
		return false;
	return which == TABLES_FORWARD || !is_over_tunnel(fib, hop);
}

struct hop *
fib_plain_hop(struct fib *fib, enum nexthop_type type)
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
		return fib_plain_hop(fib, NEXTHOP_KERNEL);
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
		sum += fib_hop_counts(fib, which, &r->hops[i]) ? MAX_OF(r->hops[i].weight, 1) : 0;
	for (unsigned i = 0; i < r->n_hops; i++) {
		if (!fib_hop_counts(fib, which, &r->hops[i]))
			continue;
		struct hop *h = one_hop(fib, r, &r->hops[i]);
		unsigned n = h ? share_of(&r->hops[i], sum) : 0;
		for (; n && spec.n_members < NEXTHOP_MEMBERS_MAX; n--) {
			h->n_refs++; /* one for each place, until the group has its own */
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
		if (fib_hop_counts(fib, which, &r->hops[i])) {
			only = &r->hops[i];
			n++;
		}
	}
	if (!n || addr_is_multicast(&r->dst.addr))
		return fib_plain_hop(fib, NEXTHOP_KERNEL);
	return n == 1 ? one_hop(fib, r, only) : group_hop(fib, r, which);
}

struct hop *
fib_route_hop(struct fib *fib, const struct net_route *r, enum tables_which which)
{
	switch (r->type) {
	case RTN_UNICAST:
		return unicast_hop(fib, r, which);
	case RTN_LOCAL:
		return fib_plain_hop(fib, NEXTHOP_LOCAL);
	case RTN_BLACKHOLE:
		return fib_plain_hop(fib, NEXTHOP_BLACKHOLE);
	default: /* unreachable, prohibit, broadcast, anycast: the kernel knows what to answer */
		return fib_plain_hop(fib, NEXTHOP_KERNEL);
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

struct hop *
fib_neighbour_hop(struct fib *fib, const struct net_route *r, const struct rib_node *n)
{
	for (const struct rib_neighbour *nb = n->neighbours; nb; nb = nb->next) {
		if (!connects(fib, r, nb->ifindex))
			continue;
		struct net_hop hop = {.ifindex = nb->ifindex, .via = n->prefix.addr, .weight = 1};
		return one_hop(fib, r, &hop);
	}
	return NULL;
}
