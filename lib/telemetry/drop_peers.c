/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry/drop_peers.h"

#include <stddef.h>

enum { ID_BITS = 24, REASON_BITS = 8 };

_Static_assert((int)DROP_REASONS <= 1 << REASON_BITS, "a reason fits its part of a row's name");

static uint64_t
load(const uint64_t *v)
{
	return __atomic_load_n(v, __ATOMIC_RELAXED);
}

static uint64_t
who_of(uint32_t id, uint32_t generation, enum drop_reason reason)
{
	return (uint64_t)generation << 32 | id << REASON_BITS | (uint32_t)reason;
}

static void
parse_who(uint64_t who, struct drop_peers_row *row)
{
	row->generation = (uint32_t)(who >> 32);
	row->id = (uint32_t)who >> REASON_BITS;
	row->reason = (enum drop_reason)(who & ((1u << REASON_BITS) - 1));
}

static void
add(uint64_t *n_pkts, uint64_t n)
{
	__atomic_store_n(n_pkts, load(n_pkts) + n, __ATOMIC_RELAXED);
}

/* The place is given to `who`; what its last owner had counted goes to the others. */
static void
take_over(struct drop_peers *t, struct drop_peers_slot *slot, uint64_t who)
{
	struct drop_peers_row was;
	parse_who(slot->who, &was);
	if (slot->who)
		add(&t->n_other[was.reason], load(&slot->n_pkts));
	__atomic_store_n(&slot->n_pkts, 0, __ATOMIC_RELAXED);
	/* Who reads the new name must not find the old count under it. */
	__atomic_store_n(&slot->who, who, __ATOMIC_RELEASE);
}

static bool
is_free(const struct drop_peers *t, const struct drop_peers_slot *slot)
{
	struct drop_peers_row row;
	parse_who(slot->who, &row);
	return !slot->who || t->is_gone(t->ctx, row.id, row.generation);
}

/* The place of `who`; NULL: there is none for it. */
static struct drop_peers_slot *
place_of(struct drop_peers *t, uint64_t who)
{
	uint32_t hash = (uint32_t)((who * 0x9e3779b97f4a7c15ull) >> 40);
	struct drop_peers_slot *free_slot = NULL;
	for (uint32_t i = 0; i < DROP_PEERS_PROBES; i++) {
		struct drop_peers_slot *slot = &t->slots[(hash + i) % DROP_PEERS_SLOTS];
		if (slot->who == who)
			return slot;
		if (!free_slot && is_free(t, slot))
			free_slot = slot;
		if (!slot->who)
			break;
	}
	if (free_slot)
		take_over(t, free_slot, who);
	return free_slot;
}

void
drop_peers_count(struct drop_peers *t, uint32_t id, uint32_t generation, enum drop_reason reason,
	uint64_t n_pkts)
{
	struct drop_peers_slot *slot = NULL;
	if (id && id < 1u << ID_BITS)
		slot = place_of(t, who_of(id, generation, reason));
	add(slot ? &slot->n_pkts : &t->n_other[reason], n_pkts);
}

bool
drop_peers_read(const struct drop_peers *t, unsigned at, struct drop_peers_row *row)
{
	uint64_t who = __atomic_load_n(&t->slots[at].who, __ATOMIC_ACQUIRE);
	if (!who)
		return false;
	parse_who(who, row);
	row->n_pkts = load(&t->slots[at].n_pkts);
	return row->reason < DROP_REASONS;
}
