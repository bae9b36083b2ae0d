/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a plain packet in a tunnel to a sealed data message: peers_burst finds the peer in the
 * tunnel's allowed-ips and its session; seal_burst reserves the counters, pads, writes the data
 * header and seals all of them at once. Packets without a session wait (path/park.h).
 */
#include <rte_cycles.h>

#include "path/pmtu.h"
#include "path/worker.h"
#include "wire/ip.h"
#include "wire/wg.h"

/* Peer and session of a look-up's answer; the peer is on its way to the cache. */
struct target {
	struct peer_entry *peer; /* NULL: there is none */
	struct session *session;
};

/* Three passes, each of which reads what the one before has fetched. */
static void
find_targets(struct worker *w, const struct lookup *l, struct target *targets)
{
	for (uint32_t k = 1; k <= l->n_queries; k++) {
		uint32_t peer_id = l->queries[k].value;
		struct peer_entry *peer = peer_id ? tables_peer(w->tables, peer_id) : NULL;
		__builtin_prefetch(peer);
		targets[k] = (struct target){.peer = peer};
	}
	for (uint32_t k = 1; k <= l->n_queries; k++) {
		const struct peer_entry *peer = targets[k].peer;
		if (unlikely_true(!peer))
			continue;
		__builtin_prefetch(rcu_read(peer->tx), 1);
		/* Read after sealing; they come meanwhile. */
		__builtin_prefetch(rcu_read(peer->encap));
		__builtin_prefetch(&peer->activity, 1);
	}
	for (uint32_t k = 1; k <= l->n_queries; k++) {
		if (likely_true(targets[k].peer != NULL))
			targets[k].session = usable_session(w, targets[k].peer);
	}
}

void
peers_burst(struct worker *w, struct burst *b)
{
	struct lookup *l = &b->lookup;
	struct target targets[BURST_MAX + 1];
	lookup_clear(l);
	for (uint32_t i = 0; i < b->tunnel.n; i++) {
		const struct packet *p = &b->packets[b->tunnel.at[i]];
		const struct iface_entry *iface =
			&w->tables->ifaces[p->out_link - LINK_FIRST_TUNNEL];
		lookup_add(l, iface->allowed[family_index(p->family)],
			ip_destination(p->ip, p->family), p->family);
	}
	lookup_run(l);
	find_targets(w, l, targets);
	for (uint32_t i = 0; i < b->tunnel.n; i++) {
		uint32_t at = b->tunnel.at[i];
		struct packet *p = &b->packets[at];
		const struct target *target = &targets[l->of[i]];
		p->peer_id = lookup_value(l, i);
		p->peer = target->peer;
		p->session = target->session;
		if (likely_true(p->session != NULL)) {
			uint16_t mtu = __atomic_load_n(&p->peer->inner_mtu, __ATOMIC_RELAXED);
			if (likely_true(p->n_bytes <= mtu || !pmtu_refuses(w, p)))
				list_add(&b->seal, at);
		} else if (p->peer) {
			park_for_peer(w, p);
		} else {
			answer_drop(w, p, DROP_NO_PEER, ICMP_HOST_UNREACHABLE);
		}
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
	/* Workers that ask at once ask twice, which control takes as once. */
	if (unlikely_true(is_old && !__atomic_load_n(&s->rekey_is_wanted, __ATOMIC_RELAXED)))
		__atomic_store_n(&s->rekey_is_wanted,
			event_put(w, EVENT_HANDSHAKE_WANTED, p->peer_id), __ATOMIC_RELAXED);
}

/* What a run of packets just sealed for one peer tells its timers and counters. */
static inline void
note_sent(struct worker *w, const struct packet *p, uint64_t n_bytes, bool has_data)
{
	struct peer_entry *peer = p->peer;
	activity_sent(&peer->activity, w->now_ns);
	if (has_data) {
		activity_data_sent(&peer->activity, w->now_ns);
		if (unlikely_true(!__atomic_load_n(&peer->is_armed, __ATOMIC_RELAXED)))
			activity_tell(w, p);
	}
	__atomic_fetch_add(&peer->tx_bytes, n_bytes, __ATOMIC_RELAXED);
	renew_if_old(w, p);
}

/* Packets in a row for one session: what they have in common is read once. */
struct seal_run {
	const struct session *session;
	uint64_t counter;      /* of the next one */
	uint64_t counter_limit;
	uint32_t mtu;          /* of the tunnel */
	uint64_t n_bytes;      /* of the messages prepared so far */
	bool has_data;
};

/* Pads the plain text and writes the data header in front of it; fills the job. */
static inline bool
prepare(struct packet *p, struct seal_run *run, struct aead_job *job)
{
	uint32_t padded = (uint32_t)wg_padded_bytes(p->n_bytes, run->mtu);
	uint8_t *end = (uint8_t *)p->mbuf->buf_addr + p->mbuf->buf_len;
	p->counter = run->counter++;
	if (unlikely_true(p->ip + padded + WG_TAG_BYTES > end)) {
		packet_drop(p, DROP_TOO_BIG);
		return false;
	}
	if (unlikely_true(p->counter >= run->counter_limit)) {
		packet_drop(p, DROP_COUNTER_SPENT);
		return false;
	}
	if (padded != p->n_bytes)
		memset(p->ip + p->n_bytes, 0, padded - p->n_bytes);
	p->outer_tos = p->n_bytes ? ip_ecn(p->ip, p->family) : 0;
	job->key = run->session->send_key;
	job->data = p->ip;
	job->counter = p->counter;
	job->n_bytes = padded;
	struct wg_data *data = (struct wg_data *)(p->ip - sizeof(*data));
	data->type = WG_DATA;
	data->receiver_index = run->session->remote_index;
	data->counter = p->counter;
	run->has_data |= p->n_bytes != 0;
	p->ip = (uint8_t *)data;
	p->n_bytes = padded + WG_DATA_OVERHEAD_BYTES;
	run->n_bytes += p->n_bytes;
	return true;
}

static uint32_t
run_end(const struct burst *b, uint32_t from)
{
	const struct session *s = b->packets[b->seal.at[from]].session;
	uint32_t to = from + 1;
	while (to < b->seal.n && b->packets[b->seal.at[to]].session == s)
		to++;
	return to;
}

/*
 * The run that starts at list place `from`: one atomic add reserves its counters. Those that can
 * be sealed move to list places from *n on. Returns the place behind the run.
 */
static uint32_t
prepare_run(struct worker *w, struct burst *b, uint32_t from, uint32_t *n)
{
	struct packet *first = &b->packets[b->seal.at[from]];
	const struct iface_entry *iface = &w->tables->ifaces[first->out_link - LINK_FIRST_TUNNEL];
	uint32_t to = run_end(b, from);
	struct seal_run run = {
		.session = first->session,
		.counter = session_reserve(first->session, to - from),
		.counter_limit = w->tables->times->reject_after_messages,
		.mtu = __atomic_load_n(&iface->mtu, __ATOMIC_RELAXED),
	};
	for (uint32_t i = from; i < to; i++) {
		uint32_t at = b->seal.at[i];
		if (likely_true(prepare(&b->packets[at], &run, &b->jobs[*n])))
			b->seal.at[(*n)++] = (uint16_t)at;
	}
	note_sent(w, first, run.n_bytes, run.has_data);
	return to;
}

void
seal_burst(struct worker *w, struct burst *b)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < b->seal.n;)
		i = prepare_run(w, b, i, &n);
	b->seal.n = n;
	if (unlikely_true(w->measures_aead)) {
		uint64_t from = rte_rdtsc();
		aead_seal_burst(&w->aead, b->jobs, n);
		w->aead_clk += rte_rdtsc() - from;
	} else if (n) {
		aead_seal_burst(&w->aead, b->jobs, n);
	}
}
