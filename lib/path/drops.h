/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where drops are counted: by reason, by the link that the packet came in by, and by the peer that
 * it concerned, if that was known. A worker's own; anybody reads.
 */
#pragma once

#include <stdint.h>

#include "tables/tables.h"
#include "telemetry/drop.h"
#include "telemetry/drop_peers.h"
#include "telemetry/drop_sample.h"

struct drop_tables {
	uint64_t by_link[LINK_COUNT][DROP_REASONS];
	struct drop_peers by_peer;
};

struct packet;
struct worker;

/* What a drop that is no packet of a burst is counted under. */
struct drop_cause {
	enum drop_reason reason;
	uint16_t link_id;     /* LINK_NONE: no link's */
	uint32_t peer_id;     /* 0: no peer's */
	uint32_t generation;  /* the peer's */
};

/* Once, before the worker's first turn. */
void drops_init(struct worker *w);
/* Counts a packet of the burst as dropped. */
void drops_count(struct worker *w, const struct packet *p, enum drop_reason reason);
/* Counts n_pkts that are in no burst. */
void drops_count_cause(struct worker *w, const struct drop_cause *cause, uint64_t n_pkts);
/* Adds the worker's counters to a sample. Any thread. */
void drops_sample(const struct worker *w, struct drop_sample *s);
