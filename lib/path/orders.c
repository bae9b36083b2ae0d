/* SPDX-License-Identifier: BSD-3-Clause */
/* What control asks of a worker: send a handshake message, seal an empty packet, let go. */
#include "path/encap.h"
#include "path/worker.h"
#include "wire/ip.h"
#include "wire/wg.h"

enum {
	ORDERS_PER_TURN = 16, /* of a burst's 64: cookies and traffic both go on in a flood */
	HANDSHAKE_TOS = 0x88, /* AF41, as the kernel marks initiations and responses */
	ORDER_HEADROOM = 112, /* outer headers, data header and VLAN tag fit in front */
};
_Static_assert(ORDERS_PER_TURN + (int)AGAIN_MAX <= (int)BURST_MAX, "both come before rx_burst");

/* A fresh packet with n_bytes of room at p->ip, or NULL (counted) when the pool is empty. */
static struct packet *
fresh_packet(struct worker *w, struct burst *b, uint16_t link_id, uint32_t n_bytes)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->config->pool);
	if (!m) {
		drops_count_cause(w,
			&(struct drop_cause){.reason = DROP_NO_BUFFER, .link_id = link_id}, 1);
		return NULL;
	}
	struct packet *p = burst_add(b, m, link_id);
	p->ip = (uint8_t *)m->buf_addr + ORDER_HEADROOM;
	p->n_bytes = n_bytes;
	p->out_link = link_id;
	p->counter = w->now_ns >> 10;
	p->outer_tos = 0;
	return p;
}

static void
send_message(struct worker *w, struct burst *b, const struct order_mail *order)
{
	struct packet *p = fresh_packet(w, b, link_of_iface(order->iface_id), order->n_bytes);
	if (!p)
		return;
	struct encap e = {.remote = order->path.remote, .local = order->path.local};
	uint32_t id = route_lookup(tables_underlay(w->tables, order->iface_id,
		e.remote.addr.family), e.remote.addr.bytes);
	const struct nexthop *nh = encap_nexthop(w->tables, id);
	bool has_source = tables_choose_source(w->tables, order->iface_id, e.remote.addr.family,
		nh, &e.local);
	if (!nh || !has_source) {
		packet_drop(p, DROP_NO_UNDERLAY);
		return;
	}
	encap_template(&e, __atomic_load_n(&w->tables->ifaces[order->iface_id].listen_port,
		__ATOMIC_RELAXED));
	memcpy(p->ip, order->message, order->n_bytes);
	p->outer_tos = wg_type_of(p->ip, p->n_bytes) == WG_COOKIE ? 0 : HANDSHAKE_TOS;
	encap_outer(p, &e);
	encap_link(w, p, nh);
}

static void
seal_keepalive(struct worker *w, struct burst *b, uint32_t peer_id, bool only_if_unused)
{
	struct peer_entry *peer = tables_peer(w->tables, peer_id);
	if (!__atomic_load_n(&peer->is_live, __ATOMIC_ACQUIRE))
		return;
	struct session *s = usable_session(w, peer);
	if (!s) {
		(void)event_put(w, EVENT_HANDSHAKE_WANTED, peer_id);
		return;
	}
	if (only_if_unused &&
		(!s->is_initiator || __atomic_load_n(&s->send_counter, __ATOMIC_RELAXED) != 0))
		return;
	struct packet *p = fresh_packet(w, b, link_of_iface(peer->iface_id), 0);
	if (!p)
		return;
	p->peer_id = peer_id;
	p->peer = peer;
	p->session = s;
	list_add(&b->seal, p);
}

static bool
has_parked(const struct park *park, uint32_t peer_id)
{
	for (uint64_t left = park->used; left; left &= left - 1) {
		const struct park_lot *lot = &park->lots[__builtin_ctzll(left)];
		if (lot->kind == PARK_PEER && lot->peer_id == peer_id)
			return true;
	}
	return false;
}

static void
follow(struct worker *w, struct burst *b, const struct order_mail *order)
{
	switch ((enum order_kind)order->kind) {
	case ORDER_SEND:
		send_message(w, b, order);
		break;
	case ORDER_KEEPALIVE:
		seal_keepalive(w, b, order->peer_id, false);
		break;
	case ORDER_SESSION_READY:
		/* What waits is released this turn and tells the responder; else an empty packet
		 * does. */
		if (!has_parked(&w->park, order->peer_id))
			seal_keepalive(w, b, order->peer_id, true);
		break;
	case ORDER_ENCAP_SPARE:
		/* Spares come back one for one, so there is room. */
		if (w->n_spares < WORKER_SPARES)
			w->spares[w->n_spares++] = order->encap;
		break;
	case ORDER_PARKED_DROP:
		park_drop_peer(w, order->peer_id);
		break;
	}
}

void
orders_burst(struct worker *w, struct burst *b)
{
	struct order_mail orders[ORDERS_PER_TURN];
	struct mailbox *box = w->config->boxes->orders[w->idx];
	unsigned n = mailbox_take(box, orders, ORDERS_PER_TURN);
	for (unsigned i = 0; i < n; i++)
		follow(w, b, &orders[i]);
}
