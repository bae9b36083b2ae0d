/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outer headers: IP and UDP from the peer's template, then the underlay's next hop and its
 * Ethernet header. The UDP checksum is left out over IPv4 (RFC 768 allows it, the tag protects
 * what is inside) and computed over IPv6 (RFC 8200, 8.1).
 */
#include "path/encap.h"
#include "path/worker.h"
#include "wire/ip.h"
#include "wire/wg.h"

static void
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

static uint64_t
sum_words(const uint8_t *p, uint32_t n_bytes)
{
	uint64_t sum = 0;
	for (; n_bytes >= 4; n_bytes -= 4, p += 4)
		sum += load_le32(p);
	for (unsigned shift = 0; n_bytes; n_bytes--, shift += 8)
		sum += (uint64_t)*p++ << shift;
	return sum;
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
	sum += sum_words(udp + UDP_BYTES, udp_bytes - UDP_BYTES);
	uint16_t checksum = (uint16_t)~ip_sum_fold(sum);
	store_le16(udp + 6, checksum ? checksum : 0xffff);
}

void
encap_outer(struct packet *p, const struct encap *e)
{
	uint8_t *ip = p->ip - e->header_bytes;
	uint32_t total = p->n_bytes + e->header_bytes;
	memcpy(ip, e->header, e->header_bytes);
	if (likely_true(e->family == ADDR_V4))
		finish_v4(ip, p, e, total);
	else
		finish_v6(ip, p, e, total);
	p->ip = ip;
	p->n_bytes = total;
	p->family = e->family;
}

void
encap_link(struct worker *w, struct packet *p, const struct nexthop *nh)
{
	if (unlikely_true(!nh)) {
		packet_drop(p, DROP_NO_UNDERLAY);
		return;
	}
	p->nexthop = nh;
	if (unlikely_true(nh->type == NEXTHOP_GLEAN)) {
		park_for_neighbour(w, p, PARK_UNDERLAY);
		return;
	}
	if (unlikely_true(nh->type != NEXTHOP_LINK)) {
		packet_drop(p, DROP_NO_UNDERLAY);
		return;
	}
	if (unlikely_true(p->n_bytes > nh->mtu)) {
		packet_drop(p, DROP_TOO_BIG);
		return;
	}
	uint8_t *frame = p->ip - nh->ethernet_bytes;
	memcpy(frame, nh->ethernet, nh->ethernet_bytes - 2u);
	store_be16(p->ip - 2, p->family == ADDR_V4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
	p->mbuf->data_off = (uint16_t)(frame - (uint8_t *)p->mbuf->buf_addr);
	p->mbuf->data_len = (uint16_t)(p->n_bytes + nh->ethernet_bytes);
	p->mbuf->pkt_len = p->mbuf->data_len;
	p->out_link = nh->link_id;
	p->verdict = VERDICT_TX;
}

const struct nexthop *
encap_nexthop(const struct tables *t, uint32_t nexthop_id)
{
	const struct nexthop *nh = nexthop_id ? tables_nexthop(t, nexthop_id) : NULL;
	if (nh && unlikely_true(nh->type == NEXTHOP_GROUP) && nh->n_members)
		nh = tables_nexthop(t, nh->members[0]);
	return nh;
}

/*
 * The underlay changed after this header was made: control is told, once, and meanwhile the
 * next hop is looked up here. The source address may be out of date until control has acted.
 */
static uint32_t
stale_nexthop(struct worker *w, struct packet *p, const struct encap *e)
{
	if (!__atomic_load_n(&p->peer->encap_stale_is_told, __ATOMIC_ACQUIRE) &&
		event_put(w, EVENT_ENCAP_STALE, p->peer_id))
		__atomic_store_n(&p->peer->encap_stale_is_told, true, __ATOMIC_RELEASE);
	return route_lookup(w->tables->underlay[family_index(e->family)], e->remote.addr.bytes);
}

static void
encap_packet(struct worker *w, struct packet *p)
{
	const struct encap *e = rcu_read(p->peer->encap);
	if (unlikely_true(!e)) {
		packet_drop(p, DROP_NO_ENDPOINT);
		return;
	}
	uint32_t nexthop_id = e->nexthop_id;
	if (unlikely_true(e->generation !=
			  __atomic_load_n(&w->tables->underlay_generation, __ATOMIC_RELAXED)))
		nexthop_id = stale_nexthop(w, p, e);
	if (unlikely_true(!e->has_route)) {
		packet_drop(p, DROP_NO_UNDERLAY);
		return;
	}
	encap_outer(p, e);
	encap_link(w, p, encap_nexthop(w->tables, nexthop_id));
}

void
encap_burst(struct worker *w, struct burst *b)
{
	for (uint32_t i = 0; i < b->seal.n; i++)
		__builtin_prefetch(rcu_read(b->packets[b->seal.at[i]].peer->encap));
	for (uint32_t i = 0; i < b->seal.n; i++) {
		struct packet *p = &b->packets[b->seal.at[i]];
		if (unlikely_true(!b->jobs[i].is_ok))
			packet_drop(p, DROP_WG_AUTH);
		else
			encap_packet(w, p);
	}
	for (uint32_t i = 0; i < b->sealed.n; i++) {
		struct packet *p = &b->packets[b->sealed.at[i]];
		uint32_t id = route_lookup(w->tables->underlay[family_index(p->family)],
			ip_destination(p->ip, p->family));
		encap_link(w, p, encap_nexthop(w->tables, id));
	}
}
