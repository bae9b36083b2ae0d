/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hierarchical timer wheel: setting, moving and clearing a timer cost the same with ten of them
 * and with a hundred thousand. Level 0 holds the next 64 ticks of 4.2 ms, a slot each; each level
 * above is 64 times coarser, and its slots are dealt out downwards as time reaches them. A timer
 * never fires early and fires at most one tick late (plus how late the wheel is turned).
 *
 * A wheel and its timers belong to one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum {
	WHEEL_TICK_SHIFT = 22, /* a tick is 2^22 ns */
	WHEEL_LEVEL_BITS = 6,
	WHEEL_SLOTS = 1 << WHEEL_LEVEL_BITS,
	WHEEL_LEVELS = 5,      /* 2^52 ns: 52 days ahead, later ones are dealt again */
};

/* Embed this; zeroed means not set. */
struct wheel_timer {
	struct wheel_timer *next, *prev; /* NULL: not set */
	ns_t due_ns;
};

struct wheel {
	uint64_t tick;               /* all ticks before this one have been turned */
	struct wheel_timer slots[WHEEL_LEVELS][WHEEL_SLOTS]; /* heads of rings */
	struct wheel_timer expired;  /* head of those to be popped */
	unsigned n_set;
};

/* An empty wheel that stands at now. It points into itself: do not move it. */
void wheel_init(struct wheel *w, ns_t now);
/* Sets or moves a timer; one that is due already is popped at the next chance. */
void wheel_set(struct wheel *w, struct wheel_timer *t, ns_t due_ns);
/* No effect on a timer that is not set. */
void wheel_clear(struct wheel *w, struct wheel_timer *t);
/* Turns the wheel to now; what has become due waits for wheel_pop. */
void wheel_turn(struct wheel *w, ns_t now);
/* One expired timer, no longer set, or NULL. */
struct wheel_timer *wheel_pop(struct wheel *w);

static inline bool
wheel_is_set(const struct wheel_timer *t)
{
	return t->next;
}
