/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What writer and readers share: a path-compressed tree bitmap of stride 6 (after Eatherton,
 * Varghese and Dittia, "Tree Bitmap", CCR 2004).
 *
 * A node at depth d (a multiple of 6) holds the prefixes of lengths d..d+5 below its key's first
 * d bits, and up to 64 children, one for each value of bits d..d+5. Levels with nothing to
 * decide are skipped: so a reader compares the key before it believes a node. A node without
 * value has two children or more.
 *
 * Nodes are immutable but for their slots, which are read and published atomically: a child slot
 * holds another node's unit number in the slab, a value slot the value. Whoever needs more
 * changed makes a new node and publishes it in the parent's slot. Unit 0 is an empty node with
 * which every descent may end.
 *
 * Keys are 128-bit numbers in host order; an IPv4 address stands in the top 32 bits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/rcu.h"

enum {
	ROUTE_STRIDE = 6,
	ROUTE_UNIT_BYTES = CACHE_LINE_BYTES,
	ROUTE_MAX_SLOTS = 63 + 64,
	ROUTE_DEPTHS = 128 / ROUTE_STRIDE + 1,
};

struct route_key {
	uint64_t hi;
	uint64_t lo;
};

struct route_node {
	uint64_t internal; /* which prefixes stand here, at route_value_bit */
	uint64_t external; /* which children */
	uint64_t key_hi;   /* bits from depth on are 0 */
	uint64_t key_lo;
	uint8_t depth;
	uint8_t n_children;
	uint8_t n_values;
	uint8_t n_units;
	uint32_t slots[]; /* children by index, then values by bit; one more is readable */
};
_Static_assert(offsetof(struct route_node, slots) == 36, "seven slots share the header's line");

enum {
	ROUTE_MAX_UNITS = (offsetof(struct route_node, slots) + 4 * (ROUTE_MAX_SLOTS + 1) +
				  ROUTE_UNIT_BYTES - 1) /
			  ROUTE_UNIT_BYTES,
};

/*
 * A large table's short cut: all keys that share the first `skip` bits with `key` are taken
 * straight to depth skip + width by their bits there. An entry holds what a descent from the
 * root would have found by then. The last entry, past the table, is that of all other keys.
 */
struct route_top {
	struct rcu_node retired;
	uint64_t key_hi;
	uint64_t key_lo;
	uint8_t skip;      /* a multiple of 6 */
	uint8_t width;     /* a multiple of 6 */
	uint64_t *entries; /* value << 32 | unit of the first node at or below that depth */
};

struct route_slab;

struct route_table {
	/* Readers. */
	const uint8_t *units;  /* unit n stands at units + n * ROUTE_UNIT_BYTES */
	struct route_top *top; /* published; NULL: descend from root */
	uint32_t root;         /* published unit number, 0: the empty node */
	uint8_t family;
	/* The writer. */
	struct route_slab *slab ALIGNED_LINE;
	uint32_t n_prefixes;
	uint32_t next_top_check; /* count of prefixes at which the short cut is thought over */
};

/* The bits of prefix lengths 0..5 of index i: bit route_value_bit(r, i >> (6 - r)) for each r. */
extern const uint64_t route_ancestors[64];

static inline const struct route_node *
route_node_at(const uint8_t *units, uint32_t unit)
{
	return (const struct route_node *)(units + (size_t)unit * ROUTE_UNIT_BYTES);
}

/* Longer prefixes stand at lower bits, so that the lowest one set is the longest match. */
static inline unsigned
route_value_bit(unsigned rel_len, unsigned bits)
{
	return 64 - (2u << rel_len) + bits;
}

static inline uint64_t
route_mask_hi(unsigned len)
{
	return len >= 64 ? ~0ull : len ? ~0ull << (64 - len) : 0;
}

static inline uint64_t
route_mask_lo(unsigned len)
{
	return len <= 64 ? 0 : route_mask_hi(len - 64);
}

/* addr: 16 bytes in network order if wide, else 4. Word by word: they are read back soon. */
static inline void
route_key_load(struct route_key *out, const uint8_t *addr, bool wide)
{
	out->hi = wide ? load_be64(addr) : (uint64_t)load_be32(addr) << 32;
	out->lo = wide ? load_be64(addr + 8) : 0;
}

/* The width bits from depth on, 0 past the key's end. wide: of 128 bits; else of 64. */
static inline unsigned
route_key_bits(const struct route_key *k, unsigned depth, unsigned width, bool wide)
{
	if (!wide)
		return (unsigned)(k->hi << depth >> (64 - width));
	uint64_t from_hi = k->hi << depth % 64 | k->lo >> 1 >> (63 - depth % 64);
	uint64_t from_lo = k->lo << depth % 64;
	return (unsigned)((depth & 64 ? from_lo : from_hi) >> (64 - width));
}

static inline unsigned
route_key_index(const struct route_key *k, unsigned depth, bool wide)
{
	return route_key_bits(k, depth, ROUTE_STRIDE, wide);
}
