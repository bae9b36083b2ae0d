/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All drop counters of a moment: a sorted list of cells that are not 0, each a reason's total, or
 * its part that came in by a link, or that concerned a peer. The difference of two samples gives
 * rates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "telemetry/drop.h"

enum drop_scope {
	DROP_IN_ALL,
	DROP_BY_LINK,     /* id: the link's */
	DROP_BY_PEER,     /* id and generation: the peer's */
	DROP_BY_OTHERS,   /* peers that were removed, or for whom there was no place */
};

struct drop_cell {
	uint8_t scope;    /* enum drop_scope */
	uint8_t reason;   /* enum drop_reason */
	uint32_t id;
	uint32_t generation;
	uint64_t n_pkts;
};

struct drop_sample {
	ns_t at_ns;
	struct drop_cell *cells;
	size_t n_cells, n_room;
	bool failed;      /* memory ran out: something is missing */
};

/* A zeroed sample is empty. Adds a cell unless it counts nothing; in any order, in any parts. */
void drop_sample_add(struct drop_sample *s, const struct drop_cell *cell);
/* Sorts the cells by reason and adds up those of one name. Once, after the last add. */
void drop_sample_settle(struct drop_sample *s);
/* What a settled sample counts under the cell's name. */
uint64_t drop_sample_count(const struct drop_sample *s, const struct drop_cell *name);
/* Empties it; the memory is kept. */
void drop_sample_clear(struct drop_sample *s);
void drop_sample_fini(struct drop_sample *s);
