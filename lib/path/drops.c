/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/drops.h"

#include "path/worker.h"

/* As an RCU reader: a slot that is live now is not another's before the turn ends. */
static bool
peer_is_gone(const void *ctx, uint32_t id, uint32_t generation)
{
	const struct peer_entry *peer = tables_peer(ctx, id);
	return !__atomic_load_n(&peer->is_live, __ATOMIC_ACQUIRE) || peer->generation != generation;
}

void
drops_init(struct worker *w)
{
	w->drop_tables.by_peer.is_gone = peer_is_gone;
	w->drop_tables.by_peer.ctx = w->tables;
}

void
drops_count_cause(struct worker *w, const struct drop_cause *cause, uint64_t n_pkts)
{
	struct drop_tables *t = &w->drop_tables;
	drop_count(&w->drops, cause->reason, n_pkts);
	if (cause->link_id < LINK_COUNT)
		counter_add(&t->by_link[cause->link_id][cause->reason], n_pkts);
	if (cause->peer_id)
		drop_peers_count(&t->by_peer, cause->peer_id, cause->generation, cause->reason,
			n_pkts);
}

void
drops_count(struct worker *w, const struct packet *p, enum drop_reason reason)
{
	struct drop_cause cause = {.reason = reason, .link_id = p->in_link};
	if (p->peer) {
		cause.peer_id = p->peer_id;
		cause.generation = p->peer->generation;
	}
	drops_count_cause(w, &cause, 1);
}

static uint64_t
load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void
sample_peers(const struct drop_peers *t, struct drop_sample *s)
{
	struct drop_peers_row row;
	for (unsigned at = 0; at < DROP_PEERS_SLOTS; at++) {
		if (!drop_peers_read(t, at, &row))
			continue;
		drop_sample_add(s, &(struct drop_cell){.scope = DROP_BY_PEER,
					   .reason = (uint8_t)row.reason,
					   .id = row.id,
					   .generation = row.generation,
					   .n_pkts = row.n_pkts});
	}
}

void
drops_sample(const struct worker *w, struct drop_sample *s)
{
	const struct drop_tables *t = &w->drop_tables;
	for (unsigned r = 0; r < DROP_REASONS; r++) {
		struct drop_cell cell = {.reason = (uint8_t)r};
		cell.n_pkts = load(&w->drops.n_pkts[r]);
		drop_sample_add(s, &cell);
		cell.scope = DROP_BY_OTHERS;
		cell.n_pkts = load(&t->by_peer.n_other[r]);
		drop_sample_add(s, &cell);
		cell.scope = DROP_BY_LINK;
		for (cell.id = 0; cell.id < LINK_COUNT; cell.id++) {
			cell.n_pkts = load(&t->by_link[cell.id][r]);
			drop_sample_add(s, &cell);
		}
	}
	sample_peers(&t->by_peer, s);
}
