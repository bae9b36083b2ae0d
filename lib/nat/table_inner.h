/* SPDX-License-Identifier: BSD-3-Clause */
/* What table.c and table_add.c share: places, states, records. Nobody else includes this. */
#pragma once

#include <string.h>

#include "nat/table.h"
#include "wire/ip.h"

__extension__ typedef unsigned __int128 nat_wide;

/* A state: tick (28 bits), 16 of the hash, how often the place was taken (11), and flags. */
#define TICK_MASK ((1ull << 28) - 1)
#define HASH_SHIFT 28
#define HASH_MASK (0xffffull << HASH_SHIFT)
#define ROUND_ONE (1ull << 44)
#define ROUND_MASK (0x7ffull << 44)
#define IS_TAKEN (1ull << 55) /* somebody is writing the record */
#define IS_LIVE (1ull << 56)
#define IS_UDP (1ull << 57)
#define IS_TCP (1ull << 58)
#define IS_ANSWERED (1ull << 59)
#define HAS_FIN_OUT (1ull << 60)
#define HAS_FIN_IN (1ull << 61)
#define HAS_RST (1ull << 62)
#define IS_DNS (1ull << 63)
#define ENDS (HAS_FIN_OUT | HAS_FIN_IN | HAS_RST)
/* What stays the same as long as the place is one flow's. */
#define IDENTITY (HASH_MASK | ROUND_MASK | IS_TAKEN | IS_LIVE)

enum { RECORD_WORDS = sizeof(struct nat_flow) / sizeof(uint64_t) };

/* ---- Places ---- */

/* Strongly universal (Lemire and Kaser's multilinear hashing); its sum may be had in parts. */
static inline nat_wide
mix(const uint64_t *key, unsigned i, uint64_t word)
{
	return ((nat_wide)key[2 * i] << 64 | key[2 * i + 1]) * word;
}

/* The sum is linear: flows that are numbered through would lie in heaps. */
static inline uint64_t
spread(nat_wide sum)
{
	uint64_t h = (uint64_t)(sum >> 64) ^ (uint64_t)sum;
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

/* Of all that is seen outside, but for our port. */
static inline nat_wide
outer_sum(const struct nat_table *t, const struct nat_flow *f)
{
	const uint64_t *key = t->key[0];
	return mix(key, 0, f->ours[0]) + mix(key, 1, f->ours[1]) + mix(key, 2, f->remote[0]) +
	       mix(key, 3, f->remote[1]) +
	       mix(key, 4, (uint64_t)f->remote_port << 16 | (uint64_t)f->proto << 32 |
				   (uint64_t)f->family << 40) +
	       ((nat_wide)key[10] << 64 | key[11]);
}

/* The hash that names the bucket: its port is a part of the last word. */
static inline uint64_t
place_of(const struct nat_table *t, nat_wide sum, uint16_t our_port)
{
	return spread(sum + mix(t->key[0], 4, our_port));
}

static inline struct nat_bucket *
bucket_of(const struct nat_table *t, uint64_t place)
{
	return &t->buckets[place >> 20 & t->bucket_mask];
}

/* A flow at the place where it would stand with the port it has. */
struct spot {
	struct nat_bucket *bucket;
	uint64_t hash_bits; /* of its state */
	const struct nat_flow *flow;
	uint32_t now_tick;
};

/* The ports that an inner end may have, in their order. */
struct candidates {
	uint32_t n_ports, at, step;
	uint16_t first, wanted; /* wanted 0: none is */
};

static inline struct candidates
candidates_of(const struct nat_table *t, const struct nat_ports *ports, const struct nat_flow *f)
{
	const uint64_t *key = t->key[1];
	uint64_t h = spread(mix(key, 0, f->inner[0]) + mix(key, 1, f->inner[1]) +
			    mix(key, 2, f->ours[0]) + mix(key, 3, f->ours[1]) +
			    mix(key, 4, (uint64_t)f->inner_port | (uint64_t)f->proto << 32 |
						(uint64_t)f->family << 40) +
			    ((nat_wide)key[10] << 64 | key[11]));
	uint32_t n = ports->last - ports->first + 1u;
	bool has_own = f->inner_port >= ports->first && f->inner_port <= ports->last;
	return (struct candidates){.n_ports = n,
		.at = (uint32_t)(h & UINT32_MAX) % n,
		.step = 1 + (uint32_t)(h >> 32) % (n > 1 ? n - 1 : 1),
		.first = ports->first,
		.wanted = has_own ? f->inner_port : 0};
}

/* The i-th of them. */
static inline uint16_t
candidate(const struct candidates *c, unsigned i)
{
	if (i == 0 && c->wanted)
		return c->wanted;
	return (uint16_t)(c->first + (c->at + (uint64_t)i * c->step) % c->n_ports);
}

/* ---- States ---- */

/* TCP: refused, or closed by both ends. */
static inline bool
has_ended(uint64_t state)
{
	bool both_fins = (state & (HAS_FIN_OUT | HAS_FIN_IN)) == (HAS_FIN_OUT | HAS_FIN_IN);
	return both_fins || state & HAS_RST;
}

/* How long a flow in that state lives without a packet, in ticks. */
static inline uint32_t
lifetime(uint64_t state)
{
	if (state & IS_DNS)
		return NAT_DNS_TICKS;
	if (state & IS_UDP)
		return state & IS_ANSWERED ? NAT_UDP_TICKS : NAT_UDP_BRIEF_TICKS;
	if (!(state & IS_TCP))
		return NAT_ICMP_TICKS;
	return !(state & IS_ANSWERED) || has_ended(state) ? NAT_TCP_BRIEF_TICKS : NAT_TCP_TICKS;
}

/* Workers' clocks may be a tick apart: what is from the future is not old. */
static inline uint32_t
age_of(uint64_t state, uint32_t now_tick)
{
	uint32_t age = (uint32_t)((now_tick - state) & TICK_MASK);
	return age > TICK_MASK / 2 ? 0 : age;
}

static inline bool
is_live(uint64_t state, uint32_t now_tick)
{
	return (state & (IS_LIVE | IS_TAKEN)) == IS_LIVE &&
	       age_of(state, now_tick) <= lifetime(state);
}

static inline uint64_t
hash_bits(uint64_t place)
{
	return (place & 0xffff) << HASH_SHIFT;
}

static inline uint64_t
fresh_state(const struct nat_flow *f)
{
	enum { DNS_PORT = 53 };
	if (f->proto == IP_PROTO_UDP)
		return IS_LIVE | IS_UDP | (f->remote_port == DNS_PORT ? IS_DNS : 0);
	return IS_LIVE | (f->proto == IP_PROTO_TCP ? IS_TCP : 0);
}

static inline struct spot
spot_of(const struct nat_table *t, uint64_t place, const struct nat_flow *f, uint32_t now_tick)
{
	return (struct spot){bucket_of(t, place), hash_bits(place), f, now_tick};
}

/* Whether a state may be of the spot's flow. */
static inline bool
is_alike(const struct spot *s, uint64_t state)
{
	return (state & HASH_MASK) == s->hash_bits;
}

/* ---- Records ---- */

static inline struct nat_record *
record_of(const struct nat_table *t, const struct nat_bucket *b, unsigned way)
{
	return &t->records[(size_t)(b - t->buckets) * NAT_WAYS + way];
}

/*
 * Reads a record whose place was in that state. False: it is another flow's by now. The words'
 * acquire pairs with the release of who wrote them: who sees a word of a later flow sees, in the
 * state behind it, that the place was taken.
 */
static inline bool
read_record(const struct nat_table *t, const struct nat_bucket *b, unsigned way, uint64_t state,
	struct nat_flow *out)
{
	uint64_t words[RECORD_WORDS];
	const struct nat_record *r = record_of(t, b, way);
	for (unsigned i = 0; i < RECORD_WORDS; i++)
		words[i] = __atomic_load_n(&r->words[i], __ATOMIC_ACQUIRE);
	memcpy(out, words, sizeof(*out));
	uint64_t now = __atomic_load_n(&b->states[way], __ATOMIC_RELAXED);
	return !((now ^ state) & IDENTITY);
}

static inline void
write_record(struct nat_record *r, const struct nat_flow *f)
{
	uint64_t words[RECORD_WORDS];
	memcpy(words, f, sizeof(words));
	for (unsigned i = 0; i < RECORD_WORDS; i++)
		__atomic_store_n(&r->words[i], words[i], __ATOMIC_RELEASE);
}

static inline bool
is_same_address(const uint64_t a[2], const uint64_t b[2])
{
	return a[0] == b[0] && a[1] == b[1];
}

static inline bool
is_same_outside(const struct nat_flow *a, const struct nat_flow *b)
{
	return is_same_address(a->ours, b->ours) && is_same_address(a->remote, b->remote) &&
	       a->our_port == b->our_port && a->remote_port == b->remote_port &&
	       a->family == b->family && a->proto == b->proto;
}

static inline bool
is_same_inside(const struct nat_flow *a, const struct nat_flow *b)
{
	return is_same_address(a->inner, b->inner) && a->inner_port == b->inner_port;
}

