/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/park.h"

#include "path/watched.h"
#include "path/worker.h"
#include "wire/ip.h"

static bool
lot_is_full(const struct park_lot *lot)
{
	return lot->n == PARK_LOT_PKTS;
}

static struct park_lot *
lot_new(struct park *park, enum park_kind kind)
{
	static const uint8_t max[] = {[PARK_PEER] = PARK_PEER_LOTS,
		[PARK_FORWARD] = PARK_FORWARD_LOTS, [PARK_UNDERLAY] = PARK_UNDERLAY_LOTS};
	if (park->n_of[kind] >= max[kind])
		return NULL;
	park->n_of[kind]++;
	unsigned i = (unsigned)__builtin_ctzll(~park->used);
	park->used |= 1ull << i;
	struct park_lot *lot = &park->lots[i];
	lot->kind = (uint8_t)kind;
	lot->n = 0;
	return lot;
}

static void
lot_free(struct park *park, struct park_lot *lot)
{
	park->n_of[lot->kind]--;
	lot->kind = PARK_NONE;
	park->used &= ~(1ull << (lot - park->lots));
}

static void
lot_add(struct park_lot *lot, struct packet *p)
{
	lot->packets[lot->n++] = (struct parked){
		.mbuf = p->mbuf,
		.n_bytes = p->n_bytes,
		.ip_offset = (uint16_t)(p->ip - (uint8_t *)p->mbuf->buf_addr),
		.in_link = p->in_link,
	};
	p->verdict = VERDICT_KEPT;
}

/* A sealed packet tells nobody whose it was. */
static void
answer_parked(struct worker *w, const struct park_lot *lot, const struct parked *k)
{
	const uint8_t *ip = (const uint8_t *)k->mbuf->buf_addr + k->ip_offset;
	if (lot->kind == PARK_UNDERLAY)
		return;
	const struct answer_about about = {.ip = ip,
		.n_bytes = k->n_bytes,
		.family = ip_version(ip) == 4 ? ADDR_V4 : ADDR_V6,
		.in_link = k->in_link,
		.out_link = lot->kind == PARK_PEER ? lot->link_id : LINK_NONE};
	answer_send(w, &about, ICMP_HOST_UNREACHABLE, 0);
}

static void
tell_lost(struct worker *w, const struct parked *k, const struct drop_cause *cause)
{
	const struct watched_loss loss = {
		.fate = {.to = {cause->peer_id, cause->generation},
			.first_link = k->in_link,
			.in_link = k->in_link,
			.out_link = LINK_NONE,
			.verdict = VERDICT_DROP,
			.stage = STAGE_PARK,
			.reason_or_target = (uint8_t)cause->reason},
		.data = (const uint8_t *)k->mbuf->buf_addr + k->ip_offset,
		.n_bytes = k->n_bytes,
	};
	watched_lose(w, &loss);
}

static void
lot_drop(struct worker *w, struct park_lot *lot)
{
	struct drop_cause cause = {.reason = DROP_PARK_TIMEOUT};
	if (lot->kind == PARK_PEER) {
		cause.peer_id = lot->peer_id;
		cause.generation = lot->generation;
	}
	for (uint32_t i = 0; i < lot->n; i++) {
		const struct parked *k = &lot->packets[i];
		cause.link_id = k->in_link;
		drops_count_cause(w, &cause, 1);
		answer_parked(w, lot, k);
		tell_lost(w, k, &cause);
		rte_pktmbuf_free(k->mbuf);
	}
	lot_free(&w->park, lot);
}

#define FOR_EACH_LOT(park, lot)                                                                    \
	for (uint64_t left_ = (park)->used; left_; left_ &= left_ - 1)                             \
		if (((lot) = &(park)->lots[__builtin_ctzll(left_)]))

static struct park_lot *
lot_of_peer(struct park *park, uint32_t peer_id, uint32_t generation)
{
	struct park_lot *lot;
	FOR_EACH_LOT(park, lot)
	{
		if (lot->kind == PARK_PEER && lot->peer_id == peer_id &&
			lot->generation == generation)
			return lot;
	}
	return NULL;
}

static bool
ask_handshake(struct worker *w, struct peer_entry *peer, uint32_t peer_id)
{
	const struct event_mail mail = {
		.kind = EVENT_HANDSHAKE_WANTED,
		.peer_id = peer_id,
		.worker = w->idx,
	};
	return event_put_once(w, &peer->handshake_is_wanted, &mail);
}

void
park_for_peer(struct worker *w, struct packet *p)
{
	struct peer_entry *peer = p->peer;
	if (!rcu_read(peer->encap)) {
		answer_drop(w, p, DROP_NO_ENDPOINT, ICMP_HOST_UNREACHABLE);
		return;
	}
	struct park_lot *lot = lot_of_peer(&w->park, p->peer_id, peer->generation);
	if (!lot && (lot = lot_new(&w->park, PARK_PEER))) {
		lot->peer_id = p->peer_id;
		lot->generation = peer->generation;
		lot->link_id = p->out_link;
		lot->give_up_ns = w->now_ns + PARK_PEER_S * NS_IN_S;
		lot->ask_again_ns = 0;
	}
	/* Also for those without a place: else who fills the lots keeps others from a session. */
	bool is_asked = ask_handshake(w, peer, p->peer_id);
	if (!lot || lot_is_full(lot)) {
		packet_drop(p, DROP_PARK_FULL);
	} else {
		lot_add(lot, p);
		lot->ask_again_ns = is_asked ? UINT64_MAX : 0;
	}
}

static bool
ask_neighbour(struct worker *w, const struct addr *asked, uint16_t link_id)
{
	struct event_mail mail = {
		.kind = EVENT_NEIGHBOUR_WANTED,
		.link_id = link_id,
		.worker = w->idx,
		.path.remote.addr = *asked,
	};
	return mailbox_put(w->config->boxes->events, &mail);
}

/* There is no lot for p, yet its neighbour may be one that answers: some are asked for. */
static void
ask_homeless(struct worker *w, const struct addr *asked, uint16_t link_id)
{
	if (w->now_ns - w->park.homeless_ns < PARK_HOMELESS_MS * NS_IN_MS)
		return;
	w->park.homeless_ns = w->now_ns;
	(void)ask_neighbour(w, asked, link_id);
}

static struct park_lot *
lot_of_destination(struct park *park, enum park_kind kind, uint16_t link_id,
	const struct addr *destination)
{
	struct park_lot *lot;
	FOR_EACH_LOT(park, lot)
	{
		if (lot->kind == kind && lot->link_id == link_id &&
			addr_is_equal(&lot->address, destination))
			return lot;
	}
	return NULL;
}

void
park_for_neighbour(struct worker *w, struct packet *p, enum park_kind kind)
{
	const struct nexthop *nh = p->nexthop;
	struct addr destination = addr_from_bytes(p->family, ip_destination(p->ip, p->family));
	struct addr asked = nh->via.family != ADDR_NONE ? nh->via : destination;
	/* Where a sealed packet goes its tunnel's FwMark decides. */
	uint16_t link_id = kind == PARK_UNDERLAY ? p->out_link : LINK_NONE;
	struct park_lot *lot = lot_of_destination(&w->park, kind, link_id, &destination);
	if (!lot && (lot = lot_new(&w->park, kind))) {
		lot->link_id = link_id;
		lot->family = p->family;
		lot->address = destination;
		lot->asked = asked;
		lot->asked_link = nh->link_id;
		lot->give_up_ns = w->now_ns + PARK_NEIGHBOUR_MS * NS_IN_MS;
		lot->ask_again_ns = 0;
	}
	if (!lot)
		ask_homeless(w, &asked, nh->link_id);
	if (!lot || lot_is_full(lot)) {
		packet_drop(p, DROP_PARK_FULL);
		return;
	}
	lot_add(lot, p);
	if (lot->ask_again_ns == 0 && ask_neighbour(w, &lot->asked, lot->asked_link))
		lot->ask_again_ns = w->now_ns + PARK_ASK_MS * NS_IN_MS;
}

/* Whether the peer of the lot can seal now; *is_gone when there is no such peer any more. */
static bool
peer_is_ready(struct worker *w, const struct park_lot *lot, bool *is_gone)
{
	struct peer_entry *peer = tables_peer(w->tables, lot->peer_id);
	*is_gone = !__atomic_load_n(&peer->is_live, __ATOMIC_ACQUIRE) ||
		   peer->generation != lot->generation;
	return !*is_gone && usable_session(w, peer);
}

/* Whether nh still is the glean that the lot waits for, or a group with that among its members. */
static bool
is_waited_for(struct worker *w, const struct park_lot *lot, const struct nexthop *nh)
{
	if (nh && nh->type == NEXTHOP_GROUP) {
		for (unsigned i = 0; i < nh->n_members; i++) {
			const struct nexthop *member = tables_nexthop(w->tables, nh->members[i]);
			if (member && member->type == NEXTHOP_GLEAN &&
				(member->via.family == ADDR_NONE ||
					addr_is_equal(&member->via, &lot->asked)))
				return true;
		}
	}
	return nh && nh->type == NEXTHOP_GLEAN;
}

static bool
neighbour_is_ready(struct worker *w, const struct park_lot *lot)
{
	const struct tables *t = w->tables;
	const struct route_table *trie = lot->kind == PARK_FORWARD
		? t->forward[family_index(lot->family)]
		: tables_underlay(t, (uint16_t)(lot->link_id - LINK_FIRST_TUNNEL), lot->family);
	uint32_t id = route_lookup(trie, lot->address.bytes);
	return !is_waited_for(w, lot, id ? tables_nexthop(w->tables, id) : NULL);
}

/* Back into the burst, behind the look-up that had sent it here. */
static void
lot_release(struct worker *w, struct burst *b, struct park_lot *lot)
{
	struct stage_list *lists[] = {[PARK_PEER] = &b->tunnel,
		[PARK_FORWARD] = &b->routed,
		[PARK_UNDERLAY] = &b->sealed};
	for (uint32_t i = 0; i < lot->n; i++) {
		const struct parked *k = &lot->packets[i];
		struct packet *p = burst_add(b, k->mbuf, k->in_link);
		p->ip = (uint8_t *)k->mbuf->buf_addr + k->ip_offset;
		p->n_bytes = k->n_bytes;
		p->out_link = lot->link_id;
		p->family = ip_version(p->ip) == 4 ? ADDR_V4 : ADDR_V6;
		list_add(lists[lot->kind], p);
	}
	lot_free(&w->park, lot);
}

static void
ask_again(struct worker *w, struct park_lot *lot)
{
	if (lot->kind == PARK_PEER) {
		struct peer_entry *peer = tables_peer(w->tables, lot->peer_id);
		if (ask_handshake(w, peer, lot->peer_id))
			lot->ask_again_ns = UINT64_MAX;
	} else if (ask_neighbour(w, &lot->asked, lot->asked_link)) {
		lot->ask_again_ns = w->now_ns + PARK_ASK_MS * NS_IN_MS;
	}
}

void
park_release(struct worker *w, struct burst *b)
{
	struct park_lot *lot;
	FOR_EACH_LOT(&w->park, lot)
	{
		bool is_gone = false;
		bool is_ready = lot->kind == PARK_PEER ? peer_is_ready(w, lot, &is_gone)
						       : neighbour_is_ready(w, lot);
		if (is_ready) {
			/* No room: the burst is as good as full, and nothing newer overtakes. */
			if (b->n + lot->n > BURST_MAX - 1)
				b->is_closed = true;
			else
				lot_release(w, b, lot);
		} else if (is_gone || w->now_ns >= lot->give_up_ns) {
			lot_drop(w, lot);
		} else if (w->now_ns >= lot->ask_again_ns) {
			ask_again(w, lot);
		}
	}
}

void
park_drop_peer(struct worker *w, uint32_t peer_id)
{
	struct park_lot *lot;
	FOR_EACH_LOT(&w->park, lot)
	{
		if (lot->kind == PARK_PEER && lot->peer_id == peer_id)
			lot_drop(w, lot);
	}
}

void
park_fini(struct park *park)
{
	struct park_lot *lot;
	FOR_EACH_LOT(park, lot)
	{
		for (uint32_t i = 0; i < lot->n; i++)
			rte_pktmbuf_free(lot->packets[i].mbuf);
		lot_free(park, lot);
	}
}
