/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sodium/randombytes.h>
#include <stdlib.h>
#include <string.h>

#include "base/prefetch.h"
#include "base/secret.h"
#include "nat/table_inner.h"

/* ---- Life ---- */

struct nat_table *
nat_table_create(uint32_t n_flows, struct err *err)
{
	struct nat_table *t = calloc(1, sizeof(*t));
	uint64_t n_buckets = 16;
	while (n_buckets * NAT_WAYS < (uint64_t)n_flows * 2)
		n_buckets *= 2;
	size_t record_bytes = n_buckets * NAT_WAYS * sizeof(struct nat_record);
	size_t n_bytes = record_bytes + n_buckets * sizeof(struct nat_bucket);
	void *block;
	if (t && !arena_init_block(&t->memory, n_bytes, &block, err)) {
		t->records = block;
		t->buckets = (struct nat_bucket *)((uint8_t *)t->records + record_bytes);
		t->bucket_mask = (uint32_t)(n_buckets - 1);
		randombytes_buf(t->key, sizeof(t->key));
		return t;
	}
	err_set(err, -ENOMEM, "no memory to translate %u flows (%llu MiB): set SNATFlows in "
		"[Gateway]", n_flows, (unsigned long long)n_bytes >> 20);
	nat_table_destroy(t);
	return NULL;
}

void
nat_table_destroy(struct nat_table *t)
{
	if (!t)
		return;
	arena_fini(&t->memory);
	secret_wipe(t, sizeof(*t));
	free(t);
}

uint32_t
nat_table_room(const struct nat_table *t)
{
	return (t->bucket_mask + 1) * NAT_WAYS / 2;
}

/* ---- Finding ---- */

/* The flow that is the same outside, in its bucket. */
static bool
find(const struct nat_table *t, const struct spot *s, struct nat_flow *record,
	struct nat_found *out)
{
	for (unsigned way = 0; way < NAT_WAYS; way++) {
		uint64_t *at = &s->bucket->states[way];
		uint64_t state = __atomic_load_n(at, __ATOMIC_ACQUIRE);
		if (!is_alike(s, state) || !is_live(state, s->now_tick) ||
			!read_record(t, s->bucket, way, state, record) ||
			!is_same_outside(record, s->flow))
			continue;
		*out = (struct nat_found){at, state};
		return true;
	}
	return false;
}

bool
nat_find_outer(const struct nat_table *t, struct nat_flow *f, uint32_t now_tick,
	struct nat_found *out)
{
	struct nat_flow record;
	struct spot s = spot_of(t, place_of(t, outer_sum(t, f), f->our_port), f, now_tick);
	if (!find(t, &s, &record, out))
		return false;
	memcpy(f->inner, record.inner, sizeof(f->inner));
	f->inner_port = record.inner_port;
	return true;
}

bool
nat_find_inner(const struct nat_table *t, const struct nat_ports *ports, struct nat_flow *f,
	uint32_t now_tick, struct nat_found *out)
{
	const struct candidates c = candidates_of(t, ports, f);
	nat_wide sum = outer_sum(t, f);
	struct nat_flow record;
	for (unsigned i = 0; i < NAT_CANDIDATES; i++) {
		f->our_port = candidate(&c, i);
		struct spot s = spot_of(t, place_of(t, sum, f->our_port), f, now_tick);
		if (find(t, &s, &record, out) && is_same_inside(&record, f))
			return true;
		for (unsigned k = 1; i == 0 && k < NAT_CANDIDATES; k++)
			prefetch_read(bucket_of(t, place_of(t, sum, candidate(&c, k))));
	}
	return false;
}

/* ---- What packets do to a flow ---- */

static uint64_t
tcp_state(uint64_t state, unsigned events)
{
	if (events & NAT_SYN && events & NAT_OUT && state & ENDS)
		return state & ~(ENDS | IS_ANSWERED); /* the port is used again */
	if (events & NAT_RST)
		return state | HAS_RST;
	if (events & NAT_OUT)
		state &= ~HAS_RST; /* it goes on: that was not the remote end's */
	if (events & NAT_FIN)
		state |= events & NAT_OUT ? HAS_FIN_OUT : HAS_FIN_IN;
	return state;
}

void
nat_touch(struct nat_found *f, unsigned events, uint32_t now_tick)
{
	uint64_t next = (f->seen & ~TICK_MASK) | (now_tick & TICK_MASK);
	if (events & NAT_IN)
		next |= IS_ANSWERED;
	if (next & IS_TCP)
		next = tcp_state(next, events);
	if (next == f->seen)
		return;
	if (__atomic_compare_exchange_n(f->state, &f->seen, next, false, __ATOMIC_ACQ_REL,
		    __ATOMIC_RELAXED))
		f->seen = next;
}

bool
nat_is_answered(const struct nat_found *f)
{
	return f->seen & IS_ANSWERED;
}

/* ---- Looking at all ---- */

static struct nat_bucket *
bucket_at(const struct nat_table *t, uint64_t at)
{
	return &t->buckets[at / NAT_WAYS];
}

bool
nat_table_next(const struct nat_table *t, uint64_t *at, uint32_t now_tick, struct nat_flow *out,
	uint32_t *idle_ticks)
{
	for (uint64_t n = ((uint64_t)t->bucket_mask + 1) * NAT_WAYS; *at < n;) {
		struct nat_bucket *b = bucket_at(t, *at);
		unsigned way = (*at)++ % NAT_WAYS;
		uint64_t state = __atomic_load_n(&b->states[way], __ATOMIC_ACQUIRE);
		if (!is_live(state, now_tick) || !read_record(t, b, way, state, out))
			continue;
		*idle_ticks = age_of(state, now_tick);
		return true;
	}
	return false;
}

struct nat_counts
nat_table_count(const struct nat_table *t, uint32_t now_tick)
{
	struct nat_counts c = {0};
	for (uint64_t at = 0; at < ((uint64_t)t->bucket_mask + 1) * NAT_WAYS; at++) {
		uint64_t state = __atomic_load_n(
			&bucket_at(t, at)->states[at % NAT_WAYS], __ATOMIC_RELAXED);
		if (!is_live(state, now_tick))
			continue;
		*(state & IS_TCP ? &c.tcp : state & IS_UDP ? &c.udp : &c.icmp) += 1;
	}
	return c;
}
