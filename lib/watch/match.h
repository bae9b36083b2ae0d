/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a trace is to show. People say it in words, of which all must hold; the same word again
 * means either. A packet is compared once its fate is known.
 *
 *   peer NAME|KEY  address IP[/LEN]  port NAME  reason NAME  verdict NAME  stage NAME
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "telemetry/drop.h"
#include "telemetry/verdict.h"
#include "watch/flow.h"

enum { MATCH_MAX_WORDS = 64, MATCH_NO_LINK = 0xffff };

/* A peer by its place in the tables and which user of that place; id 0: none. */
struct watch_peer {
	uint32_t id;
	uint32_t generation;
};

struct watch_match {
	uint32_t verdicts;            /* bit i: enum verdict i; 0: any */
	uint32_t stages;
	bool reasons[DROP_REASONS];
	bool has_reasons;             /* else any, or none */
	struct watch_peer peer;
	uint16_t link_id;             /* MATCH_NO_LINK: any */
	struct prefix prefix;         /* of any of the addresses; family ADDR_NONE: any */
	/* Names as they were said, for others to find; they live as long as the words. */
	const char *peer_name, *link_name;
};

/* What became of a packet. */
struct watch_fate {
	struct watch_peer from, to;   /* whose session it was opened with, and sealed with */
	uint16_t first_link;          /* where it entered the worker's turn */
	uint16_t in_link, out_link;   /* MATCH_NO_LINK: none */
	uint8_t verdict, stage;
	uint8_t reason_or_target;     /* enum drop_reason, or the worker handed to */
};

struct watch_flows {
	struct flow outer, inner;     /* around the cipher; a packet of no tunnel is inner */
};

/* words: pairs. 0, or -EINVAL with a sentence that says what can be said. */
int match_parse(struct watch_match *m, const char *const *words, unsigned n_words,
	struct err *err) __attribute__((warn_unused_result));
bool match_holds(const struct watch_match *m, const struct watch_fate *fate,
	const struct watch_flows *flows);
