/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The access filter's two places in a turn: behind verify, where what came out of a tunnel is
 * denied or goes on to be routed; and behind route, where what is to go into a tunnel makes the
 * flows by which its replies may come back. What is said of each is lib/filter's.
 */
#include "filter/filter.h"

#include "path/worker.h"

_Static_assert((int)BURST_MAX <= (int)FILTER_BULK_MAX, "a burst is judged at once");

/* The packets of a list that are asked about: the k-th is the list's at[k]. */
struct asked {
	uint32_t n;
	uint16_t at[BURST_MAX];
	struct filter_query queries[BURST_MAX];
};

static inline void
ask(struct asked *a, const struct burst *b, uint16_t at)
{
	const struct packet *p = &b->packets[at];
	a->at[a->n] = at;
	a->queries[a->n++] = (struct filter_query){p->ip, p->n_bytes, p->family, FILTER_PASS};
}

static void
drop_denied(struct burst *b, const struct asked *a)
{
	static const uint8_t reasons[] = {
		[FILTER_DENIED] = DROP_FILTER_DENIED,
		[FILTER_NO_FLOW] = DROP_FILTER_NO_FLOW,
		[FILTER_FLOWS_FULL] = DROP_FILTER_FULL,
		[FILTER_NOT_READABLE] = DROP_FILTER_UNREADABLE,
	};
	for (uint32_t i = 0; i < a->n; i++) {
		uint8_t verdict = a->queries[i].verdict;
		if (unlikely_true(verdict != FILTER_PASS))
			packet_drop(&b->packets[a->at[i]], (enum drop_reason)reasons[verdict]);
	}
}

/* Takes those that have got their verdict out of the list. */
static void
keep_undecided(const struct burst *b, struct stage_list *list)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < list->n; i++) {
		if (likely_true(b->packets[list->at[i]].verdict == VERDICT_NONE))
			list->at[n++] = list->at[i];
	}
	list->n = n;
}

/* A packet that was opened in this turn has its session still. */
static inline bool
came_out_of_tunnel(const struct packet *p)
{
	return p->session != NULL;
}

void
filter_routed(struct worker *w, struct burst *b, struct filter *filter)
{
	struct asked a;
	a.n = 0;
	for (uint32_t i = 0; i < b->routed.n; i++) {
		if (came_out_of_tunnel(&b->packets[b->routed.at[i]]))
			ask(&a, b, b->routed.at[i]);
	}
	if (!a.n)
		return;
	filter_from_tunnel(filter, a.queries, a.n, w->now_ns);
	drop_denied(b, &a);
	keep_undecided(b, &b->routed);
}

void
filter_tunnel(struct worker *w, struct burst *b, struct filter *filter)
{
	struct asked a;
	a.n = 0;
	for (uint32_t i = 0; i < b->tunnel.n; i++) {
		if (!came_out_of_tunnel(&b->packets[b->tunnel.at[i]]))
			ask(&a, b, b->tunnel.at[i]);
	}
	if (!a.n)
		return;
	filter_into_tunnel(filter, a.queries, a.n, w->now_ns);
	drop_denied(b, &a);
	keep_undecided(b, &b->tunnel);
}
