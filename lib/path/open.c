/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Data messages, from receiver index to authenticated plain text (whitepaper 5.4.6):
 * sessions_burst finds the session and hands over what another worker owns, open_burst opens
 * all of them at once.
 */
#include <rte_cycles.h>

#include "base/prefetch.h"
#include "path/worker.h"
#include "wire/wg.h"

/* Whose session it is; so a drop is known as this peer's, too. */
static inline void
name_peer(struct worker *w, struct packet *p, const struct session *s)
{
	p->peer_id = s->recv_peer_id;
	p->peer = tables_peer(w->tables, p->peer_id);
}

/* False: the packet has its verdict. */
static inline bool
find_session(struct worker *w, struct packet *p)
{
	const struct wg_data *data = (const struct wg_data *)p->ip;
	const struct protocol_times *times = w->tables->times;
	struct session *s = tables_session(w->tables, data->receiver_index);
	if (unlikely_true(!s)) {
		packet_drop(p, DROP_WG_INDEX);
		return false;
	}
	if (unlikely_true(link_of_iface(s->recv_iface_id) != p->out_link)) {
		name_peer(w, p, s);
		packet_drop(p, DROP_WG_INTERFACE);
		return false;
	}
	if (unlikely_true(
		    session_has_expired(s->recv_birth_ns, w->now_ns, times->reject_after_ns) ||
		    data->counter >= times->reject_after_messages)) {
		name_peer(w, p, s);
		packet_drop(p, DROP_WG_EXPIRED);
		return false;
	}
	if (unlikely_true(s->owner_worker != w->idx)) {
		p->verdict = VERDICT_HANDOFF;
		p->reason_or_target = (uint8_t)s->owner_worker;
		return false;
	}
	p->session = s;
	name_peer(w, p, s);
	p->counter = data->counter;
	return true;
}

void
sessions_burst(struct worker *w, struct burst *b)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < b->data.n; i++) {
		struct packet *p = b->data.packets[i];
		if (!find_session(w, p))
			continue;
		prefetch_write(&p->peer->activity);
		prefetch_write(&p->session->replay.words[p->counter / 64 % REPLAY_WORDS]);
		b->data.packets[n++] = p;
	}
	b->data.n = n;
}

void
open_burst(struct worker *w, struct burst *b)
{
	for (uint32_t i = 0; i < b->data.n; i++) {
		struct packet *p = b->data.packets[i];
		struct wg_data *data = (struct wg_data *)p->ip;
		struct aead_job *job = &b->jobs[i];
		job->key = p->session->recv_key;
		job->data = data->sealed;
		job->counter = p->counter;
		job->n_bytes = p->n_bytes - WG_DATA_OVERHEAD_BYTES;
	}
	if (!b->data.n)
		return;
	if (unlikely_true(w->measures_aead)) {
		uint64_t from = rte_rdtsc();
		aead_open_burst(&w->aead, b->jobs, b->data.n);
		w->aead_clk += rte_rdtsc() - from;
	} else {
		aead_open_burst(&w->aead, b->jobs, b->data.n);
	}
}
