/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why packets were dropped, over time: main's counters are sampled once a second, so a question is
 * answered at once with rates; and the names that people know are put to the numbers.
 */
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "intent/status.h"
#include "telemetry/drop_sample.h"

enum { DROPS_SECONDS = 10 };

struct drops {
	struct drop_sample ring[DROPS_SECONDS + 1];
	unsigned newest, n;       /* of the ring that are filled */
	struct drop_sample base;  /* what links had counted before they became what they are */
};

struct control;

/* Takes a sample; about every second. */
void drops_tick(struct control *c, ns_t now);
/* A link's id got a new owner: what was counted so far is not its. */
void drops_link_begins(struct control *c, uint16_t link_id);
/* Adds all drop counters of now, with rates, to the status. */
void drops_report(struct control *c, struct status *s);
void drops_fini(struct drops *d);

/* What people call the port or interface; "" for a link that is none now. */
const char *control_link_name(const struct control *c, uint16_t link_id);
