/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether to tell the service manager's watchdog that all is well: a pure function of how many
 * turns each thread has made. One that is stuck makes none, so nothing is told any more, and the
 * manager ends and restarts us.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum { WATCHDOG_MAX_THREADS = 128 };

struct watchdog {
	ns_t interval_ns;  /* what the manager waits for; 0: it does not */
	ns_t told_ns;
	unsigned n_threads;
	bool is_worried;   /* half the interval is over, and a thread has not moved */
	uint64_t seen[WATCHDOG_MAX_THREADS]; /* turns when it was told last */
};

enum watchdog_verdict {
	WATCHDOG_WAIT,
	WATCHDOG_TELL,  /* all is well */
	WATCHDOG_WORRY, /* said once: half the interval is over; watchdog_stuck says whose fault */
};

/* Threads past WATCHDOG_MAX_THREADS are not watched. */
void watchdog_init(struct watchdog *w, ns_t interval_ns, unsigned n_threads, ns_t now);
/*
 * turns[i] is how many thread i has made in its life, for each of n_threads. To be asked several
 * times an interval; the manager is told from a quarter of it on.
 */
enum watchdog_verdict watchdog_look(struct watchdog *w, const uint64_t *turns, ns_t now);
/* The first thread without a turn since the manager was told, or -1. */
int watchdog_stuck(const struct watchdog *w, const uint64_t *turns);
