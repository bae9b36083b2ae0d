/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A watch: somebody looks at packets, by a trace (what became of each) or a capture (their bytes).
 * Control makes it and publishes it in the tables; workers find it there once a burst, copy what is
 * wanted into their own bounded ring, and never wait: what finds no room is counted. Control takes
 * the records out. Without a watch there is nothing but one pointer to look at.
 *
 *   worker ──record──► lane's ring ──► control ──► ctl socket ──► headgate trace | capture
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rcu.h"
#include "watch/filter.h"
#include "watch/match.h"
#include "watch/ring.h"

enum {
	WATCH_MAX = 4,                  /* at once */
	WATCH_MAX_LINKS = 256,
	WATCH_MAX_SNAP_BYTES = 65535,
	WATCH_TRACE_RING_BYTES = 1 << 20,
	WATCH_CAPTURE_RING_BYTES = 2 << 20,
};

enum watch_kind {
	WATCH_TRACE,
	WATCH_CAPTURE,
};

/* What is wanted; does not change while the watch runs. */
struct watch_plan {
	enum watch_kind kind;
	struct watch_match match;             /* trace */
	struct watch_filter inner, outer;           /* capture: of raw IP, and of Ethernet */
	uint64_t links[WATCH_MAX_LINKS / 64]; /* capture: bit i: what passes by link i */
	uint32_t snap_bytes;                  /* capture: as much of each */
};

/* A record in the ring; a trace's is followed by its flows, a capture's by the bytes. */
struct watch_record {
	uint64_t time_ns;             /* since 1970-01-01 UTC */
	uint32_t n_bytes;             /* of the packet: a frame's of Ethernet, else of IP */
	uint32_t n_captured;          /* capture: that follow */
	uint16_t link_id;             /* capture: where it was seen */
	uint16_t worker;
	bool is_out;                  /* capture: the link's sending side */
	struct watch_fate fate;
};

/* A worker's part: it alone writes. */
struct watch_lane {
	struct watch_ring *ring;
	uint64_t n_lost;              /* relaxed: matched, but the ring was full */
} __attribute__((aligned(64)));

struct watch_set;

struct watch {
	struct rcu_node rcu;
	struct watch_plan plan;
	struct watch_set *set_without; /* kept ready, so that its end needs no memory */
	unsigned n_lanes;
	struct watch_lane lanes[];
};

/* All that run, replaced as a whole. */
struct watch_set {
	struct rcu_node rcu;
	unsigned n;
	struct watch *watches[WATCH_MAX];
};

/* A lane for each worker. NULL with a sentence: no memory. */
struct watch *watch_create(const struct watch_plan *plan, unsigned n_workers, struct err *err);
/* Wipes it; no worker looks at it any more. NULL is allowed. */
void watch_destroy(struct watch *w);

/* The same for rcu_retire: of a watch, and of a set, whose watches stay. */
void watch_free(struct rcu_node *node);
void watch_set_free(struct rcu_node *node);

/*
 * A set as `was` (NULL: empty) with one more, once for each watch; NULL: it is full, or there is no
 * memory. Or with one less, which may be empty then; it never fails. was stays as it is.
 */
struct watch_set *watch_set_with(const struct watch_set *was, struct watch *w);
struct watch_set *watch_set_without(const struct watch_set *was, struct watch *w);

static inline bool
watch_has_link(const struct watch_plan *plan, uint16_t link_id)
{
	return link_id < WATCH_MAX_LINKS && (plan->links[link_id / 64] >> link_id % 64 & 1);
}

static inline void
watch_add_link(struct watch_plan *plan, uint16_t link_id)
{
	plan->links[link_id / 64] |= 1ull << link_id % 64;
}

/* What of a packet's bytes a capture copies, 0: it does not want it. */
uint32_t watch_wants(const struct watch_plan *plan, const struct watch_filter *f,
	const struct filter_packet *packet);
/* The worker: room for a record and n_bytes behind it; NULL, and counted: there is none. */
struct watch_record *watch_add(struct watch_lane *lane, uint32_t n_bytes);
