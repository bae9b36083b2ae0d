/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drops by peer and reason: a table of fixed size, a worker's own. It is looked into only when a
 * packet is dropped. What finds no place is counted as other peers', so the sums stay right however
 * many peers there are; a peer that was removed leaves its place to the next one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "telemetry/drop.h"

enum {
	DROP_PEERS_SLOTS = 2048, /* pairs of a peer and a reason; a power of two */
	DROP_PEERS_PROBES = 8,
};

/* Says whether the peer `id` of that generation is no longer there. */
typedef bool (*drop_peer_is_gone)(const void *ctx, uint32_t id, uint32_t generation);

struct drop_peers_slot {
	uint64_t who;         /* generation, id and reason; 0: free. Published before it counts */
	uint64_t n_pkts;
};

/* One writer; anybody reads. */
struct drop_peers {
	drop_peer_is_gone is_gone;
	const void *ctx;
	uint64_t n_other[DROP_REASONS];
	struct drop_peers_slot slots[DROP_PEERS_SLOTS];
};

/* A row as a reader finds it. */
struct drop_peers_row {
	uint32_t id;
	uint32_t generation;
	enum drop_reason reason;
	uint64_t n_pkts;
};

/* id: 1 to 2^24 - 1. The writer. */
void drop_peers_count(struct drop_peers *t, uint32_t id, uint32_t generation,
	enum drop_reason reason, uint64_t n_pkts);
/* What stands at a place, 0 to DROP_PEERS_SLOTS - 1; false: nothing. Any thread. */
bool drop_peers_read(const struct drop_peers *t, unsigned at, struct drop_peers_row *row);
