/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a plain packet in a tunnel to a sealed data message: peers_burst finds the peer in the
 * tunnel's allowed-ips and its session; seal_burst reserves the counters, pads, writes the data
 * header and seals all of them at once. Packets without a session wait (path/park.h).
 */
#include <rte_cycles.h>

#include "path/worker.h"
#include "wire/ip.h"
#include "wire/wg.h"

/* Whether the session may seal one more; else a handshake is asked for and the packet waits. */
static bool
has_session(struct worker *w, struct packet *p)
{
	const struct protocol_times *times = w->tables->times;
	struct session *s = rcu_read(p->peer->tx);
	if (unlikely_true(!s || session_has_expired(s->birth_ns, w->now_ns, times->reject_after_ns) ||
			  __atomic_load_n(&s->send_counter, __ATOMIC_RELAXED) >=
				  times->reject_after_messages)) {
		park_for_peer(w, p);
		return false;
	}
	p->session = s;
	return true;
}

static bool
is_known_peer(struct worker *w, struct packet *p)
{
	if (unlikely_true(!p->peer_id)) {
		/* The kernel answers what it sent itself with EHOSTUNREACH on a kernel wg0; here it is counted. */
		packet_drop(p, DROP_NO_PEER);
		return false;
	}
	p->peer = tables_peer(w->tables, p->peer_id);
	__builtin_prefetch(p->peer);
	__builtin_prefetch(&p->peer->activity, 1);
	return true;
}

void
peers_burst(struct worker *w, struct burst *b)
{
	uint32_t n = b->tunnel.n, kept = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct packet *p = &b->packets[b->tunnel.at[i]];
		const struct iface_entry *iface =
			&w->tables->ifaces[p->out_link - LINK_FIRST_TUNNEL];
		b->queries[i] = (struct route_query){
			.table = iface->allowed[family_index(p->family)],
			.addr = ip_destination(p->ip, p->family),
		};
	}
	route_lookup_bulk(b->queries, n);
	for (uint32_t i = 0; i < n; i++) {
		struct packet *p = &b->packets[b->tunnel.at[i]];
		p->peer_id = b->queries[i].value;
		if (is_known_peer(w, p))
			b->tunnel.at[kept++] = b->tunnel.at[i];
	}
	for (uint32_t i = 0; i < kept; i++)
		__builtin_prefetch(rcu_read(b->packets[b->tunnel.at[i]].peer->tx));
	for (uint32_t i = 0; i < kept; i++) {
		if (has_session(w, &b->packets[b->tunnel.at[i]]))
			list_add(&b->seal, b->tunnel.at[i]);
	}
}

/* An initiator that sends with a session past its prime asks for the next one (6.2). */
static void
renew_if_old(struct worker *w, const struct packet *p)
{
	const struct protocol_times *t = w->tables->times;
	struct session *s = p->session;
	bool is_old = (s->is_initiator &&
			      session_has_expired(s->birth_ns, w->now_ns, t->rekey_after_ns)) ||
		      p->counter >= t->rekey_after_messages;
	if (unlikely_true(is_old && !s->rekey_is_wanted))
		s->rekey_is_wanted = event_put(w, EVENT_HANDSHAKE_WANTED, p->peer_id);
}

/* What a run of packets just sealed for one peer tells its timers and counters. */
static void
note_sent(struct worker *w, const struct packet *p, uint64_t n_bytes, bool has_data)
{
	struct peer_entry *peer = p->peer;
	activity_sent(&peer->activity, w->now_ns);
	if (has_data) {
		activity_data_sent(&peer->activity, w->now_ns);
		if (unlikely_true(!__atomic_load_n(&peer->is_armed, __ATOMIC_RELAXED)) &&
			event_put(w, EVENT_ACTIVITY, p->peer_id))
			__atomic_store_n(&peer->is_armed, true, __ATOMIC_RELAXED);
	}
	__atomic_fetch_add(&peer->tx_bytes, n_bytes, __ATOMIC_RELAXED);
	renew_if_old(w, p);
}

/*
 * Reserves counters for the run of packets of one session that starts at list place `from`, and
 * returns the place behind it. Consecutive packets mostly share their session: one atomic add.
 */
static uint32_t
reserve_run(struct worker *w, struct burst *b, uint32_t from)
{
	struct packet *first = &b->packets[b->seal.at[from]];
	struct session *s = first->session;
	uint32_t to = from;
	uint64_t n_bytes = 0;
	bool has_data = false;
	while (to < b->seal.n && b->packets[b->seal.at[to]].session == s) {
		const struct packet *p = &b->packets[b->seal.at[to++]];
		n_bytes += p->n_bytes + WG_DATA_OVERHEAD_BYTES;
		has_data |= p->n_bytes != 0;
	}
	uint64_t counter = session_reserve(s, to - from);
	for (uint32_t i = from; i < to; i++)
		b->packets[b->seal.at[i]].counter = counter++;
	note_sent(w, first, n_bytes, has_data);
	return to;
}

/* Pads the plain text and writes the data header in front of it; fills the job. */
static bool
prepare(struct worker *w, struct packet *p, struct aead_job *job)
{
	uint32_t mtu = __atomic_load_n(&w->tables->ifaces[p->out_link - LINK_FIRST_TUNNEL].mtu,
		__ATOMIC_RELAXED);
	uint32_t padded = (uint32_t)wg_padded_bytes(p->n_bytes, mtu);
	uint8_t *end = (uint8_t *)p->mbuf->buf_addr + p->mbuf->buf_len;
	if (unlikely_true(p->ip + padded + WG_TAG_BYTES > end)) {
		packet_drop(p, DROP_TOO_BIG);
		return false;
	}
	if (unlikely_true(p->counter >= w->tables->times->reject_after_messages)) {
		packet_drop(p, DROP_COUNTER_SPENT);
		return false;
	}
	if (padded != p->n_bytes)
		memset(p->ip + p->n_bytes, 0, padded - p->n_bytes);
	p->outer_tos = p->n_bytes ? ip_traffic_class(p->ip, p->family) & ECN_MASK : 0;
	*job = (struct aead_job){
		.key = p->session->send_key,
		.data = p->ip,
		.counter = p->counter,
		.n_bytes = padded,
	};
	struct wg_data *data = (struct wg_data *)(p->ip - sizeof(*data));
	data->type = WG_DATA;
	data->receiver_index = p->session->remote_index;
	data->counter = p->counter;
	p->ip = (uint8_t *)data;
	p->n_bytes = padded + WG_DATA_OVERHEAD_BYTES;
	return true;
}

void
seal_burst(struct worker *w, struct burst *b)
{
	for (uint32_t i = 0; i < b->seal.n;)
		i = reserve_run(w, b, i);
	uint32_t n = 0;
	for (uint32_t i = 0; i < b->seal.n; i++) {
		uint32_t at = b->seal.at[i];
		if (prepare(w, &b->packets[at], &b->jobs[n]))
			b->seal.at[n++] = (uint8_t)at;
	}
	b->seal.n = n;
	if (unlikely_true(w->measures_aead)) {
		uint64_t from = rte_rdtsc();
		aead_seal_burst(&w->aead, b->jobs, n);
		w->aead_clk += rte_rdtsc() - from;
	} else if (n) {
		aead_seal_burst(&w->aead, b->jobs, n);
	}
}
