/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/watched.h"

#include "path/worker.h"

/* Where a packet is seen. */
struct sight {
	uint32_t at;
	uint16_t link_id;
	bool is_out, is_inner;
	struct filter_packet packet;
};

static uint64_t
wall_ns(void)
{
	struct wall_time t = clock_wall();
	return t.s * NS_IN_S + t.ns;
}

/* The worker's lane of a watch of that kind, else NULL. */
static struct watch_lane *
lane_of(struct watch *watch, const struct worker *w, enum watch_kind kind)
{
	return watch->plan.kind == kind && w->idx < watch->n_lanes ? &watch->lanes[w->idx] : NULL;
}

static struct watched_note *
note_of(struct watched *v, const struct packet *p)
{
	return &v->notes[p - v->worker->burst.packets];
}

/* Handed over or from a twin, to be sent; or made by an order. */
static bool
came_decided(const struct watched_note *note)
{
	return note->fate.verdict &&
	       (note->fate.stage == STAGE_RX || note->fate.stage == STAGE_ORDERS);
}

/* Another worker has decided and shown it; this one only sends it. */
static bool
is_told(const struct watched *v, uint32_t at)
{
	const struct burst *b = &v->worker->burst;
	return at >= b->n_ready && at < b->n_handed && came_decided(&v->notes[at]);
}

/* ---- Captures ---- */

static void
copy_to(struct watched *v, struct watch_lane *lane, const struct sight *s, uint32_t n_bytes)
{
	struct watch_record *r = watch_add(lane, n_bytes);
	if (!r)
		return;
	r->time_ns = v->time_ns;
	r->n_bytes = s->packet.n_wire_bytes;
	r->n_captured = n_bytes;
	r->link_id = s->link_id;
	r->worker = v->worker->idx;
	r->is_out = s->is_out;
	memcpy(r + 1, s->packet.bytes, n_bytes);
	v->copies[v->n_copies++] = (struct watched_copy){r, s->at};
}

static void
see(struct watched *v, const struct sight *s)
{
	for (unsigned i = 0; i < v->set->n; i++) {
		const struct watch_plan *plan = &v->set->watches[i]->plan;
		struct watch_lane *lane = lane_of(v->set->watches[i], v->worker, WATCH_CAPTURE);
		if (!lane || !watch_has_link(plan, s->link_id) || v->n_copies == WATCHED_COPIES)
			continue;
		uint32_t n = watch_wants(plan, s->is_inner ? &plan->inner : &plan->outer,
			&s->packet);
		if (n)
			copy_to(v, lane, s, n);
	}
}

static void
see_frame(struct watched *v, uint32_t at, uint16_t link_id, bool is_out)
{
	const struct rte_mbuf *m = v->worker->burst.packets[at].mbuf;
	struct sight s = {.at = at, .link_id = link_id, .is_out = is_out};
	s.packet.bytes = rte_pktmbuf_mtod(m, const uint8_t *);
	s.packet.n_bytes = m->data_len;
	s.packet.n_wire_bytes = m->pkt_len;
	see(v, &s);
}

static void
see_inner(struct watched *v, uint32_t at, uint16_t link_id, bool is_out)
{
	const struct packet *p = &v->worker->burst.packets[at];
	struct sight s = {.at = at, .link_id = link_id, .is_out = is_out, .is_inner = true};
	s.packet.bytes = p->ip;
	s.packet.n_bytes = s.packet.n_wire_bytes = p->n_bytes;
	see(v, &s);
}

/* ---- Notes ---- */

static struct watch_peer
peer_of(const struct packet *p)
{
	if (!p->peer)
		return (struct watch_peer){0};
	return (struct watch_peer){p->peer_id, p->peer->generation};
}

/* A frame of a port, or a packet of a TUN. */
static void
note_new(struct watched_note *note, const struct rte_mbuf *m, uint16_t link_id)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	note->n_bytes = m->pkt_len;
	if (link_is_tunnel(link_id))
		flow_parse(data, m->data_len, &note->flows.inner);
	else if (link_id < TABLES_MAX_PORTS || link_id == LINK_REBUILT)
		flow_parse_frame(data, m->data_len, &note->flows.inner);
}

static void
note_entry(struct watched *v, uint32_t at)
{
	const struct burst *b = &v->worker->burst;
	const struct packet *p = &b->packets[at];
	struct watched_note *note = &v->notes[at];
	bool is_new = at >= b->n_ready;
	*note = (struct watched_note){.fate.first_link = p->in_link};
	note->fate.verdict = p->verdict;
	note->fate.stage = is_new ? STAGE_RX : STAGE_ORDERS;
	if (is_new) {
		note_new(note, p->mbuf, p->in_link);
	} else if (p->verdict == VERDICT_NONE) {
		note->n_bytes = p->n_bytes;
		flow_parse(p->ip, p->n_bytes, &note->flows.inner);
	}
}

/* What looked like a packet of no tunnel is the outer one. */
static void
turn_outer(struct watched_note *note)
{
	note->flows.outer = note->flows.inner;
	note->flows.inner = (struct flow){0};
}

void
watched_begin(struct watched *v, struct worker *w, const struct watch_set *set)
{
	struct burst *b = &w->burst;
	v->worker = w;
	v->set = set;
	v->n_copies = 0;
	v->n_waited = b->tunnel.n;
	v->time_ns = wall_ns();
	for (uint32_t at = 0; at < b->n; at++) {
		/* So that it is known which got one. */
		if (at >= b->n_ready && b->packets[at].verdict == VERDICT_NONE)
			b->packets[at].out_link = LINK_NONE;
		note_entry(v, at);
	}
	for (uint32_t i = 0; i < b->sealed.n; i++)
		turn_outer(note_of(v, b->sealed.packets[i]));
}

/* Datagrams to a ListenPort: what they are is the outer packet. Other workers' were seen there. */
static void
after_classify(struct watched *v)
{
	const struct burst *b = &v->worker->burst;
	for (uint32_t at = b->n_ready; at < b->n; at++) {
		const struct packet *p = &b->packets[at];
		struct watched_note *note = &v->notes[at];
		bool is_from_port = note->fate.first_link < TABLES_MAX_PORTS;
		if (p->in_link == LINK_REBUILT)
			note_new(note, p->mbuf, LINK_REBUILT);
		note->is_outer = !link_is_tunnel(p->in_link) && link_is_tunnel(p->out_link);
		if (note->is_outer)
			turn_outer(note);
		if (at >= b->n_handed && is_from_port && !came_decided(note))
			see_frame(v, at, p->in_link, false);
	}
}

static void
after_verify(struct watched *v)
{
	const struct burst *b = &v->worker->burst;
	for (uint32_t at = b->n_ready; at < b->n; at++) {
		const struct packet *p = &b->packets[at];
		struct watched_note *note = &v->notes[at];
		if (!note->is_outer)
			continue;
		note->fate.from = peer_of(p);
		if (!link_is_tunnel(p->in_link))
			continue;
		flow_parse(p->ip, p->n_bytes, &note->flows.inner);
		see_inner(v, at, p->in_link, false);
	}
}

static void
after_route(struct watched *v)
{
	const struct burst *b = &v->worker->burst;
	for (uint32_t i = v->n_waited; i < b->tunnel.n; i++) {
		const struct packet *p = b->tunnel.packets[i];
		see_inner(v, (uint32_t)(p - b->packets), p->out_link, true);
	}
}

static void
after_peers(struct watched *v)
{
	const struct burst *b = &v->worker->burst;
	for (uint32_t i = 0; i < b->tunnel.n; i++)
		note_of(v, b->tunnel.packets[i])->fate.to = peer_of(b->tunnel.packets[i]);
	for (uint32_t i = 0; i < b->seal.n; i++)
		note_of(v, b->seal.packets[i])->fate.to = peer_of(b->seal.packets[i]);
}

static void
after_encap(struct watched *v)
{
	const struct burst *b = &v->worker->burst;
	for (uint32_t i = 0; i < b->seal.n; i++) {
		const struct packet *p = b->seal.packets[i];
		struct watched_note *note = note_of(v, p);
		if (!note->is_outer && p->verdict != VERDICT_DROP)
			flow_parse(p->ip, p->n_bytes, &note->flows.outer);
	}
	for (uint32_t at = 0; at < b->n; at++) {
		const struct packet *p = &b->packets[at];
		if (p->verdict == VERDICT_TX && !is_told(v, at))
			see_frame(v, at, p->out_link, true);
	}
}

void
watched_note(struct watched *v, enum stage stage)
{
	const struct burst *b = &v->worker->burst;
	static void (*const looks[STAGES])(struct watched *) = {
		[STAGE_CLASSIFY] = after_classify,
		[STAGE_VERIFY] = after_verify,
		[STAGE_ROUTE] = after_route,
		[STAGE_PEERS] = after_peers,
		[STAGE_ENCAP] = after_encap,
	};
	v->time_ns = wall_ns();
	for (uint32_t at = 0; at < b->n; at++) {
		struct watch_fate *fate = &v->notes[at].fate;
		if (fate->verdict == b->packets[at].verdict)
			continue;
		fate->verdict = b->packets[at].verdict;
		fate->stage = (uint8_t)stage;
	}
	if (looks[stage])
		looks[stage](v);
}

/* ---- The end ---- */

static void
note_fate(struct watched *v, uint32_t at)
{
	const struct packet *p = &v->worker->burst.packets[at];
	struct watch_fate *fate = &v->notes[at].fate;
	/* To be sent, handed over or the kernel's, and then there was no room for it. */
	if (p->verdict != fate->verdict)
		fate->stage = STAGE_FINISH;
	fate->verdict = p->verdict;
	fate->reason_or_target = p->reason_or_target;
	fate->in_link = p->in_link;
	fate->out_link = p->verdict == VERDICT_KERNEL ? LINK_NONE : p->out_link;
}

static void
trace_to(struct watch *watch, uint16_t worker, const struct watched_note *note, uint64_t time_ns)
{
	if (!match_holds(&watch->plan.match, &note->fate, &note->flows))
		return;
	struct watch_record *r = watch_add(&watch->lanes[worker], sizeof(struct watch_flows));
	if (!r)
		return;
	*r = (struct watch_record){.time_ns = time_ns,
		.n_bytes = note->n_bytes,
		.n_captured = sizeof(struct watch_flows),
		.worker = worker,
		.fate = note->fate};
	memcpy(r + 1, &note->flows, sizeof(note->flows));
}

/* All that the worker's turn has told a watch is control's now. */
static void
show(struct watch *watch, const struct worker *w)
{
	if (w->idx < watch->n_lanes)
		watch_ring_show(watch->lanes[w->idx].ring);
}

void
watched_end(struct watched *v)
{
	const struct burst *b = &v->worker->burst;
	for (uint32_t at = 0; at < b->n; at++)
		note_fate(v, at);
	for (uint32_t i = 0; i < v->n_copies; i++)
		v->copies[i].record->fate = v->notes[v->copies[i].at].fate;
	for (unsigned i = 0; i < v->set->n; i++) {
		struct watch *watch = v->set->watches[i];
		bool is_trace = lane_of(watch, v->worker, WATCH_TRACE);
		for (uint32_t at = 0; is_trace && at < b->n; at++) {
			if (!is_told(v, at))
				trace_to(watch, v->worker->idx, &v->notes[at], v->time_ns);
		}
		show(watch, v->worker);
	}
}

void
watched_lose(struct worker *w, const struct watched_loss *loss)
{
	const struct watch_set *set = rcu_read(w->tables->watches);
	if (!set)
		return;
	struct watched_note note = {.fate = loss->fate, .n_bytes = loss->n_bytes};
	if (loss->is_frame)
		flow_parse_frame(loss->data, loss->n_bytes, &note.flows.outer);
	else
		flow_parse(loss->data, loss->n_bytes, &note.flows.inner);
	for (unsigned i = 0; i < set->n; i++) {
		struct watch *watch = set->watches[i];
		if (!lane_of(watch, w, WATCH_TRACE))
			continue;
		trace_to(watch, w->idx, &note, wall_ns());
		show(watch, w);
	}
}
