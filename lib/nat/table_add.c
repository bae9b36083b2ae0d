/* SPDX-License-Identifier: BSD-3-Clause */
/* A flow gets its port and its place: several workers may want the same ones at once. */
#include "nat/table_inner.h"

/* Whom a flow that comes may displace: of those that nobody has answered, or that ended. */
static bool
is_displaceable(uint64_t state)
{
	return (state & (IS_LIVE | IS_TAKEN)) == IS_LIVE &&
	       (!(state & IS_ANSWERED) || has_ended(state));
}

struct choice {
	unsigned way;  /* NAT_WAYS: none */
	uint64_t state;
};

/*
 * Whether the spot's outer side is this place's, whose state was read so. A record that has changed
 * meanwhile may be: who cannot tell takes it for one.
 */
static bool
is_its(const struct nat_table *t, const struct spot *s, unsigned way, uint64_t state)
{
	struct nat_flow record;
	return is_alike(s, state) && state & IS_LIVE &&
	       (!read_record(t, s->bucket, way, state, &record) ||
		       is_same_outside(&record, s->flow));
}

static bool
is_older(const struct choice *was, uint64_t state, uint32_t now_tick)
{
	return was->way == NAT_WAYS || age_of(state, now_tick) > age_of(was->state, now_tick);
}

/*
 * The place for a flow in its bucket. False: its outer side is somebody's. A place that was the
 * same flow's before comes first: else who still sees that one would revive it beside the new one.
 */
static bool
choose(const struct nat_table *t, const struct spot *s, struct choice *free_way,
	struct choice *old_way)
{
	bool is_final = false;
	*free_way = *old_way = (struct choice){NAT_WAYS, 0};
	for (unsigned way = 0; way < NAT_WAYS; way++) {
		uint64_t state = __atomic_load_n(&s->bucket->states[way], __ATOMIC_SEQ_CST);
		bool is_mine = is_its(t, s, way, state);
		if (state & IS_TAKEN) {
			if (is_alike(s, state))
				return false;
		} else if (is_live(state, s->now_tick)) {
			if (is_mine)
				return false;
			if (is_displaceable(state) && is_older(old_way, state, s->now_tick))
				*old_way = (struct choice){way, state};
		} else if (is_mine || (!is_final && free_way->way == NAT_WAYS)) {
			*free_way = (struct choice){way, state};
			is_final |= is_mine;
		}
	}
	return true;
}

/*
 * Whether another has, or is taking, the same outer side. Who has taken a place looks so once more:
 * of two at the same time at least one sees the other, for both have written first (SEQ_CST), and
 * who sees one gives up.
 */
static bool
is_contested(const struct nat_table *t, const struct spot *s, unsigned own)
{
	for (unsigned way = 0; way < NAT_WAYS; way++) {
		uint64_t state = __atomic_load_n(&s->bucket->states[way], __ATOMIC_SEQ_CST);
		if (way == own || !is_alike(s, state))
			continue;
		if (state & IS_TAKEN ||
			(is_live(state, s->now_tick) && is_its(t, s, way, state)))
			return true;
	}
	return false;
}

static bool
insert(const struct nat_table *t, const struct spot *s, bool displaces)
{
	struct choice free_way, old_way;
	if (!choose(t, s, &free_way, &old_way))
		return false;
	struct choice c = free_way.way == NAT_WAYS && displaces ? old_way : free_way;
	if (c.way == NAT_WAYS)
		return false;
	uint64_t *state = &s->bucket->states[c.way];
	uint64_t round = ((c.state & ROUND_MASK) + ROUND_ONE) & ROUND_MASK;
	if (!__atomic_compare_exchange_n(state, &c.state, IS_TAKEN | s->hash_bits | round, false,
		    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return false;
	if (is_contested(t, s, c.way)) {
		__atomic_store_n(state, round, __ATOMIC_RELEASE);
		return false;
	}
	write_record(record_of(t, s->bucket, c.way), s->flow);
	uint64_t now = fresh_state(s->flow) | s->hash_bits | round;
	__atomic_store_n(state, now | (s->now_tick & TICK_MASK), __ATOMIC_RELEASE);
	return true;
}

static bool
may_be_taken(const struct nat_ports *ports, uint8_t proto, uint16_t port)
{
	return proto != IP_PROTO_UDP || !ports->udp_in_use ||
	       !__atomic_load_n(&ports->udp_in_use[port], __ATOMIC_RELAXED);
}

bool
nat_add(struct nat_table *t, const struct nat_ports *ports, struct nat_flow *f, uint32_t now_tick)
{
	const struct candidates c = candidates_of(t, ports, f);
	nat_wide sum = outer_sum(t, f);
	for (unsigned i = 0; i < 2 * NAT_CANDIDATES; i++) {
		bool displaces = i >= NAT_CANDIDATES;
		f->our_port = candidate(&c, i % NAT_CANDIDATES);
		struct spot s = spot_of(t, place_of(t, sum, f->our_port), f, now_tick);
		if (may_be_taken(ports, f->proto, f->our_port) && insert(t, &s, displaces))
			return true;
	}
	return false;
}

bool
nat_add_direct(struct nat_table *t, const struct nat_flow *f, uint32_t now_tick)
{
	struct spot s = spot_of(t, place_of(t, outer_sum(t, f), f->our_port), f, now_tick);
	if (!insert(t, &s, true))
		return false;
	__atomic_store_n(&t->has_direct, true, __ATOMIC_RELAXED);
	return true;
}
