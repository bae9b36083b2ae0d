/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of flows: who opened which, when a packet of it was last seen, and by which set of
 * rules it was allowed. One table for all workers, read and written by them without a lock.
 *
 * A flow is two 64-bit words. The tag is a strongly universal hash of protocol, addresses and
 * ports under a random key (Lemire and Kaser's multilinear hashing, in 128 bits), the same for
 * both directions: two flows share one with a chance of 2^-64 that nobody outside can raise. So
 * IPv4 and IPv6 take the same 16 bytes, four flows a cache line, and no key is to be compared.
 * The state is the other word, always changed by compare-and-swap. A flow stands in one of
 * FLOW_LINES lines that its hash names. What has not been seen for its time counts as not there
 * and its place is taken by the next that comes, so nothing has to be swept.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "filter/tuple.h"

__extension__ typedef unsigned __int128 flow_wide;

enum {
	FLOW_LINES = 8,    /* that a flow may stand in: with 4, 5 of 100,000 find no place */
	FLOWS_IN_LINE = 4,
	FLOW_TICK_BITS = 30, /* a tick is 2^30 ns */
	FLOW_WORDS = 5,    /* of a tuple at most: IPv6's addresses, and the rest */
};

/* Bits of a state above its 32-bit tick and 16-bit generation. */
#define FLOW_OPENER_IS_HIGH (1ull << 48) /* which side opened it: the one of the higher address */
#define FLOW_BY_RULE (1ull << 49)        /* allowed by a rule: it came out of a tunnel */
#define FLOW_IS_ANSWERED (1ull << 50)
#define FLOW_IS_TCP (1ull << 51)
#define FLOW_IS_ENDING (1ull << 52)      /* TCP: FIN or RST was seen */
#define FLOW_IS_LIVE (1ull << 62)
#define FLOW_IS_TAKEN (1ull << 63)       /* somebody is writing tag and state */

struct flow_slot {
	uint64_t tag, state;
};

struct flow_line {
	struct flow_slot slots[FLOWS_IN_LINE];
};
_Static_assert(sizeof(struct flow_line) == CACHE_LINE_BYTES, "one miss a look-up");

/* How long flows live without a packet, in ticks. */
struct flow_times {
	uint32_t datagram, tcp, tcp_brief; /* brief: not answered yet, or ending */
	uint32_t unnoted; /* part of each: a packet so soon after another leaves no trace */
};

struct flow_table {
	struct flow_line *lines;
	uint32_t line_mask;
	struct arena memory;
	uint64_t key[2 * FLOW_WORDS + 2]; /* two words of it for one of the tuple, and two more */
};

/* A tuple as the table knows it. */
struct flow_key {
	uint64_t tag;
	uint64_t place; /* its lines follow from it; bit 0: the source is the higher side */
};

/* A flow that was found, and its state when it was read. slot NULL: none. */
struct flow_found {
	struct flow_slot *slot;
	uint64_t state;
};

/* Room for n_flows with half of the places free. NULL with a sentence. */
struct flow_table *flow_table_create(uint32_t n_flows, struct err *err);
/* No reader is left. NULL is fine. */
void flow_table_destroy(struct flow_table *t);
/* How many flows there are that have not timed out. Any thread; it reads the whole table. */
uint32_t flow_table_count(const struct flow_table *t, const struct flow_times *times,
	uint32_t now_tick);
/* How many there can be. */
uint32_t flow_table_room(const struct flow_table *t);

/* ---- Keys ---- */

/* One word of the tuple into the sum: 128 bits of key for 64 bits of it. */
static inline flow_wide
flow_mix(const struct flow_table *t, unsigned i, uint64_t word)
{
	return ((flow_wide)t->key[2 * i] << 64 | t->key[2 * i + 1]) * word;
}

static inline void
flow_key_finish(const struct flow_table *t, flow_wide sum, bool src_is_high, struct flow_key *out)
{
	sum += (flow_wide)t->key[2 * FLOW_WORDS] << 64 | t->key[2 * FLOW_WORDS + 1];
	uint64_t tag = (uint64_t)(sum >> 64);
	/* The sum is linear: flows that are numbered through would lie in heaps. */
	uint64_t spread = tag ^ (uint64_t)sum;
	spread = (spread ^ spread >> 32) * 0x9e3779b97f4a7c15ull;
	out->tag = tag + !tag;
	out->place = (spread & ~1ull) | src_is_high;
}

/* The side that FLOW_OPENER_IS_HIGH speaks of is the packet's source. */
static inline bool
flow_src_is_high(const struct flow_key *k)
{
	return k->place & 1;
}

static inline void
flow_key_v4(const struct flow_table *t, const struct tuple *p, struct flow_key *out)
{
	uint64_t src = (uint64_t)load_be32(p->src) << 16 | p->src_port;
	uint64_t dst = (uint64_t)load_be32(p->dst) << 16 | p->dst_port;
	bool src_is_high = src > dst;
	uint64_t low = src_is_high ? dst : src, high = src_is_high ? src : dst;
	high |= (uint64_t)p->proto << 48 | (uint64_t)ADDR_V4 << 56;
	flow_key_finish(t, flow_mix(t, 0, low) + flow_mix(t, 1, high), src_is_high, out);
}

void flow_key_v6(const struct flow_table *t, const struct tuple *p, struct flow_key *out);

static inline void
flow_key_of(const struct flow_table *t, const struct tuple *tuple, struct flow_key *out)
{
	if (likely_true(tuple->family == ADDR_V4))
		flow_key_v4(t, tuple, out);
	else
		flow_key_v6(t, tuple, out);
}

/* ---- Flows ---- */

static inline uint32_t
flow_tick(ns_t now_ns)
{
	return (uint32_t)(now_ns >> FLOW_TICK_BITS);
}

static inline uint16_t
flow_generation(uint64_t state)
{
	return (uint16_t)(state >> 32);
}

/* Everything but the tick. */
static inline uint64_t
flow_state(uint64_t flags, uint16_t generation)
{
	return flags | FLOW_IS_LIVE | (uint64_t)generation << 32;
}

static inline struct flow_line *
flow_line_of(const struct flow_table *t, const struct flow_key *k, unsigned i)
{
	uint64_t step = k->place >> 8 | 1; /* odd: it comes to all lines */
	return &t->lines[((k->place >> 32) + i * step) & t->line_mask];
}

static inline unsigned
flow_has_tag(const struct flow_slot *s, const struct flow_key *k)
{
	return __atomic_load_n(&s->tag, __ATOMIC_ACQUIRE) == k->tag;
}

/*
 * Whether the state is that of the key's flow, which had the tag before the state was read. Tag,
 * state, tag, state: the first tag pairs with its release where a slot is taken, so the state is
 * not older; the second tells that it is not a later flow's, whose tag was stored before its state
 * was released; and the second state that the slot has not gone to another flow and back
 * meanwhile, which a worker that was preempted here may find.
 */
static inline unsigned
flow_is_still(const struct flow_slot *s, const struct flow_key *k, uint64_t state)
{
	unsigned has_tag = flow_has_tag(s, k);
	return has_tag & (__atomic_load_n(&s->state, __ATOMIC_RELAXED) == state);
}

/*
 * The state of a flow in the line where nearly all stand, at any place of it, so without a branch;
 * 0 when it is not there. It may have timed out, or be taken just now.
 */
static inline uint64_t
flow_peek(const struct flow_table *t, const struct flow_key *k)
{
	const struct flow_slot *slots = flow_line_of(t, k, 0)->slots;
	unsigned places = flow_has_tag(&slots[0], k) | flow_has_tag(&slots[1], k) << 1 |
			  flow_has_tag(&slots[2], k) << 2 | flow_has_tag(&slots[3], k) << 3;
	const struct flow_slot *s = &slots[__builtin_ctz(places | 1u << (FLOWS_IN_LINE - 1))];
	uint64_t state = __atomic_load_n(&s->state, __ATOMIC_ACQUIRE);
	return flow_is_still(s, k, state) ? state : 0;
}

struct flow_found flow_find(const struct flow_table *t, const struct flow_key *k,
	const struct flow_times *times, uint32_t now_tick);

/*
 * Exchanges a found flow's state for another, at the time of now_tick. Nothing happens when
 * another worker was first, for what it saw is as new; nor when nothing would change.
 */
void flow_update(struct flow_found *f, uint64_t state, uint32_t now_tick);

/*
 * Adds a flow that was not found. When all its places are taken it displaces the oldest of the
 * flows that matter least: those that a rule let in, by others of that kind only, for they can be
 * made again; then those of ours that nobody has answered. False: there is no place.
 */
bool flow_add(struct flow_table *t, const struct flow_key *k, uint64_t state,
	const struct flow_times *times, uint32_t now_tick);
