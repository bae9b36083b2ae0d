/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/filter.h"

#include "path/worker.h"

/* A packet that was opened in this turn has its session still. */
static inline bool
is_opened(const struct packet *p)
{
	return p->session != NULL;
}

static inline void
ask(struct asked *a, struct packet *p)
{
	struct filter_query *q = &a->queries[a->n];
	a->packets[a->n++] = p;
	q->ip = p->ip;
	q->n_bytes = p->n_bytes;
	q->family = p->family;
	q->verdict = FILTER_PASS;
}

static void
look(struct worker *w)
{
	filter_look(w->filter, w->asked.queries, w->asked.n);
}

void
filter_look_opened(struct worker *w, struct burst *b)
{
	w->asked.n = 0;
	for (uint32_t i = 0; i < b->data.n; i++)
		ask(&w->asked, b->data.packets[i]);
	look(w);
}

static void
ask_plain(struct asked *a, const struct stage_list *list)
{
	for (uint32_t i = 0; i < list->n; i++) {
		if (!is_opened(list->packets[i]))
			ask(a, list->packets[i]);
	}
}

void
filter_look_plain(struct worker *w, struct burst *b)
{
	w->asked.n = 0;
	ask_plain(&w->asked, &b->routed);
	ask_plain(&w->asked, &b->tunnel);
	look(w);
}

/* What has got its verdict since it was looked at opens no flow. */
static void
skip_decided(struct asked *a)
{
	for (uint32_t i = 0; i < a->n; i++) {
		if (unlikely_true(a->packets[i]->verdict != VERDICT_NONE))
			a->queries[i].verdict = FILTER_SKIP;
	}
}

/* What was denied gets its verdict, and stays where it is: its list was looked up already. */
static void
heed(const struct asked *a)
{
	static const uint8_t reasons[] = {
		[FILTER_DENIED] = DROP_FILTER_DENIED,
		[FILTER_NO_FLOW] = DROP_FILTER_NO_FLOW,
		[FILTER_FLOWS_FULL] = DROP_FILTER_FULL,
		[FILTER_NOT_READABLE] = DROP_FILTER_UNREADABLE,
		[FILTER_NOT_LOCAL] = DROP_FILTER_NOT_LOCAL,
	};
	for (uint32_t i = 0; i < a->n; i++) {
		uint8_t verdict = a->queries[i].verdict;
		if (likely_true(verdict == FILTER_PASS || verdict == FILTER_SKIP))
			continue;
		if (verdict == FILTER_TAKEN)
			a->packets[i]->verdict = VERDICT_DONE;
		else
			packet_drop(a->packets[i], (enum drop_reason)reasons[verdict]);
	}
}

void
filter_opened(struct worker *w, struct burst *b)
{
	struct asked *a = &w->asked;
	skip_decided(a);
	filter_from_tunnel(w->filter, a->queries, a->n, w->now_ns);
	heed(a);
}

void
filter_plain(struct worker *w, struct burst *b)
{
	struct asked *a = &w->asked;
	skip_decided(a);
	filter_into_tunnel(w->filter, a->queries, a->n, w->now_ns);
	heed(a);
}
