/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker's turn while somebody looks (watch/watch.h): after each stage it is noted which packets
 * have got their verdict there, and what captures want is copied where it is seen,
 *
 *   a frame as it came in     after classify, on its port (a VLAN's without the tag)
 *   a packet just opened      after verify, on its tunnel
 *   a packet to be sealed     after route, on its tunnel
 *   a frame as it leaves      before finish, on its port
 *
 * so that each packet is seen once on each link. What became of it is known at the end, and only
 * then does control get to see the records.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "path/burst.h"
#include "path/park.h"
#include "watch/watch.h"

enum { WATCHED_COPIES = WATCH_MAX * BURST_MAX * 4 };

struct watched_note {
	struct watch_fate fate;
	struct watch_flows flows;
	uint32_t n_bytes;     /* as it came */
	bool is_outer;        /* it came as a datagram to a ListenPort */
};

struct watched_copy {
	struct watch_record *record;
	uint32_t at;          /* whose */
};

struct watched {
	struct worker *worker;
	const struct watch_set *set;
	uint64_t time_ns;     /* since 1970, when last looked at */
	uint32_t n_waited;    /* the first of burst->tunnel: they were seen when they came */
	uint32_t n_copies;
	struct watched_copy copies[WATCHED_COPIES];
	struct watched_note notes[BURST_MAX];
};

/* Before the first stage, after each up to encap, and behind finish. The worker. */
void watched_begin(struct watched *v, struct worker *w, const struct watch_set *set);
void watched_note(struct watched *v, enum stage stage);
void watched_end(struct watched *v);

/* The same for a stage of process() in worker.c: nothing at all where v is known to be NULL. */
static inline void
watched_after(struct watched *v, enum stage stage)
{
	if (v)
		watched_note(v, stage);
}

/* A packet that is in no burst is dropped: `data` is a frame, or the packet that waited. */
struct watched_loss {
	struct watch_fate fate;
	const uint8_t *data;
	uint32_t n_bytes;
	bool is_frame;
};
/* Tells those who trace, if anybody does. The worker. */
void watched_lose(struct worker *w, const struct watched_loss *loss);
