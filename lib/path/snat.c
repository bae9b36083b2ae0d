/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/snat.h"

#include "nat/nat.h"
#include "path/worker.h"
#include "wire/ip.h"

static struct nat_query
query_of(const struct packet *p)
{
	return (struct nat_query){.ip = p->ip, .n_bytes = p->n_bytes, .family = p->family};
}

/* Drops what can be neither translated nor passed on. False: it has its verdict. */
static bool
heed(struct packet *p, enum nat_verdict verdict)
{
	static const uint8_t reasons[NAT_VERDICTS] = {
		[NAT_FRAGMENTED] = DROP_NAT_FRAGMENT,
		[NAT_UNSUPPORTED] = DROP_NAT_PROTOCOL,
		[NAT_BROKEN] = DROP_NAT_UNREADABLE,
		[NAT_FULL] = DROP_NAT_FULL,
		[NAT_NO_FLOW] = DROP_NAT_NO_FLOW,
	};
	if (likely_true(verdict == NAT_PASS || verdict == NAT_DONE))
		return true;
	packet_drop(p, (enum drop_reason)reasons[verdict]);
	return false;
}

static inline bool
is_from_port(const struct packet *p)
{
	return p->in_link < TABLES_MAX_PORTS && !p->session;
}

_Static_assert(BURST_MAX <= 64, "a bit of `translated` for each packet");

static uint64_t
bit_of(const struct burst *b, const struct packet *p)
{
	return 1ull << (p - b->packets);
}

void
snat_incoming(struct worker *w, struct burst *b)
{
	struct stage_list *list = &b->routed;
	uint32_t n = 0;
	w->translated = 0;
	for (uint32_t i = 0; i < list->n; i++) {
		struct packet *p = list->packets[i];
		if (is_from_port(p)) {
			struct nat_query q = query_of(p);
			enum nat_verdict verdict = nat_incoming(w->nat, &q, w->now_ns);
			if (!heed(p, verdict))
				continue;
			w->translated |= verdict == NAT_DONE ? bit_of(b, p) : 0;
		}
		list->packets[n++] = p;
	}
	list->n = n;
}

/* Whether it will be refused as it stands: then its sender is told of it as it stands. */
static bool
is_refused(const struct packet *p, const struct nexthop *nh)
{
	bool may_be_cut = p->family == ADDR_V4 && !ipv4_is_unfragmentable(p->ip);
	return ip_ttl(p->ip, p->family) <= 1 || (p->n_bytes > nh->mtu && !may_be_cut);
}

bool
snat_outgoing(struct worker *w, struct packet *p, const struct nexthop *nh)
{
	struct nat_query q = query_of(p);
	q.ours = &nh->source;
	q.is_own = tables_is_local(w->tables, p->family, ip_source(p->ip, p->family));
	bool is_served = link_is_tunnel(p->in_link) &&
			 nat_serves(w->nat, (uint16_t)(p->in_link - LINK_FIRST_TUNNEL),
				 ip_destination(p->ip, p->family), p->family);
	bool has_source = nh->source.family == p->family;
	if ((!q.is_own && !is_served) || is_refused(p, nh) || (q.is_own && !has_source))
		return true;
	if (unlikely_true(!has_source)) {
		packet_drop(p, DROP_NAT_NO_SOURCE);
		return false;
	}
	return heed(p, nat_outgoing(w->nat, &q, w->now_ns));
}

/* What has waited was looked at when it came: whether it was translated then is not known now. */
static inline bool
is_of_this_turn(const struct burst *b, const struct packet *p)
{
	return p >= b->packets + b->n_ready;
}

void
snat_note_direct(struct worker *w, struct burst *b)
{
	struct stage_list *list = &b->tunnel;
	uint32_t n = 0;
	for (uint32_t i = 0; i < list->n; i++) {
		struct packet *p = list->packets[i];
		bool is_direct = is_from_port(p) && is_of_this_turn(b, p) &&
				 !(w->translated & bit_of(b, p)) &&
				 nat_serves(w->nat, (uint16_t)(p->out_link - LINK_FIRST_TUNNEL),
					 ip_source(p->ip, p->family), p->family);
		if (is_direct) {
			struct nat_query q = query_of(p);
			if (!heed(p, nat_note_direct(w->nat, &q, w->now_ns)))
				continue;
		}
		list->packets[n++] = p;
	}
	list->n = n;
}
