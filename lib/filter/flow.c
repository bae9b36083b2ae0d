/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/flow.h"

#include <errno.h>
#include <sodium/randombytes.h>
#include <stdlib.h>

#include "base/prefetch.h"
#include "base/secret.h"
#include "wire/ip.h"

/* ---- Life ---- */

struct flow_table *
flow_table_create(uint32_t n_flows, struct err *err)
{
	struct flow_table *t = calloc(1, sizeof(*t));
	uint64_t n_lines = 16;
	while (n_lines * FLOWS_IN_LINE < (uint64_t)n_flows * 2)
		n_lines *= 2;
	void *block;
	if (t && !arena_init_block(&t->memory, n_lines * sizeof(struct flow_line), &block, err)) {
		t->lines = block;
		t->line_mask = (uint32_t)(n_lines - 1);
		randombytes_buf(t->key, sizeof(t->key));
		return t;
	}
	err_set(err, -ENOMEM, "no memory for %u flows (%llu MiB): set Flows in [Filter]", n_flows,
		(unsigned long long)(n_lines * sizeof(struct flow_line)) >> 20);
	flow_table_destroy(t);
	return NULL;
}

void
flow_table_destroy(struct flow_table *t)
{
	if (!t)
		return;
	arena_fini(&t->memory);
	secret_wipe(t, sizeof(*t));
	free(t);
}

uint32_t
flow_table_room(const struct flow_table *t)
{
	return (t->line_mask + 1) * FLOWS_IN_LINE / 2;
}

/* ---- Keys ---- */

static inline flow_wide
load_wide(const uint8_t *bytes)
{
	return (flow_wide)load_be64(bytes) << 64 | load_be64(bytes + 8);
}

void
flow_key_v6(const struct flow_table *t, const struct tuple *p, struct flow_key *out)
{
	flow_wide src = load_wide(p->src), dst = load_wide(p->dst);
	bool src_is_high = src > dst || (src == dst && p->src_port > p->dst_port);
	flow_wide low = src_is_high ? dst : src, high = src_is_high ? src : dst;
	uint64_t low_port = src_is_high ? p->dst_port : p->src_port;
	uint64_t high_port = src_is_high ? p->src_port : p->dst_port;
	flow_wide sum = flow_mix(t, 0, (uint64_t)low) + flow_mix(t, 1, (uint64_t)(low >> 64)) +
		   flow_mix(t, 2, (uint64_t)high) + flow_mix(t, 3, (uint64_t)(high >> 64)) +
		   flow_mix(t, 4, low_port | high_port << 16 | (uint64_t)p->proto << 48 |
				     (uint64_t)ADDR_V6 << 56);
	flow_key_finish(t, sum, src_is_high, out);
}

/* ---- Slots ---- */

/* Whether a state, as it was read, is no flow's: a free place, or one that has timed out. */
static bool
is_free(uint64_t state, const struct flow_times *times, uint32_t now_tick)
{
	uint32_t limit = times->datagram;
	if (state & FLOW_IS_TAKEN)
		return false;
	if (state & FLOW_IS_TCP)
		limit = (state & (FLOW_IS_ANSWERED | FLOW_IS_ENDING)) == FLOW_IS_ANSWERED
				? times->tcp
				: times->tcp_brief;
	/* Workers' clocks may be a tick apart: what is from the future is not old. */
	int32_t age = (int32_t)(now_tick - (uint32_t)state);
	return !(state & FLOW_IS_LIVE) || (age > 0 && (uint32_t)age > limit);
}

/* As flow_peek does it. */
static struct flow_found
find_in_line(struct flow_line *line, const struct flow_key *k, const struct flow_times *times,
	uint32_t now_tick)
{
	for (unsigned i = 0; i < FLOWS_IN_LINE; i++) {
		struct flow_slot *s = &line->slots[i];
		if (!flow_has_tag(s, k))
			continue;
		uint64_t state = __atomic_load_n(&s->state, __ATOMIC_ACQUIRE);
		if ((state & FLOW_IS_TAKEN) || is_free(state, times, now_tick) ||
			!flow_is_still(s, k, state))
			continue;
		return (struct flow_found){s, state};
	}
	return (struct flow_found){NULL, 0};
}

struct flow_found
flow_find(const struct flow_table *t, const struct flow_key *k, const struct flow_times *times,
	uint32_t now_tick)
{
	enum { LIKELY_LINES = 2 }; /* 998 of 1000 flows stand there when the table is full */
	struct flow_found f = {NULL, 0};
	for (unsigned i = 0; i < LIKELY_LINES && !f.slot; i++)
		f = find_in_line(flow_line_of(t, k, i), k, times, now_tick);
	for (unsigned i = LIKELY_LINES; i < FLOW_LINES && !f.slot; i++)
		prefetch_read(flow_line_of(t, k, i));
	for (unsigned i = LIKELY_LINES; i < FLOW_LINES && !f.slot; i++)
		f = find_in_line(flow_line_of(t, k, i), k, times, now_tick);
	return f;
}

void
flow_update(struct flow_found *f, uint64_t state, uint32_t now_tick)
{
	uint64_t next = (state & ~(uint64_t)UINT32_MAX) | now_tick;
	if (next == f->state)
		return;
	if (__atomic_compare_exchange_n(&f->slot->state, &f->state, next, false, __ATOMIC_ACQ_REL,
		    __ATOMIC_RELAXED))
		f->state = next;
}

/* Takes the place over while its state is still `was`. */
static bool
take_slot(struct flow_slot *s, uint64_t was, uint64_t tag, uint64_t state)
{
	if (!__atomic_compare_exchange_n(&s->state, &was, FLOW_IS_TAKEN, false, __ATOMIC_ACQ_REL,
		    __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&s->tag, tag, __ATOMIC_RELEASE);
	__atomic_store_n(&s->state, state, __ATOMIC_RELEASE);
	return true;
}

/* How little a flow matters to one that comes: the more the less; 0: it may not be displaced. */
static uint64_t
worth_displacing(uint64_t state, bool by_rule, uint32_t now_tick)
{
	bool is_tcp = state & FLOW_IS_TCP;
	bool is_brief = (state & FLOW_IS_ENDING) || !(state & FLOW_IS_ANSWERED);
	uint32_t age = now_tick - (uint32_t)state + 1;
	if (state & FLOW_IS_TAKEN)
		return 0;
	if (state & FLOW_BY_RULE)
		return !is_tcp || is_brief ? 2ull << 32 | age : 0;
	return !by_rule && is_brief ? 1ull << 32 | age : 0;
}

/* The i-th of all places that the flow may have. */
static struct flow_slot *
slot_of(const struct flow_table *t, const struct flow_key *k, unsigned i)
{
	return &flow_line_of(t, k, i / FLOWS_IN_LINE)->slots[i % FLOWS_IN_LINE];
}

static bool
displace(struct flow_table *t, const struct flow_key *k, uint64_t state, uint32_t now_tick)
{
	struct flow_slot *victim = NULL;
	uint64_t most = 0, was = 0;
	for (unsigned i = 0; i < FLOW_LINES * FLOWS_IN_LINE; i++) {
		struct flow_slot *s = slot_of(t, k, i);
		uint64_t seen = __atomic_load_n(&s->state, __ATOMIC_ACQUIRE);
		uint64_t worth = worth_displacing(seen, state & FLOW_BY_RULE, now_tick);
		if (worth > most) {
			victim = s;
			most = worth;
			was = seen;
		}
	}
	return victim && take_slot(victim, was, k->tag, state);
}

bool
flow_add(struct flow_table *t, const struct flow_key *k, uint64_t state,
	const struct flow_times *times, uint32_t now_tick)
{
	state = (state & ~(uint64_t)UINT32_MAX) | now_tick;
	for (unsigned i = 0; i < FLOW_LINES * FLOWS_IN_LINE; i++) {
		struct flow_slot *s = slot_of(t, k, i);
		uint64_t was = __atomic_load_n(&s->state, __ATOMIC_ACQUIRE);
		if (is_free(was, times, now_tick) && take_slot(s, was, k->tag, state))
			return true;
	}
	return displace(t, k, state, now_tick);
}

uint32_t
flow_table_count(const struct flow_table *t, const struct flow_times *times, uint32_t now_tick)
{
	uint32_t n = 0;
	for (uint64_t i = 0; i <= t->line_mask; i++) {
		for (unsigned k = 0; k < FLOWS_IN_LINE; k++) {
			const uint64_t *state = &t->lines[i].slots[k].state;
			n += !is_free(__atomic_load_n(state, __ATOMIC_RELAXED), times, now_tick);
		}
	}
	return n;
}
