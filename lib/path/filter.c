/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The access filter's two places in a turn: behind verify, where what came out of a tunnel is
 * denied or goes on to be routed; and behind route, where what is to go into a tunnel makes the
 * flows by which its replies may come back. What is said of each is lib/filter's.
 */
#include "filter/filter.h"

#include "path/worker.h"

_Static_assert((int)BURST_MAX <= (int)FILTER_BULK_MAX, "a burst is judged at once");

/* The packets of a list that are asked about. */
struct asked {
	uint32_t n;
	struct packet *packets[BURST_MAX];
	struct filter_query queries[BURST_MAX];
};

/* A packet that was opened in this turn has its session still. */
static inline bool
came_out_of_tunnel(const struct packet *p)
{
	return p->session != NULL;
}

static void
ask(struct asked *a, const struct stage_list *list, bool out_of_tunnel)
{
	a->n = 0;
	for (uint32_t i = 0; i < list->n; i++) {
		struct packet *p = list->packets[i];
		if (came_out_of_tunnel(p) != out_of_tunnel)
			continue;
		a->packets[a->n] = p;
		a->queries[a->n++] =
			(struct filter_query){p->ip, p->n_bytes, p->family, FILTER_PASS};
	}
}

/* Drops what was denied; what has got its verdict leaves the list. */
static void
heed(const struct asked *a, struct stage_list *list)
{
	static const uint8_t reasons[] = {
		[FILTER_DENIED] = DROP_FILTER_DENIED,
		[FILTER_NO_FLOW] = DROP_FILTER_NO_FLOW,
		[FILTER_FLOWS_FULL] = DROP_FILTER_FULL,
		[FILTER_NOT_READABLE] = DROP_FILTER_UNREADABLE,
	};
	uint32_t n = 0;
	for (uint32_t i = 0; i < a->n; i++) {
		uint8_t verdict = a->queries[i].verdict;
		if (unlikely_true(verdict != FILTER_PASS))
			packet_drop(a->packets[i], (enum drop_reason)reasons[verdict]);
	}
	for (uint32_t i = 0; i < list->n; i++) {
		if (likely_true(list->packets[i]->verdict == VERDICT_NONE))
			list->packets[n++] = list->packets[i];
	}
	list->n = n;
}

void
filter_routed(struct worker *w, struct burst *b, struct filter *filter)
{
	struct asked a;
	ask(&a, &b->routed, true);
	if (!a.n)
		return;
	filter_from_tunnel(filter, a.queries, a.n, w->now_ns);
	heed(&a, &b->routed);
}

void
filter_tunnel(struct worker *w, struct burst *b, struct filter *filter)
{
	struct asked a;
	ask(&a, &b->tunnel, false);
	if (!a.n)
		return;
	filter_into_tunnel(filter, a.queries, a.n, w->now_ns);
	heed(&a, &b->tunnel);
}
