/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outer headers: IP and UDP from the peer's template, then the underlay's next hop and its
 * Ethernet header. The UDP checksum is left out over IPv4 (RFC 768 allows it, the tag protects
 * what is inside) and computed over IPv6 (RFC 8200, 8.1).
 */
#include "path/encap.h"
#include "path/fragment.h"
#include "path/worker.h"
#include "wire/ip.h"

static inline void
finish_v4(uint8_t *ip, const struct packet *p, const struct encap *e, uint32_t total)
{
	/* Without DF the identification tells datagrams apart; the counter differs in each. */
	uint16_t id = (uint16_t)p->counter;
	ip[1] = p->outer_tos;
	store_be16(ip + 2, (uint16_t)total);
	store_le16(ip + 4, id);
	uint64_t sum = (uint64_t)e->checksum + ((uint32_t)p->outer_tos << 8) +
		       __builtin_bswap16((uint16_t)total) + id;
	store_le16(ip + 10, (uint16_t)~ip_sum_fold(sum));
	store_be16(ip + IPV4_BYTES + 4, (uint16_t)(total - IPV4_BYTES));
}

static void
finish_v6(uint8_t *ip, const struct packet *p, const struct encap *e, uint32_t total)
{
	uint16_t udp_bytes = (uint16_t)(total - IPV6_BYTES);
	ip[0] = (uint8_t)(0x60 | p->outer_tos >> 4);
	ip[1] = (uint8_t)(p->outer_tos << 4);
	store_be16(ip + 4, udp_bytes);
	uint8_t *udp = ip + IPV6_BYTES;
	store_be16(udp + 4, udp_bytes);
	/* The length counts twice: in the pseudo header and in the UDP header. */
	uint64_t sum = (uint64_t)e->checksum + 2ull * __builtin_bswap16(udp_bytes);
	sum += ip_sum(udp + UDP_BYTES, udp_bytes - UDP_BYTES);
	uint16_t checksum = (uint16_t)~ip_sum_fold(sum);
	store_le16(udp + 6, checksum ? checksum : 0xffff);
}

static inline void
put_outer(struct packet *p, const struct encap *e)
{
	if (likely_true(e->family == ADDR_V4)) {
		uint8_t *ip = p->ip - (IPV4_BYTES + UDP_BYTES);
		p->n_bytes += IPV4_BYTES + UDP_BYTES;
		memcpy(ip, e->header, IPV4_BYTES + UDP_BYTES);
		finish_v4(ip, p, e, p->n_bytes);
		p->ip = ip;
	} else {
		uint8_t *ip = p->ip - (IPV6_BYTES + UDP_BYTES);
		p->n_bytes += IPV6_BYTES + UDP_BYTES;
		memcpy(ip, e->header, IPV6_BYTES + UDP_BYTES);
		finish_v6(ip, p, e, p->n_bytes);
		p->ip = ip;
	}
	p->family = e->family;
}

void
encap_outer(struct packet *p, const struct encap *e)
{
	put_outer(p, e);
}

void
encap_link(struct worker *w, struct packet *p, const struct nexthop *nh)
{
	p->nexthop = nh;
	if (unlikely_true(!nh))
		packet_drop(p, DROP_NO_UNDERLAY);
	else if (unlikely_true(nh->type == NEXTHOP_GLEAN))
		park_for_neighbour(w, p, PARK_UNDERLAY);
	else if (unlikely_true(nh->type != NEXTHOP_LINK))
		packet_drop(p, DROP_NO_UNDERLAY);
	else if (likely_true(p->n_bytes <= nh->mtu || fragment_packet(w, p, nh->mtu, AGAIN_SEALED)))
		encap_frame(p, nh);
}

const struct nexthop *
encap_nexthop(const struct tables *t, uint32_t nexthop_id)
{
	const struct nexthop *nh = nexthop_id ? tables_nexthop(t, nexthop_id) : NULL;
	if (nh && unlikely_true(nh->type == NEXTHOP_GROUP) && nh->n_members)
		nh = tables_nexthop(t, nh->members[0]);
	return nh;
}

bool
encap_renew(struct worker *w, struct packet *p, struct encap *was, const struct mail_path *to)
{
	if (!was || !w->n_spares)
		return false;
	struct event_mail mail = {
		.kind = EVENT_ENCAP_REPLACED,
		.peer_id = p->peer_id,
		.worker = w->idx,
		.path = *to,
		.encap = was,
	};
	/* Once told it must be done, and once done it must be told: room is seen to first. */
	if (!mailbox_has_room(w->config->boxes->events))
		return false;
	struct encap *spare = w->spares[w->n_spares - 1];
	spare->remote = to->remote;
	spare->local = to->local;
	if (!tables_encap_replace(w->tables, p->peer, was, spare))
		return false;
	w->n_spares--;
	if (!mailbox_put(w->config->boxes->events, &mail))
		drop_count(&w->drops, DROP_MAILBOX_FULL,
			1); /* the old header is never freed: 192 bytes */
	return true;
}

/*
 * The underlay or the port changed after this header was made: it is made anew, by this worker if
 * it has a spare, else by control, and then the next hop at least is looked up here meanwhile.
 */
static const struct encap *
fresh_encap(struct worker *w, struct packet *p, struct encap *e, uint32_t *nexthop_id)
{
	struct mail_path path = {.remote = e->remote, .local = e->local};
	if (encap_renew(w, p, e, &path)) {
		e = rcu_read(p->peer->encap);
		*nexthop_id = e ? e->nexthop_id : 0;
		return e;
	}
	const struct event_mail mail = {
		.kind = EVENT_ENCAP_STALE,
		.peer_id = p->peer_id,
		.worker = w->idx,
	};
	(void)event_put_once(w, &p->peer->encap_stale_is_told, &mail);
	*nexthop_id = route_lookup(tables_underlay(w->tables, p->peer->iface_id, e->family),
		e->remote.addr.bytes);
	return e;
}

/* What the packets of one peer get in front; without an encap they are dropped for the reason. */
struct hop {
	const struct encap *encap;
	const struct nexthop *nexthop;
	uint32_t mtu;
	enum drop_reason reason;
};

/* Less than the next hop's when a router further on has said so (path/pmtu.h). */
static uint32_t
mtu_of_path(const struct peer_entry *peer, const struct encap *e, const struct nexthop *nh)
{
	uint32_t mtu = nh ? nh->mtu : 0, path = __atomic_load_n(&peer->path_mtu, __ATOMIC_RELAXED);
	return unlikely_true(path && path < mtu && e->family == ADDR_V6) ? path : mtu;
}

static struct hop
find_hop(struct worker *w, struct packet *p)
{
	struct encap *current = rcu_read(p->peer->encap);
	const struct encap *e = current;
	if (unlikely_true(!e))
		return (struct hop){.reason = DROP_NO_ENDPOINT};
	uint32_t nexthop_id = e->nexthop_id;
	if (unlikely_true(e->generation !=
			  __atomic_load_n(&w->tables->underlay_generation, __ATOMIC_RELAXED)))
		e = fresh_encap(w, p, current, &nexthop_id);
	if (unlikely_true(!e || !e->has_route))
		return (struct hop){.reason = DROP_NO_UNDERLAY};
	const struct nexthop *nh = encap_nexthop(w->tables, nexthop_id);
	return (struct hop){.encap = e, .nexthop = nh, .mtu = mtu_of_path(p->peer, e, nh)};
}

/* Packets of one peer mostly follow each other: the header is found once for a run. */
static void
encap_sealed(struct worker *w, struct burst *b)
{
	const struct peer_entry *last = NULL;
	struct hop hop = {0};
	for (uint32_t i = 0; i < b->seal.n; i++) {
		struct packet *p = b->seal.packets[i];
		if (unlikely_true(!b->jobs[i].is_ok)) {
			packet_drop(p, DROP_WG_AUTH);
			continue;
		}
		if (p->peer != last) {
			hop = find_hop(w, p);
			last = p->peer;
		}
		if (unlikely_true(!hop.encap)) {
			packet_drop(p, hop.reason);
			continue;
		}
		put_outer(p, hop.encap);
		const struct nexthop *nh = hop.nexthop;
		bool is_link = nh && nh->type == NEXTHOP_LINK;
		if (likely_true(is_link && p->n_bytes <= hop.mtu))
			encap_frame(p, nh);
		else if (is_link && !fragment_packet(w, p, hop.mtu, AGAIN_SEALED))
			continue;
		else
			encap_link(w, p, nh);
	}
}

void
encap_burst(struct worker *w, struct burst *b)
{
	encap_sealed(w, b);
	/* Released ones that waited for the underlay's neighbour. */
	for (uint32_t i = 0; i < b->sealed.n; i++) {
		struct packet *p = b->sealed.packets[i];
		uint16_t iface_id = (uint16_t)(p->out_link - LINK_FIRST_TUNNEL);
		uint32_t id = route_lookup(tables_underlay(w->tables, iface_id, p->family),
			ip_destination(p->ip, p->family));
		encap_link(w, p, encap_nexthop(w->tables, id));
	}
}
