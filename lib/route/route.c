/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The writer of a prefix table. Each update finds its place from the root, makes the one or two
 * nodes that differ, publishes them with one store in the parent's slot and retires what they
 * replace. All that can fail comes before that store.
 */
#include "route/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/rcu.h"
#include "route/node.h"
#include "route/slab.h"
#include "route/top.h"

/* A prefix as the tree sees it. */
struct spot {
	struct route_key key;
	unsigned len;
	unsigned depth; /* of the node it belongs in */
	uint64_t bit;   /* of that node's internal bitmap */
};

/* The way to a node: the slot that names it, and the slot that names its parent or NULL. */
struct way {
	uint32_t *slot;
	uint32_t *parent_slot;
};

static struct route_node *
node_at(const struct route_table *t, uint32_t unit)
{
	return (struct route_node *)(t->units + (size_t)unit * ROUTE_UNIT_BYTES);
}

static uint64_t
child_bit(const struct route_key *k, unsigned depth)
{
	return 1ull << route_key_index(k, depth, true);
}

static struct route_key
node_key(const struct route_node *n)
{
	return (struct route_key){.hi = n->key_hi, .lo = n->key_lo};
}

static unsigned
slot_index(uint64_t bitmap, uint64_t bit)
{
	return (unsigned)__builtin_popcountll(bitmap & (bit - 1));
}

static int
spot_of(const struct route_table *t, const struct prefix *p, struct spot *out)
{
	if (p->addr.family != t->family || p->len > addr_bits(t->family))
		return -EINVAL;
	struct route_key k;
	route_key_load(&k, p->addr.bytes, t->family == ADDR_V6);
	k.hi &= route_mask_hi(p->len);
	k.lo &= route_mask_lo(p->len);
	unsigned rel_len = p->len % ROUTE_STRIDE;
	out->key = k;
	out->len = p->len;
	out->depth = p->len - rel_len;
	unsigned bits = route_key_index(&k, out->depth, true) >> (ROUTE_STRIDE - rel_len);
	out->bit = 1ull << route_value_bit(rel_len, bits);
	return 0;
}

/* A node with its header, slots still to be written; 0: no memory. */
static uint32_t
node_new(struct route_table *t, const struct route_node *header)
{
	unsigned n_children = (unsigned)__builtin_popcountll(header->external);
	unsigned n_values = (unsigned)__builtin_popcountll(header->internal);
	size_t n_bytes = sizeof(*header) + sizeof(uint32_t) * (n_children + n_values + 1);
	unsigned n_units = (unsigned)((n_bytes + ROUTE_UNIT_BYTES - 1) / ROUTE_UNIT_BYTES);
	uint32_t unit = route_slab_get(t->slab, n_units);
	if (!unit)
		return 0;
	struct route_node *n = node_at(t, unit);
	memcpy(n, header, offsetof(struct route_node, n_children));
	n->n_children = (uint8_t)n_children;
	n->n_values = (uint8_t)n_values;
	n->n_units = (uint8_t)n_units;
	return unit;
}

/* A header at depth on the way of k, as yet without children and values. */
static void
header_init(struct route_node *out, const struct route_key *k, unsigned depth)
{
	memset(out, 0, sizeof(*out));
	out->key_hi = k->hi & route_mask_hi(depth);
	out->key_lo = k->lo & route_mask_lo(depth);
	out->depth = (uint8_t)depth;
}

static uint32_t
leaf_new(struct route_table *t, const struct spot *s, uint32_t value)
{
	struct route_node header;
	header_init(&header, &s->key, s->depth);
	header.internal = s->bit;
	uint32_t unit = node_new(t, &header);
	if (unit)
		node_at(t, unit)->slots[0] = value;
	return unit;
}

/* Copies the slots of one bitmap to those of another that has one bit more, less or neither. */
static void
slots_copy(uint32_t *to, uint64_t to_bits, const uint32_t *from, uint64_t from_bits, uint32_t added)
{
	uint64_t changed = from_bits ^ to_bits;
	unsigned n_from = (unsigned)__builtin_popcountll(from_bits);
	unsigned at = slot_index(from_bits, changed);
	memcpy(to, from, at * sizeof(*to));
	if (to_bits & changed) {
		to[at] = added;
		memcpy(to + at + 1, from + at, (n_from - at) * sizeof(*to));
	} else if (changed) {
		memcpy(to + at, from + at + 1, (n_from - at - 1) * sizeof(*to));
	}
}

/* A copy of old with one child or one value more (added) or less; 0: no memory. */
static uint32_t
node_changed(struct route_table *t, const struct route_node *old, uint64_t internal,
	uint64_t external, uint32_t added)
{
	struct route_node header = *old;
	header.internal = internal;
	header.external = external;
	uint32_t unit = node_new(t, &header);
	if (!unit)
		return 0;
	struct route_node *n = node_at(t, unit);
	slots_copy(n->slots, external, old->slots, old->external, added);
	slots_copy(n->slots + n->n_children, internal, old->slots + old->n_children, old->internal,
		added);
	return unit;
}

static void
retire(struct route_table *t, uint32_t unit)
{
	route_slab_retire(t->slab, unit, node_at(t, unit)->n_units);
}

/* Puts unit, which may be 0 for lack of memory, into slot in place of what stands there. */
static int
replace(struct route_table *t, uint32_t *slot, uint32_t unit)
{
	if (!unit)
		return -ENOMEM;
	uint32_t old = *slot;
	rcu_publish(*slot, unit);
	retire(t, old);
	return 0;
}

/* How far, in whole strides, the node and the spot go the same way. */
static unsigned
common_depth(const struct route_node *n, const struct spot *s)
{
	uint64_t hi = n->key_hi ^ s->key.hi;
	uint64_t lo = n->key_lo ^ s->key.lo;
	unsigned same = hi   ? (unsigned)__builtin_clzll(hi)
			: lo ? 64 + (unsigned)__builtin_clzll(lo)
			     : 128;
	same = MIN_OF(same, MIN_OF(n->depth, s->depth));
	return same - same % ROUTE_STRIDE;
}

/*
 * Goes down to the spot: ends at its own node, at an empty slot's node that would be its parent,
 * or at a node that is past it or off its way.
 */
static struct way
way_to(struct route_table *t, const struct spot *s)
{
	struct way w = {.slot = &t->root};
	for (;;) {
		struct route_node *n = node_at(t, *w.slot);
		if (!*w.slot || n->depth >= s->depth || common_depth(n, s) < n->depth)
			return w;
		uint64_t bit = child_bit(&s->key, n->depth);
		if (!(n->external & bit))
			return w;
		w.parent_slot = w.slot;
		w.slot = &n->slots[slot_index(n->external, bit)];
	}
}

/* Puts a node at depth above the one in slot: the spot's own, or one that has both as children. */
static int
insert_above(
	struct route_table *t, uint32_t *slot, const struct spot *s, uint32_t value, unsigned depth)
{
	struct route_key below = node_key(node_at(t, *slot));
	uint64_t below_bit = child_bit(&below, depth);
	struct route_node header;
	header_init(&header, &s->key, depth);
	header.external = below_bit;
	uint32_t leaf = 0;
	if (s->depth == depth) {
		header.internal = s->bit;
	} else {
		header.external |= child_bit(&s->key, depth);
		leaf = leaf_new(t, s, value);
		if (!leaf)
			return -ENOMEM;
	}
	uint32_t unit = node_new(t, &header);
	if (!unit) {
		if (leaf)
			route_slab_put(t->slab, leaf, node_at(t, leaf)->n_units);
		return -ENOMEM;
	}
	struct route_node *n = node_at(t, unit);
	n->slots[1] = value;
	if (leaf)
		n->slots[slot_index(header.external, child_bit(&s->key, depth))] = leaf;
	n->slots[slot_index(header.external, below_bit)] = *slot;
	rcu_publish(*slot, unit);
	return 0;
}

/* Adds the spot's leaf as a child of the node in slot. */
static int
insert_below(struct route_table *t, uint32_t *slot, const struct spot *s, uint32_t value)
{
	struct route_node *n = node_at(t, *slot);
	uint32_t leaf = leaf_new(t, s, value);
	if (!leaf)
		return -ENOMEM;
	uint64_t external = n->external | child_bit(&s->key, n->depth);
	int rc = replace(t, slot, node_changed(t, n, n->internal, external, leaf));
	if (rc)
		route_slab_put(t->slab, leaf, node_at(t, leaf)->n_units);
	return rc;
}

/* Adds the prefix; 1 when it was there and only its value changed. */
static int
insert(struct route_table *t, const struct spot *s, uint32_t value)
{
	uint32_t *slot = way_to(t, s).slot;
	if (!*slot) {
		uint32_t leaf = leaf_new(t, s, value);
		if (!leaf)
			return -ENOMEM;
		rcu_publish(*slot, leaf);
		return 0;
	}
	struct route_node *n = node_at(t, *slot);
	unsigned depth = common_depth(n, s);
	if (depth < n->depth)
		return insert_above(t, slot, s, value, depth);
	if (n->depth < s->depth)
		return insert_below(t, slot, s, value);
	if (n->internal & s->bit) {
		uint32_t *at = &n->slots[n->n_children + slot_index(n->internal, s->bit)];
		__atomic_store_n(at, value, __ATOMIC_RELAXED);
		return 1;
	}
	return replace(t, slot, node_changed(t, n, n->internal | s->bit, n->external, value));
}

int
route_set(struct route_table *t, const struct prefix *p, uint32_t value)
{
	struct spot s;
	if (!value || spot_of(t, p, &s))
		return -EINVAL;
	if (route_slab_begin(t->slab))
		return -ENOMEM;
	int rc = insert(t, &s, value);
	if (rc < 0)
		return rc;
	t->n_prefixes += rc == 0;
	route_top_follow(t, &s.key, s.len);
	route_slab_end(t->slab);
	return 0;
}

/* Removes the node in w.slot, which has lost all it had; a parent left with one child goes too. */
static int
remove_leaf(struct route_table *t, struct way w, const struct route_key *k)
{
	uint32_t leaf = *w.slot;
	if (!w.parent_slot) {
		rcu_publish(*w.slot, 0);
		retire(t, leaf);
		return 0;
	}
	struct route_node *parent = node_at(t, *w.parent_slot);
	uint64_t external = parent->external & ~child_bit(k, parent->depth);
	int rc;
	if (!parent->internal && parent->n_children == 2)
		rc = replace(
			t, w.parent_slot, parent->slots[slot_index(parent->external, external)]);
	else
		rc = replace(
			t, w.parent_slot, node_changed(t, parent, parent->internal, external, 0));
	if (!rc)
		retire(t, leaf);
	return rc;
}

int
route_del(struct route_table *t, const struct prefix *p)
{
	struct spot s;
	if (spot_of(t, p, &s))
		return -EINVAL;
	struct way w = way_to(t, &s);
	struct route_node *n = node_at(t, *w.slot);
	if (n->depth != s.depth || common_depth(n, &s) != s.depth || !(n->internal & s.bit))
		return -ENOENT;
	if (route_slab_begin(t->slab))
		return -ENOMEM;
	uint64_t internal = n->internal & ~s.bit;
	int rc;
	if (internal || n->n_children > 1)
		rc = replace(t, w.slot, node_changed(t, n, internal, n->external, 0));
	else if (n->n_children == 1)
		rc = replace(t, w.slot, n->slots[0]);
	else
		rc = remove_leaf(t, w, &s.key);
	if (rc)
		return rc;
	t->n_prefixes--;
	route_top_follow(t, &s.key, s.len);
	route_slab_end(t->slab);
	return 0;
}

uint32_t
route_get(const struct route_table *t, const struct prefix *p)
{
	struct spot s;
	if (spot_of(t, p, &s))
		return 0;
	uint32_t unit = rcu_read(t->root);
	for (;;) {
		const struct route_node *n = node_at(t, unit);
		if (n->depth > s.depth || common_depth(n, &s) < n->depth)
			return 0;
		if (n->depth == s.depth) {
			unsigned at = n->n_children + slot_index(n->internal, s.bit);
			return n->internal & s.bit
				       ? __atomic_load_n(&n->slots[at], __ATOMIC_RELAXED)
				       : 0;
		}
		uint64_t bit = child_bit(&s.key, n->depth);
		if (!(n->external & bit))
			return 0;
		unit = rcu_read(n->slots[slot_index(n->external, bit)]);
	}
}

uint32_t
route_count(const struct route_table *t)
{
	return t->n_prefixes;
}

uint64_t
route_memory_bytes(const struct route_table *t)
{
	return sizeof(*t) + route_slab_bytes(t->slab) + route_top_bytes(t);
}

struct walk {
	const struct route_table *t;
	route_visit visit;
	void *ctx;
};

static int walk_node(const struct walk *w, uint32_t unit);

static int
walk_value(const struct walk *w, const struct route_node *n, unsigned rel_len, unsigned bits)
{
	uint64_t bit = 1ull << route_value_bit(rel_len, bits);
	if (!(n->internal & bit))
		return 0;
	unsigned len = n->depth + rel_len;
	/* The relative bits end at bit 128 - len of the key, counted from its lowest. */
	unsigned __int128 key = (unsigned __int128)n->key_hi << 64 | n->key_lo;
	if (len)
		key |= (unsigned __int128)bits << (128 - len);
	struct prefix p = {.addr = {.family = w->t->family}, .len = (uint8_t)len};
	uint8_t bytes[16];
	store_be64(bytes, (uint64_t)(key >> 64));
	store_be64(bytes + 8, (uint64_t)key);
	memcpy(p.addr.bytes, bytes, addr_n_bytes(w->t->family));
	const uint32_t *slot = &n->slots[n->n_children + slot_index(n->internal, bit)];
	return w->visit(w->ctx, &p, __atomic_load_n(slot, __ATOMIC_RELAXED));
}

/* The bits that the prefixes below (rel_len, bits), itself among them, have in a node. */
static uint64_t
values_below(unsigned rel_len, unsigned bits)
{
	uint64_t all = 0;
	for (unsigned r = rel_len; r < ROUTE_STRIDE; r++) {
		unsigned more = r - rel_len;
		uint64_t ones = (1ull << (1u << more)) - 1;
		all |= ones << route_value_bit(r, bits << more);
	}
	return all;
}

/* All of a node that lies below its relative prefix; rel_len 6 is one child. */
static int
walk_below(const struct walk *w, const struct route_node *n, unsigned rel_len, unsigned bits)
{
	unsigned n_below = 1u << (ROUTE_STRIDE - rel_len);
	uint64_t children = (n_below == 64 ? ~0ull : (1ull << n_below) - 1) << bits * n_below;
	if (!(n->external & children) && !(n->internal & values_below(rel_len, bits)))
		return 0;
	if (rel_len == ROUTE_STRIDE)
		return walk_node(w, rcu_read(n->slots[slot_index(n->external, 1ull << bits)]));
	int rc = walk_value(w, n, rel_len, bits);
	if (!rc)
		rc = walk_below(w, n, rel_len + 1, 2 * bits);
	if (!rc)
		rc = walk_below(w, n, rel_len + 1, 2 * bits + 1);
	return rc;
}

/* Recurses once a level of the tree, of which there are ROUTE_DEPTHS at most. */
static int
walk_node(const struct walk *w, uint32_t unit)
{
	return walk_below(w, route_node_at(w->t->units, unit), 0, 0);
}

int
route_walk(const struct route_table *t, route_visit visit, void *ctx)
{
	struct walk w = {.t = t, .visit = visit, .ctx = ctx};
	return walk_node(&w, rcu_read(t->root));
}

struct route_table *
route_create(uint8_t family)
{
	if (family != ADDR_V4 && family != ADDR_V6)
		return NULL;
	struct route_table *t = aligned_alloc(CACHE_LINE_BYTES, sizeof(*t));
	if (!t)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->slab = route_slab_create();
	if (!t->slab) {
		free(t);
		return NULL;
	}
	t->units = route_slab_units(t->slab);
	t->family = family;
	return t;
}

void
route_destroy(struct route_table *t)
{
	if (!t)
		return;
	route_top_destroy(t);
	route_slab_destroy(t->slab);
	free(t);
}
