/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/answer.h"

#include "base/secret.h"
#include "path/worker.h"
#include "wire/ip.h"

enum {
	ANSWER_HEADROOM = 128,  /* outer headers, data header and a VLAN tag fit in front */
	ANSWER_AGAIN_FREE = 16, /* places of the next turn that are left to fragments */
};

void
answer_init(struct answers *a)
{
	secret_random(&a->seed, sizeof(a->seed));
}

/* ---- How often ---- */

bool
answer_take_token(ns_t *due_ns, ns_t now_ns, ns_t step_ns, unsigned burst)
{
	ns_t due = MAX_OF(*due_ns, now_ns);
	if (due - now_ns > step_ns * (burst - 1))
		return false;
	*due_ns = due + step_ns;
	return true;
}

static bool
is_allowed(struct worker *w, const struct answer_about *about)
{
	struct answers *a = &w->answers;
	const uint8_t *source = ip_source(about->ip, about->family);
	/* Of IPv6 the network: a host has more addresses than there are buckets. */
	uint64_t key = about->family == ADDR_V4 ? load_le32(source) : load_le64(source);
	uint64_t hash = ((key ^ a->seed) * 0x9e3779b97f4a7c15ull) ^ (a->seed >> 32);
	hash = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9ull;
	return answer_take_token(&a->source_due_ns[hash >> 56], w->now_ns,
		       NS_IN_S / ANSWER_SOURCE_PER_S, ANSWER_SOURCE_BURST) &&
	       answer_take_token(&a->due_ns, w->now_ns, NS_IN_S / ANSWER_PER_S, ANSWER_BURST);
}
_Static_assert(ANSWER_SOURCES == 1 << 8, "the hash's upper byte is the bucket");

/* ---- From whom ---- */

/* The way back to the packet's source; NULL: none that the path knows. */
static const struct nexthop *
way_back(const struct worker *w, const struct answer_about *about)
{
	const struct tables *t = w->tables;
	uint32_t id = route_lookup(t->forward[family_index(about->family)],
		ip_source(about->ip, about->family));
	const struct nexthop *nh = id ? tables_nexthop(t, id) : NULL;
	if (nh && nh->type == NEXTHOP_GROUP)
		nh = nh->n_members ? tables_nexthop(t, nh->members[0]) : NULL;
	return nh;
}

/*
 * The box's own address towards the source, as the kernel chooses it (RFC 1812 4.3.2.4); without
 * one in IPv4 the address that is nobody's (RFC 7600). The kernel takes no packet from an address
 * of its own out of a device: what goes to it bears the address that could not be reached.
 */
static bool
find_source(const struct worker *w, const struct answer_about *about, struct addr *out)
{
	static const uint8_t nobody[4] = {192, 0, 0, 8};
	const struct nexthop *nh = way_back(w, about);
	bool is_routed = nh && (nh->type == NEXTHOP_LINK || nh->type == NEXTHOP_GLEAN ||
				       nh->type == NEXTHOP_TUNNEL);
	if (!is_routed) {
		*out = addr_from_bytes(about->family, ip_destination(about->ip, about->family));
		return w->config->has_host &&
		       (link_is_tunnel(about->in_link) || link_is_tunnel(about->out_link));
	}
	*out = nh->source.family == about->family ? nh->source : addr_from_bytes(ADDR_V4, nobody);
	return out->family == about->family;
}

/* ---- Sending ---- */

static struct rte_mbuf *
build(struct worker *w, const struct icmp_request *request)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->config->pool);
	if (!m || m->buf_len < ANSWER_HEADROOM + ICMP_ERROR_MAX_BYTES) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	m->data_off = ANSWER_HEADROOM;
	uint32_t n = icmp_error_build(rte_pktmbuf_mtod(m, uint8_t *), request);
	m->data_len = (uint16_t)n;
	m->pkt_len = n;
	return m;
}

/* The tunnel on whose side the kernel would see the error; a pseudo link when there is none. */
static uint16_t
link_of_answer(const struct answer_about *about)
{
	if (link_is_tunnel(about->in_link))
		return about->in_link;
	return link_is_tunnel(about->out_link) ? about->out_link : LINK_OWN;
}

static bool
queue(struct worker *w, const struct answer_about *about, struct icmp_request *request)
{
	if (!again_has_room(&w->again, ANSWER_AGAIN_FREE + 1) || !is_allowed(w, about) ||
		!find_source(w, about, &request->source))
		return false;
	struct rte_mbuf *m = build(w, request);
	if (!m)
		return false;
	again_add(&w->again,
		&(struct again_packet){.mbuf = m,
			.n_bytes = m->pkt_len,
			.ip_offset = ANSWER_HEADROOM,
			.in_link = link_of_answer(about),
			.out_link = LINK_NONE,
			.family = about->family,
			.stage = AGAIN_ROUTED});
	return true;
}

void
answer_send(struct worker *w, const struct answer_about *about, enum icmp_error error,
	uint16_t mtu)
{
	struct icmp_request request = {.error = error,
		.family = about->family,
		.mtu = mtu,
		.ip = about->ip,
		.n_bytes = about->n_bytes};
	if (!icmp_may_answer(about->ip, about->family, about->n_bytes))
		return;
	counter_add(queue(w, about, &request) ? &w->answers.n_sent : &w->answers.n_unsent, 1);
}

static void
answer_packet(struct worker *w, const struct packet *p, enum icmp_error error, uint32_t mtu)
{
	const struct answer_about about = {.ip = p->ip,
		.n_bytes = p->n_bytes,
		.family = p->family,
		.in_link = p->in_link,
		.out_link = p->out_link};
	answer_send(w, &about, error, (uint16_t)MIN_OF(mtu, (uint32_t)UINT16_MAX));
}

void
answer_drop(struct worker *w, struct packet *p, enum drop_reason reason, enum icmp_error error)
{
	answer_packet(w, p, error, 0);
	packet_drop(p, reason);
}

void
answer_too_big(struct worker *w, struct packet *p, uint32_t mtu)
{
	answer_packet(w, p, ICMP_TOO_BIG, mtu);
	packet_drop(p, DROP_TOO_BIG);
}
