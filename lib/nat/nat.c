/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat/nat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/ip.h"

enum {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_ACK = 16,
};

/* ---- Life ---- */

static void
words_of(const uint8_t *bytes, uint8_t family, uint64_t out[2])
{
	out[0] = family == ADDR_V4 ? load_le32(bytes) : load_le64(bytes);
	out[1] = family == ADDR_V4 ? 0 : load_le64(bytes + 8);
}

static struct nat_match
match_of(const struct nat_network *network)
{
	struct nat_match m = {.network = *network};
	struct prefix bits = {.len = network->prefix.len};
	m.network.prefix = prefix_masked(&network->prefix);
	memset(&bits.addr, 0xff, sizeof(bits.addr));
	bits.addr.family = network->prefix.addr.family;
	bits = prefix_masked(&bits);
	words_of(m.network.prefix.addr.bytes, bits.addr.family, m.bits);
	words_of(bits.addr.bytes, bits.addr.family, m.mask);
	return m;
}

struct nat *
nat_create(const struct nat_plan *plan, struct nat_table *flows, struct err *err)
{
	struct nat *n = calloc(1, sizeof(*n) + plan->n_networks * sizeof(n->matches[0]));
	if (!n) {
		err_set(err, -ENOMEM, "no memory for SNAT");
		return NULL;
	}
	n->ports = (struct nat_ports){plan->first_port, plan->last_port, plan->udp_in_use};
	n->n_flows = plan->n_flows;
	n->n_matches = plan->n_networks;
	for (uint32_t i = 0; i < plan->n_networks; i++)
		n->matches[i] = match_of(&plan->networks[i]);
	n->flows = flows ? flows : nat_table_create(plan->n_flows, err);
	if (n->flows)
		return n;
	nat_destroy(n);
	return NULL;
}

void
nat_destroy(struct nat *n)
{
	if (n && n->owns_flows)
		nat_table_destroy(n->flows);
	free(n);
}

static bool
is_same_network(const struct nat_network *a, const struct nat_network *b)
{
	struct prefix masked = prefix_masked(&b->prefix);
	return a->tunnel == b->tunnel && a->is_exempt == b->is_exempt &&
	       prefix_is_equal(&a->prefix, &masked);
}

bool
nat_is_as_planned(const struct nat *n, const struct nat_plan *plan)
{
	if (n->ports.first != plan->first_port || n->ports.last != plan->last_port ||
		n->n_flows != plan->n_flows || n->n_matches != plan->n_networks)
		return false;
	for (uint32_t i = 0; i < plan->n_networks; i++) {
		if (!is_same_network(&n->matches[i].network, &plan->networks[i]))
			return false;
	}
	return true;
}

/* ---- Whom it is for ---- */

static bool
matches(const struct nat_match *m, const uint64_t words[2], uint8_t family)
{
	uint64_t differ = ((words[0] & m->mask[0]) ^ m->bits[0]) |
			  ((words[1] & m->mask[1]) ^ m->bits[1]);
	return !differ && m->network.prefix.addr.family == family;
}

bool
nat_serves(const struct nat *n, uint16_t tunnel, const uint8_t *address, uint8_t family)
{
	uint64_t words[2];
	words_of(address, family, words);
	for (uint32_t i = 0; i < n->n_matches; i++) {
		if (n->matches[i].network.tunnel == tunnel &&
			matches(&n->matches[i], words, family))
			return !n->matches[i].network.is_exempt;
	}
	return false;
}

/* A flow may be older than the networks: one whose remote end is in none has ended. */
static bool
is_served(const struct nat *n, const struct nat_flow *f)
{
	for (uint32_t i = 0; i < n->n_matches; i++) {
		if (!n->matches[i].network.is_exempt &&
			matches(&n->matches[i], f->remote, f->family))
			return true;
	}
	return false;
}

/* ---- Flows of packets ---- */

/* A header's flow; the inner end is its source, or its destination. inner and ours are the same. */
static struct nat_flow
flow_of(const struct nat_header *h, bool inner_is_source)
{
	struct nat_flow f = {.family = h->family, .proto = h->proto};
	const uint8_t *src = ip_source(h->ip, h->family), *dst = ip_destination(h->ip, h->family);
	bool has_ports = h->proto == IP_PROTO_TCP || h->proto == IP_PROTO_UDP;
	words_of(inner_is_source ? src : dst, h->family, f.inner);
	words_of(inner_is_source ? dst : src, h->family, f.remote);
	memcpy(f.ours, f.inner, sizeof(f.ours));
	f.inner_port = inner_is_source ? h->src_port : h->dst_port;
	f.our_port = f.inner_port;
	if (has_ports)
		f.remote_port = inner_is_source ? h->dst_port : h->src_port;
	return f;
}

static unsigned
events_of(const struct nat_header *h, enum nat_event direction)
{
	uint8_t flags = h->tcp_flags;
	unsigned events = direction;
	if ((flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		events |= NAT_SYN;
	events |= flags & TCP_FIN ? NAT_FIN : 0;
	events |= flags & TCP_RST ? NAT_RST : 0;
	return events;
}

static bool
has_ends(const struct nat_header *h)
{
	return h->kind == NAT_KIND_PORTS || h->kind == NAT_KIND_ASKS || h->kind == NAT_KIND_ANSWERS;
}

/* The flow, if it is one that passes as it is. */
static bool
find_direct(const struct nat *n, const struct nat_flow *of, uint32_t now_tick,
	struct nat_found *out)
{
	struct nat_flow f = *of;
	if (likely_true(!__atomic_load_n(&n->flows->has_direct, __ATOMIC_RELAXED)))
		return false;
	return nat_find_outer(n->flows, &f, now_tick, out);
}

/* It began outside: what comes from there is not what answers it. */
static void
touch_direct(struct nat_found *f, const struct nat_header *h, enum nat_event direction,
	uint32_t now_tick)
{
	nat_touch(f, events_of(h, direction == NAT_IN ? NAT_OUT : NAT_IN), now_tick);
}

static bool
is_our_port(const struct nat *n, uint16_t port)
{
	return port >= n->ports.first && port <= n->ports.last;
}

/* ---- Out ---- */

static struct nat_end
our_end(const struct nat_query *q, const struct nat_flow *f)
{
	return (struct nat_end){q->ours->bytes, f->our_port};
}

static enum nat_verdict
error_outgoing(struct nat *n, const struct nat_query *q, struct nat_packet *p, uint32_t now_tick)
{
	enum nat_verdict unknown = q->is_own ? NAT_PASS : NAT_NO_FLOW;
	struct nat_found found;
	if (!has_ends(&p->quoted))
		return unknown;
	struct nat_flow f = flow_of(&p->quoted, false);
	if (find_direct(n, &f, now_tick, &found))
		return NAT_PASS;
	words_of(q->ours->bytes, q->family, f.ours);
	if (!nat_find_inner(n->flows, &n->ports, &f, now_tick, &found))
		return unknown;
	struct nat_end end = our_end(q, &f);
	nat_set_error_out(p, &end, q->is_own);
	return NAT_DONE;
}

/*
 * Whether a flow passes as it is. One that somebody outside began does once it is answered; before
 * that one that works already, translated, goes first: else who sends inside could cut it.
 */
static bool
passes_direct(struct nat *n, const struct nat_query *q, const struct nat_header *h,
	const struct nat_flow *of, uint32_t now_tick)
{
	struct nat_found direct, translated;
	if (likely_true(!find_direct(n, of, now_tick, &direct)))
		return false;
	struct nat_flow f = *of;
	words_of(q->ours->bytes, q->family, f.ours);
	if (!nat_is_answered(&direct) && h->kind != NAT_KIND_ANSWERS &&
		nat_find_inner(n->flows, &n->ports, &f, now_tick, &translated) &&
		nat_is_answered(&translated))
		return false;
	touch_direct(&direct, h, NAT_OUT, now_tick);
	return true;
}

static enum nat_verdict
flow_outgoing(struct nat *n, const struct nat_query *q, struct nat_packet *p, uint32_t now_tick)
{
	unsigned events = events_of(&p->outer, NAT_OUT);
	struct nat_flow f = flow_of(&p->outer, true);
	struct nat_found found;
	if (passes_direct(n, q, &p->outer, &f, now_tick))
		return NAT_PASS;
	if (p->outer.kind == NAT_KIND_ANSWERS)
		return NAT_NO_FLOW;
	words_of(q->ours->bytes, q->family, f.ours);
	/* Our own address already: as a flow it would be taken for one that passes as it is. */
	if (unlikely_true(f.inner[0] == f.ours[0] && f.inner[1] == f.ours[1]))
		return NAT_PASS;
	if (nat_find_inner(n->flows, &n->ports, &f, now_tick, &found))
		nat_touch(&found, events, now_tick);
	else if (events & NAT_RST)
		return NAT_NO_FLOW; /* the end of what is not there begins nothing */
	else if (!nat_add(n->flows, &n->ports, &f, now_tick))
		return NAT_FULL;
	struct nat_end end = our_end(q, &f);
	nat_set_source(p, &end);
	return NAT_DONE;
}

enum nat_verdict
nat_outgoing(struct nat *n, const struct nat_query *q, ns_t now_ns)
{
	struct nat_packet p;
	nat_parse(q->ip, q->family, q->n_bytes, &p);
	if (p.outer.kind == NAT_KIND_ERROR)
		return error_outgoing(n, q, &p, nat_tick(now_ns));
	if (q->is_own)
		return NAT_PASS;
	if (has_ends(&p.outer))
		return flow_outgoing(n, q, &p, nat_tick(now_ns));
	if (p.outer.kind == NAT_KIND_FRAGMENT)
		return NAT_FRAGMENTED;
	return p.outer.kind == NAT_KIND_BROKEN ? NAT_BROKEN : NAT_UNSUPPORTED;
}

/* ---- In ---- */

/* The translated flow with that outer side. */
static bool
find_incoming(const struct nat *n, struct nat_flow *f, uint32_t now_tick, struct nat_found *found)
{
	return nat_find_outer(n->flows, f, now_tick, found) && is_served(n, f) &&
	       (f->inner[0] != f->ours[0] || f->inner[1] != f->ours[1]);
}

enum nat_verdict
nat_incoming(struct nat *n, const struct nat_query *q, ns_t now_ns)
{
	struct nat_packet p;
	struct nat_flow f;
	struct nat_found found;
	uint32_t now_tick = nat_tick(now_ns);
	nat_parse(q->ip, q->family, q->n_bytes, &p);
	bool is_error = p.outer.kind == NAT_KIND_ERROR;
	const struct nat_header *h = is_error ? &p.quoted : &p.outer;
	bool is_piece = p.outer.kind == NAT_KIND_FRAGMENT;
	/* Of what asks only that can be quoted which has gone out. */
	if (!is_piece && (!has_ends(h) ||
		h->kind == (is_error ? NAT_KIND_ANSWERS : NAT_KIND_ASKS)))
		return NAT_PASS;
	if (likely_true(!is_our_port(n, is_error ? h->src_port : h->dst_port)))
		return NAT_PASS;
	f = flow_of(h, is_error);
	if (!find_incoming(n, &f, now_tick, &found))
		return NAT_PASS;
	if (is_piece)
		return NAT_FRAGMENTED;
	struct nat_end end = {(const uint8_t *)f.inner, f.inner_port};
	if (is_error) {
		nat_set_error_in(&p, &end);
		return NAT_DONE;
	}
	nat_touch(&found, events_of(h, NAT_IN), now_tick);
	nat_set_destination(&p, &end);
	return NAT_DONE;
}

/* Whole, or the first piece: route cuts what is too big for the tunnel before this is asked. */
static bool
tells_ports(const struct nat_header *h)
{
	bool has_ports = h->proto == IP_PROTO_TCP || h->proto == IP_PROTO_UDP;
	bool is_first_piece = h->kind == NAT_KIND_FRAGMENT && (h->src_port || h->dst_port);
	return h->kind == NAT_KIND_PORTS || (is_first_piece && has_ports);
}

enum nat_verdict
nat_note_direct(struct nat *n, const struct nat_query *q, ns_t now_ns)
{
	struct nat_packet p;
	uint32_t now_tick = nat_tick(now_ns);
	nat_parse(q->ip, q->family, q->n_bytes, &p);
	const struct nat_header *h = &p.outer;
	bool opens = h->kind == NAT_KIND_ASKS || h->proto == IP_PROTO_UDP ||
		     events_of(h, NAT_IN) & NAT_SYN;
	if (!has_ends(h) && !tells_ports(h))
		return NAT_PASS;
	struct nat_flow f = flow_of(h, false);
	struct nat_found found;
	if (find_direct(n, &f, now_tick, &found)) {
		touch_direct(&found, h, NAT_IN, now_tick);
		return NAT_PASS;
	}
	if (!opens)
		return NAT_PASS;
	return nat_add_direct(n->flows, &f, now_tick) ? NAT_PASS : NAT_FULL;
}
