/* SPDX-License-Identifier: BSD-3-Clause */
/* The drop reasons of drop.def as an enum, their names, and a counter each. */
#pragma once

#include <stdint.h>

enum drop_reason {
#define DROP(id, name, why) DROP_##id,
#include "telemetry/drop.def"
#undef DROP
	DROP_REASONS,
};

/* How the reason is shown, e.g. "wg-auth"; reason < DROP_REASONS. */
const char *drop_name(enum drop_reason reason);
/* One sentence: why, and what to look at. */
const char *drop_why(enum drop_reason reason);

/* One array a worker; only that worker adds, anybody reads. */
struct drop_counters {
	uint64_t n_pkts[DROP_REASONS];
};

static inline void
drop_count(struct drop_counters *c, enum drop_reason reason, uint64_t n_pkts)
{
	uint64_t was = __atomic_load_n(&c->n_pkts[reason], __ATOMIC_RELAXED);
	__atomic_store_n(&c->n_pkts[reason], was + n_pkts, __ATOMIC_RELAXED);
}
