/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/pmtu.h"

#include "path/worker.h"
#include "wire/ip.h"
#include "wire/upper.h"
#include "wire/wg.h"

enum {
	ICMPV6_TOO_BIG = 2,
	ICMPV6_BYTES = 8,
	QUOTE_BYTES = IPV6_BYTES + UDP_BYTES + sizeof(struct wg_data),
	INNER_V4_LEAST = 576,
	INNER_V6_LEAST = 1280,
	NEWS_PER_S = 8, /* each costs control a look at all peers */
	NEWS_BURST = 8,
};

/* A data message as we send them: no extension headers, from a port of ours. */
static bool
is_ours(const struct worker *w, const uint8_t *quote)
{
	const uint8_t *udp = quote + IPV6_BYTES;
	return ip_version(quote) == 6 && quote[6] == IP_PROTO_UDP &&
	       load_le32(udp + UDP_BYTES) == WG_DATA &&
	       tables_is_local(w->tables, ADDR_V6, ip_source(quote, ADDR_V6)) &&
	       __atomic_load_n(&w->tables->iface_by_port[load_be16(udp)], __ATOMIC_ACQUIRE);
}

void
pmtu_notice(struct worker *w, const struct packet *p)
{
	struct ip_upper upper;
	if (p->family != ADDR_V6 || !ip_upper_find(p->ip, p->family, p->n_bytes, &upper) ||
		upper.proto != IP_PROTO_ICMPV6 || upper.is_later_fragment ||
		p->n_bytes - upper.offset < ICMPV6_BYTES + QUOTE_BYTES)
		return;
	const uint8_t *icmp = p->ip + upper.offset, *quote = icmp + ICMPV6_BYTES;
	const uint8_t *udp = quote + IPV6_BYTES;
	uint32_t mtu = load_be32(icmp + 4);
	if (icmp[0] != ICMPV6_TOO_BIG || mtu > UINT16_MAX || !is_ours(w, quote) ||
		!answer_take_token(&w->news_due_ns, w->now_ns, NS_IN_S / NEWS_PER_S, NEWS_BURST))
		return;
	const struct event_mail mail = {
		.kind = EVENT_PATH_MTU,
		.local_index = load_le32(udp + UDP_BYTES + 4),
		.worker = w->idx,
		.mtu = (uint16_t)mtu,
		.path.remote.addr = addr_from_bytes(ADDR_V6, ip_destination(quote, ADDR_V6)),
		.path.remote.port = load_be16(udp + 2),
	};
	(void)mailbox_put(w->config->boxes->events, &mail); /* the next one says it again */
}

bool
pmtu_refuses(struct worker *w, struct packet *p)
{
	uint16_t mtu = __atomic_load_n(&p->peer->inner_mtu, __ATOMIC_RELAXED);
	const struct encap *e = rcu_read(p->peer->encap);
	bool may_cut = p->family == ADDR_V4 && !ipv4_is_unfragmentable(p->ip);
	if (may_cut || !e || e->family != ADDR_V6 ||
		mtu < (p->family == ADDR_V4 ? INNER_V4_LEAST : INNER_V6_LEAST))
		return false;
	answer_too_big(w, p, mtu);
	return true;
}
