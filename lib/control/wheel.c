/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/wheel.h"

#include <stddef.h>

enum { SLOT_MASK = WHEEL_SLOTS - 1 };

static void
ring_init(struct wheel_timer *head)
{
	head->next = head->prev = head;
}

static void
ring_add(struct wheel_timer *head, struct wheel_timer *t)
{
	t->prev = head->prev;
	t->next = head;
	head->prev->next = t;
	head->prev = t;
}

static void
ring_remove(struct wheel_timer *t)
{
	t->prev->next = t->next;
	t->next->prev = t->prev;
	t->next = t->prev = NULL;
}

void
wheel_init(struct wheel *w, ns_t now)
{
	w->tick = now >> WHEEL_TICK_SHIFT;
	w->n_set = 0;
	ring_init(&w->expired);
	for (unsigned level = 0; level < WHEEL_LEVELS; level++)
		for (unsigned i = 0; i < WHEEL_SLOTS; i++)
			ring_init(&w->slots[level][i]);
}

/* The tick at whose end a timer may fire: the first that begins at or after its time. */
static uint64_t
tick_of(ns_t due_ns)
{
	ns_t rounded = due_ns + (1ull << WHEEL_TICK_SHIFT) - 1;
	return (rounded < due_ns ? UINT64_MAX : rounded) >> WHEEL_TICK_SHIFT;
}

/* The ring for a timer, as coarse as it is far away. */
static struct wheel_timer *
ring_for(struct wheel *w, ns_t due_ns)
{
	uint64_t tick = tick_of(due_ns);
	if (tick < w->tick)
		return &w->expired;
	uint64_t away = tick - w->tick;
	unsigned level = 0;
	while (level < WHEEL_LEVELS - 1 && away >> (WHEEL_LEVEL_BITS * (level + 1)))
		level++;
	unsigned shift = WHEEL_LEVEL_BITS * level;
	if (away >> shift >= WHEEL_SLOTS) /* past the horizon: as far as can be, then again */
		tick = w->tick + ((uint64_t)SLOT_MASK << shift);
	return &w->slots[level][(tick >> shift) & SLOT_MASK];
}

void
wheel_set(struct wheel *w, struct wheel_timer *t, ns_t due_ns)
{
	wheel_clear(w, t);
	t->due_ns = due_ns;
	ring_add(ring_for(w, due_ns), t);
	w->n_set++;
}

void
wheel_clear(struct wheel *w, struct wheel_timer *t)
{
	if (!wheel_is_set(t))
		return;
	ring_remove(t);
	w->n_set--;
}

/* Puts each timer of a slot where it belongs now that the wheel stands at w->tick. */
static void
deal(struct wheel *w, struct wheel_timer *head)
{
	struct wheel_timer batch;
	if (head->next == head)
		return;
	batch = *head;
	batch.next->prev = batch.prev->next = &batch;
	ring_init(head);
	while (batch.next != &batch) {
		struct wheel_timer *t = batch.next;
		ring_remove(t);
		ring_add(ring_for(w, t->due_ns), t);
	}
}

/* At the start of a coarser slot's time its timers go down; the coarsest first. */
static void
deal_down(struct wheel *w)
{
	unsigned level = 1;
	while (level < WHEEL_LEVELS &&
		(w->tick & ((1ull << (WHEEL_LEVEL_BITS * level)) - 1)) == 0)
		level++;
	while (--level >= 1)
		deal(w, &w->slots[level][(w->tick >> (WHEEL_LEVEL_BITS * level)) & SLOT_MASK]);
}

static void
turn_tick(struct wheel *w)
{
	deal_down(w);
	struct wheel_timer *head = &w->slots[0][w->tick & SLOT_MASK];
	w->tick++;
	deal(w, head);
}

void
wheel_turn(struct wheel *w, ns_t now)
{
	uint64_t until = now >> WHEEL_TICK_SHIFT;
	if (w->n_set == 0 && w->tick <= until)
		w->tick = until + 1;
	while (w->tick <= until)
		turn_tick(w);
}

struct wheel_timer *
wheel_pop(struct wheel *w)
{
	struct wheel_timer *t = w->expired.next;
	if (t == &w->expired)
		return NULL;
	wheel_clear(w, t);
	return t;
}
