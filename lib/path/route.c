/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where an inner packet goes next. Looked up are those that came in plain from a port and those
 * that came out of a tunnel. Into a tunnel: on to peers_burst. Out of a tunnel to a neighbour:
 * delivered here. Neither: the kernel's, whose firewall and NAT apply there.
 */
#include "path/worker.h"
#include "wire/ip.h"

/* Whether a router may pass it on; else the kernel answers with time exceeded. */
static bool
takes_hop(struct packet *p)
{
	if (unlikely_true(ip_ttl(p->ip, p->family) <= 1)) {
		p->verdict = VERDICT_KERNEL;
		return false;
	}
	ip_ttl_decrement(p->ip, p->family);
	return true;
}

static void
into_tunnel(struct worker *w, struct burst *b, uint32_t at, const struct nexthop *nh)
{
	struct packet *p = &b->packets[at];
	if (unlikely_true(p->n_bytes > w->tables->ifaces[nh->iface_id].mtu)) {
		p->verdict = VERDICT_KERNEL; /* it fragments, or says packet too big */
	} else if (likely_true(takes_hop(p))) {
		p->out_link = link_of_iface(nh->iface_id);
		list_add(&b->tunnel, at);
	}
}

/* Puts the neighbour's Ethernet header in front of the packet at p->ip and trims the rest. */
static void
deliver(struct worker *w, struct packet *p, const struct nexthop *nh)
{
	if (unlikely_true(p->n_bytes > nh->mtu)) {
		p->verdict = VERDICT_KERNEL;
		return;
	}
	if (!takes_hop(p))
		return;
	uint8_t *frame = p->ip - nh->ethernet_bytes;
	memcpy(frame, nh->ethernet, nh->ethernet_bytes - 2u);
	store_be16(p->ip - 2, p->family == ADDR_V4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
	p->mbuf->data_off = (uint16_t)(frame - (uint8_t *)p->mbuf->buf_addr);
	p->mbuf->data_len = (uint16_t)(p->n_bytes + nh->ethernet_bytes);
	p->mbuf->pkt_len = p->mbuf->data_len;
	p->out_link = nh->link_id;
	p->verdict = VERDICT_TX;
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

static void
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
		deliver(w, p, nh);
	else if (is_from_tunnel && nh->type == NEXTHOP_GLEAN)
		park_for_neighbour(w, p, PARK_FORWARD);
	else
		p->verdict = VERDICT_KERNEL;
}

void
route_burst(struct worker *w, struct burst *b)
{
	uint32_t n = b->routed.n;
	const struct nexthop *nexthops[BURST_MAX];
	for (uint32_t i = 0; i < n; i++) {
		const struct packet *p = &b->packets[b->routed.at[i]];
		b->queries[i] = (struct route_query){
			.table = w->tables->forward[family_index(p->family)],
			.addr = ip_destination(p->ip, p->family),
		};
	}
	route_lookup_bulk(b->queries, n);
	for (uint32_t i = 0; i < n; i++) {
		nexthops[i] = b->queries[i].value ? tables_nexthop(w->tables, b->queries[i].value) : NULL;
		__builtin_prefetch(nexthops[i]);
	}
	for (uint32_t i = 0; i < n; i++)
		route_packet(w, b, b->routed.at[i], nexthops[i]);
}
