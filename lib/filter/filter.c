/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/filter.h"

#include <errno.h>
#include <stdlib.h>

#include "base/prefetch.h"

enum { TCP_BRIEF_S = 240 }; /* RFC 5382, REQ-5: a connection that opens or ends, four minutes */

static uint32_t
ticks(uint32_t s)
{
	return (uint32_t)(s * NS_IN_S >> FLOW_TICK_BITS) + 1;
}

static struct flow_times
times_of(const struct filter_plan *plan)
{
	uint32_t udp_s = plan->udp_timeout_s ? plan->udp_timeout_s : FILTER_UDP_TIMEOUT_S;
	uint32_t tcp_s = plan->tcp_timeout_s ? plan->tcp_timeout_s : FILTER_TCP_TIMEOUT_S;
	return (struct flow_times){
		.datagram = ticks(udp_s),
		.tcp = ticks(tcp_s),
		.tcp_brief = ticks(MIN_OF(tcp_s, (uint32_t)TCP_BRIEF_S)),
	};
}

struct filter *
filter_create(const struct filter_plan *plan, struct flow_table *flows, uint16_t generation,
	struct err *err)
{
	struct filter *f = calloc(1, sizeof(*f));
	if (!f || !(f->hits = calloc(plan->n_rules + 1, sizeof(*f->hits)))) {
		err_set(err, -ENOMEM, "no memory for the filter");
		free(f);
		return NULL;
	}
	f->generation = generation;
	f->is_strict_tcp = plan->is_strict_tcp;
	f->times = times_of(plan);
	uint32_t n_flows = plan->max_flows ? plan->max_flows : (uint32_t)FILTER_FLOWS_DEFAULT;
	int rc = classifier_build(&f->rules, plan, err);
	if (!rc)
		f->flows = flows ? flows : flow_table_create(n_flows, err);
	if (f->flows)
		return f;
	filter_destroy(f);
	return NULL;
}

void
filter_destroy(struct filter *f)
{
	if (!f)
		return;
	if (f->owns_flows)
		flow_table_destroy(f->flows);
	classifier_fini(&f->rules);
	free(f->hits);
	free(f);
}

/* A packet with all that is known of it. */
struct look {
	struct filter *filter;
	const struct tuple *tuple;
	struct flow_key key;
	uint32_t now_tick;
};

/* Whether a rule allows such a packet to open something; is_reversed: to come the other way. */
static bool
is_allowed(struct filter *f, const struct tuple *t, bool is_reversed)
{
	uint32_t rule = classify(&f->rules, t, is_reversed);
	if (rule == CLASSIFY_NONE)
		return false;
	__atomic_fetch_add(&f->hits[rule], 1, __ATOMIC_RELAXED);
	return true;
}

/* Whether the table knows packets of that kind. */
static inline bool
has_flow(const struct filter *f, const struct tuple *t)
{
	if (t->kind == TUPLE_DATAGRAM)
		return true;
	return f->is_strict_tcp && (t->kind == TUPLE_TCP || t->kind == TUPLE_TCP_OPENING);
}

static uint64_t
opening_state(const struct look *l)
{
	uint64_t flags = l->key.src_is_high ? FLOW_OPENER_IS_HIGH : 0;
	flags |= l->tuple->kind != TUPLE_DATAGRAM ? FLOW_IS_TCP : 0;
	flags |= l->tuple->ends_tcp ? FLOW_IS_ENDING : 0;
	return flow_state(flags, 0);
}

static uint64_t
allowed_state(const struct look *l)
{
	return (opening_state(l) | FLOW_BY_RULE) | (uint64_t)l->filter->generation << 32;
}

static inline bool
is_by_opener(const struct look *l, const struct flow_found *f)
{
	return !(f->state & FLOW_OPENER_IS_HIGH) == !l->key.src_is_high;
}

/* The flow's state with what this packet adds to it. */
static inline uint64_t
seen_state(const struct look *l, const struct flow_found *f)
{
	uint64_t state = f->state | (is_by_opener(l, f) ? 0 : FLOW_IS_ANSWERED);
	return state | (l->tuple->ends_tcp ? FLOW_IS_ENDING : 0);
}

/*
 * Whether what a rule once allowed still is; then it is remembered. True for flows of ours, for
 * which no rule was asked.
 */
static inline bool
is_current(const struct look *l, struct flow_found *f)
{
	uint16_t generation = l->filter->generation;
	if (likely_true(!(f->state & FLOW_BY_RULE) || flow_generation(f->state) == generation))
		return true;
	if (!is_allowed(l->filter, l->tuple, !is_by_opener(l, f)))
		return false;
	uint64_t state = (f->state & ~((uint64_t)UINT16_MAX << 32)) | (uint64_t)generation << 32;
	flow_update(f, state, (uint32_t)f->state);
	return true;
}

/* Nothing known lets it pass: it opens a flow, if a rule allows that. */
static enum filter_verdict
open_from_tunnel(const struct look *l, struct flow_found *known)
{
	struct filter *f = l->filter;
	if (l->tuple->kind == TUPLE_TCP)
		return known->slot ? FILTER_DENIED : FILTER_NO_FLOW;
	if (!is_allowed(f, l->tuple, false))
		return FILTER_DENIED;
	if (known->slot)
		flow_update(known, allowed_state(l), l->now_tick);
	else if (!flow_add(f->flows, &l->key, allowed_state(l), &f->times, l->now_tick) &&
		 l->tuple->kind != TUPLE_DATAGRAM)
		return FILTER_FLOWS_FULL;
	return FILTER_PASS;
}

static inline enum filter_verdict
judge_flow(const struct look *l)
{
	struct flow_found f = flow_find(l->filter->flows, &l->key, &l->filter->times, l->now_tick);
	bool is_opening = l->tuple->kind == TUPLE_TCP_OPENING;
	if (unlikely_true(!f.slot))
		return open_from_tunnel(l, &f);
	/* A SYN of the other side is no reply; one of our side's address is not ours. */
	bool is_by_rule = f.state & FLOW_BY_RULE;
	bool is_suspect = is_by_opener(l, &f) ? !is_by_rule : is_opening;
	if (unlikely_true(is_suspect || !is_current(l, &f)))
		return open_from_tunnel(l, &f);
	if (unlikely_true(is_opening && (f.state & FLOW_IS_ENDING)))
		flow_update(&f, allowed_state(l), l->now_tick);
	else
		flow_update(&f, seen_state(l, &f), l->now_tick);
	return FILTER_PASS;
}

/* What needs no flow. */
static enum filter_verdict
judge_alone(struct filter *f, const struct tuple *t)
{
	switch ((enum tuple_kind)t->kind) {
	case TUPLE_BROKEN:
		return FILTER_NOT_READABLE;
	case TUPLE_LATER:
	case TUPLE_TCP:
	case TUPLE_ICMP_ANSWER:
		return FILTER_PASS;
	case TUPLE_TCP_OPENING:
	case TUPLE_DATAGRAM:
	case TUPLE_ICMP:
	case TUPLE_OTHER:
		break;
	}
	return is_allowed(f, t, false) ? FILTER_PASS : FILTER_DENIED;
}

/*
 * A datagram or connection from our side. A flow that a rule let in goes on being that, and its
 * replies keep it alive only while it is known to be still allowed.
 */
static inline enum filter_verdict
note_flow(const struct look *l)
{
	struct filter *filter = l->filter;
	struct flow_found f = flow_find(filter->flows, &l->key, &filter->times, l->now_tick);
	bool is_opening = l->tuple->kind == TUPLE_TCP_OPENING;
	if (likely_true(f.slot != NULL)) {
		bool is_stale = (f.state & FLOW_BY_RULE) &&
				flow_generation(f.state) != filter->generation;
		bool begins_anew = is_opening && (f.state & FLOW_IS_ENDING);
		if (begins_anew)
			flow_update(&f, opening_state(l), l->now_tick);
		else if (likely_true(!is_stale))
			flow_update(&f, seen_state(l, &f), l->now_tick);
		return FILTER_PASS;
	}
	/* Strict TCP takes up what it has not seen to open, too, but not at its end. */
	if (l->tuple->kind == TUPLE_TCP && l->tuple->ends_tcp)
		return FILTER_PASS;
	return flow_add(filter->flows, &l->key, opening_state(l), &filter->times, l->now_tick)
		       ? FILTER_PASS
		       : FILTER_FLOWS_FULL;
}

/* Reads the packets and fetches the lines of their flows, all before the first is needed. */
static void
look_all(struct filter *f, struct filter_query *queries, uint32_t n, struct tuple *tuples,
	struct flow_key *keys)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct filter_query *q = &queries[i];
		tuple_parse(q->ip, q->family, q->n_bytes, &tuples[i]);
		if (!has_flow(f, &tuples[i]))
			continue;
		keys[i] = flow_key_of(f->flows, &tuples[i]);
		prefetch_read(flow_first_line(f->flows, &keys[i]));
	}
}

void
filter_from_tunnel(struct filter *f, struct filter_query *queries, uint32_t n, ns_t now_ns)
{
	struct tuple tuples[FILTER_BULK_MAX];
	struct flow_key keys[FILTER_BULK_MAX];
	look_all(f, queries, n, tuples, keys);
	for (uint32_t i = 0; i < n; i++) {
		if (!has_flow(f, &tuples[i])) {
			queries[i].verdict = (uint8_t)judge_alone(f, &tuples[i]);
			continue;
		}
		struct look l = {f, &tuples[i], keys[i], flow_tick(now_ns)};
		queries[i].verdict = (uint8_t)judge_flow(&l);
	}
}

void
filter_into_tunnel(struct filter *f, struct filter_query *queries, uint32_t n, ns_t now_ns)
{
	struct tuple tuples[FILTER_BULK_MAX];
	struct flow_key keys[FILTER_BULK_MAX];
	look_all(f, queries, n, tuples, keys);
	for (uint32_t i = 0; i < n; i++) {
		queries[i].verdict = FILTER_PASS;
		if (!has_flow(f, &tuples[i]))
			continue;
		struct look l = {f, &tuples[i], keys[i], flow_tick(now_ns)};
		queries[i].verdict = (uint8_t)note_flow(&l);
	}
}
