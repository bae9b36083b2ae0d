/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a plain packet in a tunnel to a sealed data message: peers_burst finds the peer in the
 * tunnel's allowed-ips and its session; seal_burst reserves the counters, pads, writes the data
 * header and seals all of them at once. Packets without a session wait (path/park.h).
 */
#include <rte_cycles.h>

#include "base/prefetch.h"
#include "path/pmtu.h"
#include "path/worker.h"
#include "wire/ip.h"
#include "wire/wg.h"

/* Peer and session of a look-up's answer; the peer is on its way to the cache. */
struct target {
	struct peer_entry *peer; /* NULL: there is none */
	struct session *session;
};

/*
 * Three passes, each of which reads what the one before has fetched. What is read only after
 * sealing is asked for last, so that nothing waits behind it.
 */
static void
find_targets(struct worker *w, const struct lookup *l, struct target *targets)
{
	for (uint32_t k = 1; k <= l->n_queries; k++) {
		uint32_t peer_id = l->queries[k].value;
		struct peer_entry *peer = peer_id ? tables_peer(w->tables, peer_id) : NULL;
		prefetch_read(peer);
		targets[k] = (struct target){.peer = peer};
	}
	for (uint32_t k = 1; k <= l->n_queries; k++) {
		const struct peer_entry *peer = targets[k].peer;
		if (unlikely_true(!peer))
			continue;
		prefetch_write(rcu_read(peer->tx));
		/* Read after sealing; they come meanwhile. */
		prefetch_read(rcu_read(peer->encap));
		prefetch_write(&peer->activity);
	}
	for (uint32_t k = 1; k <= l->n_queries; k++) {
		if (likely_true(targets[k].peer != NULL))
			targets[k].session = usable_session(w, targets[k].peer);
	}
}

void
peers_look(struct worker *w, struct burst *b)
{
	struct lookup_fill fill = lookup_begin(&b->lookup);
	for (uint32_t i = 0; i < b->tunnel.n; i++) {
		const struct packet *p = b->tunnel.packets[i];
		const struct iface_entry *iface =
			&w->tables->ifaces[p->out_link - LINK_FIRST_TUNNEL];
		lookup_add(&fill, iface->allowed[family_index(p->family)],
			ip_destination(p->ip, p->family), p->family);
	}
	lookup_run(&fill);
}

void
peers_burst(struct worker *w, struct burst *b)
{
	const struct lookup *l = &b->lookup;
	struct target targets[BURST_MAX + 1];
	find_targets(w, l, targets);
	for (uint32_t i = 0; i < b->tunnel.n; i++) {
		struct packet *p = b->tunnel.packets[i];
		const struct target *target = &targets[l->of[i]];
		if (unlikely_true(p->verdict != VERDICT_NONE))
			continue;
		p->peer_id = lookup_value(l, i);
		p->peer = target->peer;
		p->session = target->session;
		if (likely_true(p->session != NULL)) {
			uint16_t mtu = __atomic_load_n(&p->peer->inner_mtu, __ATOMIC_RELAXED);
			if (likely_true(p->n_bytes <= mtu || !pmtu_refuses(w, p)))
				list_add(&b->seal, p);
		} else if (p->peer) {
			park_for_peer(w, p);
		} else {
			answer_drop(w, p, DROP_NO_PEER, ICMP_HOST_UNREACHABLE);
		}
	}
}

/* Packets in a row for one session: what they have in common is read once. */
struct seal_run {
	const struct session *session;
	uint64_t counter;      /* of the next one */
	uint64_t counter_limit;
	uint32_t mtu;          /* of the tunnel */
	uint64_t n_bytes;      /* of the messages prepared so far */
	uint64_t n_plain;      /* and of what they carry */
};

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

/* What a run of packets that are being sealed for one peer tells its timers and counters. */
static inline void
note_sent(struct worker *w, const struct packet *first, const struct seal_run *run)
{
	struct peer_entry *peer = first->peer;
	activity_sent(&peer->activity, w->now_ns);
	if (run->n_plain) {
		activity_data_sent(&peer->activity, w->now_ns);
		if (unlikely_true(!__atomic_load_n(&peer->is_armed, __ATOMIC_RELAXED)))
			activity_tell(w, first);
	}
	workers_counter_add(w, &peer->tx_bytes, run->n_bytes);
	renew_if_old(w, first);
}

/* Pads the plain text and writes the data header in front of it; fills the job. */
static inline bool
prepare(struct packet *p, struct seal_run *run, struct aead_job *job)
{
	uint8_t *ip = p->ip;
	uint32_t n_bytes = p->n_bytes;
	uint32_t padded = (n_bytes + WG_PAD_BYTES - 1) & ~(WG_PAD_BYTES - 1u);
	uint64_t counter = run->counter++;
	p->counter = counter; /* of what is dropped, too: renew_if_old looks at the first one's */
	if (unlikely_true(padded > run->mtu))
		padded = (uint32_t)wg_padded_bytes(n_bytes, run->mtu);
	if (unlikely_true(ip + padded + WG_TAG_BYTES >
			  (uint8_t *)p->mbuf->buf_addr + p->mbuf->buf_len)) {
		packet_drop(p, DROP_TOO_BIG);
		return false;
	}
	if (unlikely_true(counter >= run->counter_limit)) {
		packet_drop(p, DROP_COUNTER_SPENT);
		return false;
	}
	if (padded != n_bytes)
		memset(ip + n_bytes, 0, padded - n_bytes);
	struct wg_data *data = (struct wg_data *)(ip - sizeof(*data));
	*job = (struct aead_job){.key = run->session->send_key,
		.data = ip,
		.counter = counter,
		.n_bytes = padded};
	p->outer_tos = n_bytes ? ip_ecn(ip, p->family) : 0;
	p->ip = (uint8_t *)data;
	p->n_bytes = padded + WG_DATA_OVERHEAD_BYTES;
	data->type = WG_DATA;
	data->receiver_index = run->session->remote_index;
	data->counter = counter;
	run->n_bytes += padded + WG_DATA_OVERHEAD_BYTES;
	run->n_plain += n_bytes;
	return true;
}

static uint32_t
run_end(const struct burst *b, uint32_t from)
{
	const struct session *s = b->seal.packets[from]->session;
	uint32_t to = from + 1;
	while (to < b->seal.n && b->seal.packets[to]->session == s)
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
	const struct packet *first = b->seal.packets[from];
	const struct iface_entry *iface = &w->tables->ifaces[first->out_link - LINK_FIRST_TUNNEL];
	uint32_t to = run_end(b, from);
	struct seal_run run = {
		.session = first->session,
		.counter = session_reserve(first->session, to - from),
		.counter_limit = w->tables->times->reject_after_messages,
		.mtu = __atomic_load_n(&iface->mtu, __ATOMIC_RELAXED),
	};
	for (uint32_t i = from; i < to; i++) {
		struct packet *p = b->seal.packets[i];
		if (likely_true(prepare(p, &run, &b->jobs[*n])))
			b->seal.packets[(*n)++] = p;
	}
	note_sent(w, first, &run);
	return to;
}

void
seal_burst(struct worker *w, struct burst *b)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < b->seal.n;)
		i = prepare_run(w, b, i, &n);
	b->seal.n = n;
	if (!n)
		return;
	if (unlikely_true(w->measures_aead)) {
		uint64_t from = rte_rdtsc();
		aead_seal_burst(&w->aead, b->jobs, n);
		w->aead_clk += rte_rdtsc() - from;
	} else {
		aead_seal_burst(&w->aead, b->jobs, n);
	}
}
