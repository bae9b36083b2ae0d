/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/watchdog.h"

#include <string.h>

#include "base/bytes.h"

void
watchdog_init(struct watchdog *w, ns_t interval_ns, unsigned n_threads, ns_t now)
{
	*w = (struct watchdog){
		.interval_ns = interval_ns,
		.told_ns = now,
		.n_threads = MIN_OF(n_threads, (unsigned)WATCHDOG_MAX_THREADS),
	};
}

int
watchdog_stuck(const struct watchdog *w, const uint64_t *turns)
{
	for (unsigned i = 0; i < w->n_threads; i++) {
		if (turns[i] == w->seen[i])
			return (int)i;
	}
	return -1;
}

enum watchdog_verdict
watchdog_look(struct watchdog *w, const uint64_t *turns, ns_t now)
{
	ns_t silent_ns = now - w->told_ns;
	if (!w->interval_ns || silent_ns < w->interval_ns / 4)
		return WATCHDOG_WAIT;
	if (watchdog_stuck(w, turns) < 0) {
		memcpy(w->seen, turns, w->n_threads * sizeof(*turns));
		w->told_ns = now;
		w->is_worried = false;
		return WATCHDOG_TELL;
	}
	if (w->is_worried || silent_ns < w->interval_ns / 2)
		return WATCHDOG_WAIT;
	w->is_worried = true;
	return WATCHDOG_WORRY;
}
