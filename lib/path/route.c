/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where an inner packet goes next. Looked up are those that came in plain from a port and those
 * that came out of a tunnel. Into a tunnel: on to peers_burst. Out of a tunnel to a neighbour:
 * delivered here. Neither: the kernel's, whose firewall and NAT apply there. What a router has to
 * say of packets to or from a tunnel is said here as well (path/answer.h), not by the kernel.
 */
#include "base/prefetch.h"
#include "path/answer.h"
#include "path/clamp.h"
#include "path/encap.h"
#include "path/fragment.h"
#include "path/pmtu.h"
#include "path/snat.h"
#include "path/worker.h"
#include "wire/ip.h"
#include "wire/mss.h"

/* Whether a router may pass it on. */
static inline bool
takes_hop(struct worker *w, struct packet *p)
{
	if (unlikely_true(ip_ttl(p->ip, p->family) <= 1)) {
		answer_drop(w, p, DROP_TTL, ICMP_TIME_EXCEEDED);
		return false;
	}
	ip_ttl_decrement(p->ip, p->family);
	return true;
}

/* Makes p fit into the MTU, as a fragment. False: it has its verdict, and its source an answer. */
static __attribute__((noinline)) bool
shrink(struct worker *w, struct packet *p, uint32_t mtu)
{
	if (p->family == ADDR_V4 && !ipv4_is_unfragmentable(p->ip))
		return fragment_packet(w, p, mtu, AGAIN_ROUTED);
	answer_too_big(w, p, mtu);
	return false;
}

static inline void
into_tunnel(struct worker *w, struct burst *b, struct packet *p, const struct nexthop *nh)
{
	uint32_t mtu = __atomic_load_n(&w->tables->ifaces[nh->iface_id].mtu, __ATOMIC_RELAXED);
	p->out_link = link_of_iface(nh->iface_id);
	/* Where the outer headers will stand: no device has written there. */
	prefetch_write(p->ip - CACHE_LINE_BYTES);
	if (unlikely_true(p->n_bytes > mtu) && !shrink(w, p, mtu))
		return;
	if (likely_true(takes_hop(w, p)))
		list_add(&b->tunnel, p);
}

/* To a neighbour on a port. */
static inline void
deliver(struct worker *w, struct packet *p, const struct nexthop *nh)
{
	if (unlikely_true(w->nat != NULL) && !snat_outgoing(w, p, nh))
		return;
	if (unlikely_true(p->n_bytes > nh->mtu) && !shrink(w, p, nh->mtu))
		return;
	if (likely_true(takes_hop(w, p)))
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

/* The kernel may know a way, or translate the address, and else says so. */
static void
no_route(struct worker *w, struct packet *p)
{
	p->verdict = VERDICT_KERNEL;
	if (w->config->has_host)
		return;
	p->out_link = LINK_NONE;
	answer_drop(w, p, DROP_NO_ROUTE, ICMP_NO_ROUTE);
}

/* The kernel's, though what routers say of outer packets concerns us as well. */
static void
to_the_box(struct worker *w, struct packet *p, const struct nexthop *nh)
{
	p->verdict = VERDICT_KERNEL;
	if (nh->type == NEXTHOP_LOCAL && p->in_link < TABLES_MAX_PORTS)
		pmtu_notice(w, p);
}

static inline void
route_packet(struct worker *w, struct burst *b, struct packet *p, const struct nexthop *nh)
{
	if (nh && unlikely_true(nh->type == NEXTHOP_GROUP))
		nh = group_member(w->tables, p, nh);
	if (unlikely_true(!nh)) {
		no_route(w, p);
		return;
	}
	p->nexthop = nh;
	if (unlikely_true(mss_is_syn(p->ip, p->family)))
		clamp_syn(w, p, nh);
	bool is_from_tunnel = p->in_link >= TABLES_MAX_PORTS; /* or an answer of ours */
	if (nh->type == NEXTHOP_TUNNEL)
		into_tunnel(w, b, p, nh);
	else if (nh->type == NEXTHOP_BLACKHOLE)
		packet_drop(p, DROP_NO_ROUTE);
	else if (is_from_tunnel && nh->type == NEXTHOP_LINK)
		deliver(w, p, nh);
	else if (is_from_tunnel && nh->type == NEXTHOP_GLEAN)
		park_for_neighbour(w, p, PARK_FORWARD);
	else
		to_the_box(w, p, nh);
}

void
route_look(struct worker *w, struct burst *b)
{
	struct lookup *l = &b->lookup;
	struct lookup_fill fill = lookup_begin(l);
	for (uint32_t i = 0; i < b->routed.n; i++) {
		const struct packet *p = b->routed.packets[i];
		lookup_add(&fill, w->tables->forward[family_index(p->family)],
			ip_destination(p->ip, p->family), p->family);
	}
	lookup_run(&fill);
	for (uint32_t k = 1; k <= l->n_queries; k++) {
		uint32_t id = l->queries[k].value;
		b->nexthops[k] = id ? tables_nexthop(w->tables, id) : NULL;
		prefetch_read(b->nexthops[k]);
	}
}

void
route_burst(struct worker *w, struct burst *b)
{
	for (uint32_t i = 0; i < b->routed.n; i++) {
		struct packet *p = b->routed.packets[i];
		if (likely_true(p->verdict == VERDICT_NONE))
			route_packet(w, b, p, b->nexthops[b->lookup.of[i]]);
	}
}
