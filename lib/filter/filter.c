/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/filter.h"

#include <errno.h>
#include <stdlib.h>

#include "base/prefetch.h"

enum {
	TCP_BRIEF_S = 240, /* RFC 5382, REQ-5: a connection that opens or ends, four minutes */
	UNNOTED_SHARE = 8, /* of the shortest time: flows live up to so much of it longer */
};

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
	uint32_t brief_s = MIN_OF(tcp_s, (uint32_t)TCP_BRIEF_S);
	uint32_t unnoted = ticks(MIN_OF(udp_s, brief_s)) / UNNOTED_SHARE;
	return (struct flow_times){
		.datagram = ticks(udp_s) + unnoted,
		.tcp = ticks(tcp_s) + unnoted,
		.tcp_brief = ticks(brief_s) + unnoted,
		.unnoted = unnoted,
	};
}

static int
build_classifiers(struct filter *f, const struct filter_plan *plan, struct err *err)
{
	const struct filter_plan bounds = {.rules = plan->bounds, .n_rules = plan->n_bounds};
	int rc = classifier_build(&f->rules, plan, err);
	if (rc || !plan->n_bounds)
		return rc;
	f->has_bounds = true;
	return classifier_build(&f->bounds, &bounds, err);
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
	f->takes_tsmp = plan->takes_tsmp;
	f->times = times_of(plan);
	uint32_t n_flows = plan->max_flows ? plan->max_flows : (uint32_t)FILTER_FLOWS_DEFAULT;
	int rc = build_classifiers(f, plan, err);
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
	classifier_fini(&f->bounds);
	free(f->hits);
	free(f);
}

/* A packet with all that is known of it. */
struct look {
	struct filter *filter;
	const struct tuple *tuple;
	const struct flow_key *key;
	uint32_t now_tick;
	bool is_from_tunnel;
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

/* Whether such a packet may come out of a tunnel at all; is_reversed: one that answers it. */
static bool
is_within(const struct filter *f, const struct tuple *t, bool is_reversed)
{
	return !f->has_bounds || classify_joins(&f->bounds, t, is_reversed) ||
	       classify_joins(&f->rules, t, is_reversed);
}

/* For what no rule allows. */
static enum filter_verdict
why_denied(const struct filter *f, const struct tuple *t)
{
	return is_within(f, t, false) ? FILTER_DENIED : FILTER_NOT_LOCAL;
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
	uint64_t flags = flow_src_is_high(l->key) ? FLOW_OPENER_IS_HIGH : 0;
	flags |= l->tuple->kind != TUPLE_DATAGRAM ? FLOW_IS_TCP : 0;
	flags |= l->tuple->ends_tcp ? FLOW_IS_ENDING : 0;
	return flow_state(flags, l->filter->generation);
}

static uint64_t
allowed_state(const struct look *l)
{
	return opening_state(l) | FLOW_BY_RULE;
}

static bool
is_by_opener(const struct look *l, const struct flow_found *f)
{
	return !(f->state & FLOW_OPENER_IS_HIGH) == !flow_src_is_high(l->key);
}

/* The flow's state with what this packet adds to it, under the rules of now. */
static uint64_t
seen_state(const struct look *l, const struct flow_found *f)
{
	uint64_t flags = f->state >> 48 << 48;
	flags |= is_by_opener(l, f) ? 0 : FLOW_IS_ANSWERED;
	flags |= l->tuple->ends_tcp ? FLOW_IS_ENDING : 0;
	return flow_state(flags, l->filter->generation);
}

/* A rule of another set has let it in. */
static bool
is_stale(const struct look *l, const struct flow_found *f)
{
	return (f->state & FLOW_BY_RULE) && flow_generation(f->state) != l->filter->generation;
}

/* Nothing known lets it pass: it opens a flow, if a rule allows that. */
static enum filter_verdict
open_from_tunnel(const struct look *l, struct flow_found *known)
{
	struct filter *f = l->filter;
	if (l->tuple->kind == TUPLE_TCP)
		return known->slot ? FILTER_DENIED : FILTER_NO_FLOW;
	if (!is_allowed(f, l->tuple, false))
		return why_denied(f, l->tuple);
	if (known->slot)
		flow_update(known, allowed_state(l), l->now_tick);
	else if (!flow_add(f->flows, l->key, allowed_state(l), &f->times, l->now_tick) &&
		 l->tuple->kind != TUPLE_DATAGRAM)
		return FILTER_FLOWS_FULL;
	return FILTER_PASS;
}

static enum filter_verdict
judge_other(const struct look *l, struct flow_found f)
{
	bool is_opening = l->tuple->kind == TUPLE_TCP_OPENING;
	if (!f.slot)
		return open_from_tunnel(l, &f);
	if (!is_within(l->filter, l->tuple, false))
		return FILTER_NOT_LOCAL;
	/* A SYN of the other side is no reply; one of our side's address is not ours. */
	bool is_by_rule = f.state & FLOW_BY_RULE;
	bool is_suspect = is_by_opener(l, &f) ? !is_by_rule : is_opening;
	if (is_stale(l, &f))
		is_suspect |= !is_allowed(l->filter, l->tuple, !is_by_opener(l, &f));
	if (is_suspect)
		return open_from_tunnel(l, &f);
	if (is_opening && (f.state & FLOW_IS_ENDING))
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
		return is_within(f, t, false) ? FILTER_PASS : FILTER_NOT_LOCAL;
	case TUPLE_OTHER:
		if (t->proto == IP_PROTO_TSMP && f->takes_tsmp)
			return is_within(f, t, false) ? FILTER_TAKEN : FILTER_NOT_LOCAL;
		break;
	case TUPLE_TCP_OPENING:
	case TUPLE_DATAGRAM:
	case TUPLE_ICMP:
		break;
	}
	return is_allowed(f, t, false) ? FILTER_PASS : why_denied(f, t);
}

/*
 * A datagram or connection from our side. A flow that a rule let in goes on being that, and its
 * replies keep it alive only while it is known to be still allowed. What stands behind us without
 * being within bounds makes no flow: so a flow that is known under the rules of now is within them.
 */
static enum filter_verdict
note_other(const struct look *l, struct flow_found f)
{
	struct filter *filter = l->filter;
	bool is_opening = l->tuple->kind == TUPLE_TCP_OPENING;
	if (!is_within(filter, l->tuple, true))
		return FILTER_PASS;
	if (f.slot) {
		bool begins_anew = is_opening && (f.state & FLOW_IS_ENDING);
		if (begins_anew)
			flow_update(&f, opening_state(l), l->now_tick);
		else if (!is_stale(l, &f))
			flow_update(&f, seen_state(l, &f), l->now_tick);
		return FILTER_PASS;
	}
	/* Strict TCP takes up what it has not seen to open, too, but not at its end. */
	if (l->tuple->kind == TUPLE_TCP && l->tuple->ends_tcp)
		return FILTER_PASS;
	return flow_add(filter->flows, l->key, opening_state(l), &filter->times, l->now_tick)
		       ? FILTER_PASS
		       : FILTER_FLOWS_FULL;
}

void
filter_look(const struct filter *f, struct filter_query *queries, uint32_t n)
{
	for (struct filter_query *q = queries; q < queries + n; q++) {
		tuple_parse(q->ip, q->family, q->n_bytes, &q->tuple);
		if (!has_flow(f, &q->tuple))
			continue;
		flow_key_of(f->flows, &q->tuple, &q->key);
		prefetch_read(flow_line_of(f->flows, &q->key, 0));
	}
}

/*
 * Nearly every packet: of a flow that was noted not long ago, under these rules, and neither a SYN
 * nor an end. A reply passes once it is noted that there are some; what its opener sends, when it
 * was allowed by a rule and comes out of a tunnel, or neither. Nothing is written then. Without a
 * branch but the caller's: which side opened a flow is anybody's guess.
 */
static inline bool
is_plain(const struct look *l, uint64_t state)
{
	int32_t age = (int32_t)(l->now_tick - (uint32_t)state);
	uint64_t is_reply = state / FLOW_OPENER_IS_HIGH ^ l->key->place;
	uint64_t is_answered = state / FLOW_IS_ANSWERED;
	uint64_t is_other_way = state / FLOW_BY_RULE ^ l->is_from_tunnel;
	uint64_t passes = (is_reply & is_answered) | (~is_reply & ~is_other_way);
	uint64_t is_special = l->tuple->ends_tcp | (l->tuple->kind == TUPLE_TCP_OPENING);
	uint64_t is_other = flow_generation(state) != l->filter->generation; /* or no flow's */
	uint64_t is_late = age > (int32_t)l->filter->times.unnoted;
	return ((is_special | is_other | is_late) ^ 1) & passes & 1;
}

/* The flow of a packet of a kind that has one: known and plain, or looked at closer. */
static inline enum filter_verdict
judge_flow(const struct look *l)
{
	if (likely_true(is_plain(l, flow_peek(l->filter->flows, l->key))))
		return FILTER_PASS;
	struct flow_found f = flow_find(l->filter->flows, l->key, &l->filter->times, l->now_tick);
	return l->is_from_tunnel ? judge_other(l, f) : note_other(l, f);
}

static inline __attribute__((always_inline)) void
judge_all(struct look l, struct filter_query *queries, uint32_t n)
{
	for (struct filter_query *q = queries; q < queries + n; q++) {
		l.tuple = &q->tuple;
		l.key = &q->key;
		if (unlikely_true(q->verdict == FILTER_SKIP))
			continue;
		if (has_flow(l.filter, &q->tuple))
			q->verdict = (uint8_t)judge_flow(&l);
		else
			q->verdict = l.is_from_tunnel ? (uint8_t)judge_alone(l.filter, &q->tuple)
						      : FILTER_PASS;
	}
}

void
filter_from_tunnel(struct filter *f, struct filter_query *queries, uint32_t n, ns_t now_ns)
{
	const struct look l = {.filter = f, .now_tick = flow_tick(now_ns), .is_from_tunnel = true};
	judge_all(l, queries, n);
}

void
filter_into_tunnel(struct filter *f, struct filter_query *queries, uint32_t n, ns_t now_ns)
{
	const struct look l = {.filter = f, .now_tick = flow_tick(now_ns)};
	judge_all(l, queries, n);
}
