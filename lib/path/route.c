/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where an inner packet goes next. Looked up are those that came in plain from a port and those
 * that came out of a tunnel. Into a tunnel: on to peers_burst. Out of a tunnel to a neighbour:
 * delivered here. Neither: the kernel's, whose firewall and NAT apply there.
 */
#include "path/encap.h"
#include "path/worker.h"
#include "wire/ip.h"

/* Whether a router may pass it on; else the kernel answers with time exceeded. */
static inline bool
takes_hop(struct packet *p)
{
	if (unlikely_true(ip_ttl(p->ip, p->family) <= 1)) {
		p->verdict = VERDICT_KERNEL;
		return false;
	}
	ip_ttl_decrement(p->ip, p->family);
	return true;
}

static inline void
into_tunnel(struct worker *w, struct burst *b, uint32_t at, const struct nexthop *nh)
{
	struct packet *p = &b->packets[at];
	uint32_t mtu = __atomic_load_n(&w->tables->ifaces[nh->iface_id].mtu, __ATOMIC_RELAXED);
	if (unlikely_true(p->n_bytes > mtu)) {
		p->verdict = VERDICT_KERNEL; /* it fragments, or says packet too big */
	} else if (likely_true(takes_hop(p))) {
		p->out_link = link_of_iface(nh->iface_id);
		list_add(&b->tunnel, at);
	}
}

/* To a neighbour on a port. */
static inline void
deliver(struct packet *p, const struct nexthop *nh)
{
	if (unlikely_true(p->n_bytes > nh->mtu))
		p->verdict = VERDICT_KERNEL;
	else if (likely_true(takes_hop(p)))
		encap_frame(p, nh);
}

/* Equal-cost paths: a flow keeps to one member, chosen by its addresses. */
static const struct nexthop *
group_member(const struct tables *t, const struct packet *p, const struct nexthop *group)
{
	if (!group->n_members)
		return NULL;
	const uint8_t *src = ip_source(p->ip, p->family), *dst = ip_destination(p->ip, p->family);
	unsigned last = addr_n_bytes(p->family) - 4;
	uint64_t h = (uint64_t)(load_le32(src + last) ^ (load_le32(dst + last) * 0x85ebca6bu)) *
		     0x9e3779b97f4a7c15ull;
	return tables_nexthop(t, group->members[(h >> 33) % group->n_members]);
}

static inline void
route_packet(struct worker *w, struct burst *b, uint32_t at, const struct nexthop *nh)
{
	struct packet *p = &b->packets[at];
	if (nh && unlikely_true(nh->type == NEXTHOP_GROUP))
		nh = group_member(w->tables, p, nh);
	if (unlikely_true(!nh)) {
		p->verdict = VERDICT_KERNEL;
		return;
	}
	p->nexthop = nh;
	bool is_from_tunnel = link_is_tunnel(p->in_link);
	if (nh->type == NEXTHOP_TUNNEL)
		into_tunnel(w, b, at, nh);
	else if (nh->type == NEXTHOP_BLACKHOLE)
		packet_drop(p, DROP_NO_ROUTE);
	else if (is_from_tunnel && nh->type == NEXTHOP_LINK)
		deliver(p, nh);
	else if (is_from_tunnel && nh->type == NEXTHOP_GLEAN)
		park_for_neighbour(w, p, PARK_FORWARD);
	else
		p->verdict = VERDICT_KERNEL;
}

void
route_burst(struct worker *w, struct burst *b)
{
	struct lookup *l = &b->lookup;
	const struct nexthop *nexthops[BURST_MAX + 1];
	lookup_clear(l);
	for (uint32_t i = 0; i < b->routed.n; i++) {
		const struct packet *p = &b->packets[b->routed.at[i]];
		lookup_add(l, w->tables->forward[family_index(p->family)],
			ip_destination(p->ip, p->family), p->family);
	}
	lookup_run(l);
	for (uint32_t k = 1; k <= l->n_queries; k++) {
		uint32_t id = l->queries[k].value;
		nexthops[k] = id ? tables_nexthop(w->tables, id) : NULL;
		__builtin_prefetch(nexthops[k]);
	}
	for (uint32_t i = 0; i < b->routed.n; i++)
		route_packet(w, b, b->routed.at[i], nexthops[l->of[i]]);
}
