/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The access filter's two places in a turn: behind verify, where what came out of a tunnel is
 * denied or goes on to be routed; and behind route, where what is to go into a tunnel makes the
 * flows by which its replies may come back. What is said of each is lib/filter's.
 *
 * The table of flows is large, so packets are looked at one stage before: while their sources, or
 * their next hops, are looked up, the lines of the flows are on their way.
 */
#pragma once

#include <stdint.h>

#include "filter/filter.h"
#include "path/burst.h"

struct worker;

/* The packets that the filter is asked about. */
struct asked {
	uint32_t n;
	struct packet *packets[BURST_MAX];
	struct filter_query queries[BURST_MAX];
};

/* Each only while there is a filter, w->filter. Those opened in this turn: look, then judge. */
void filter_look_opened(struct worker *w, struct burst *b);
void filter_opened(struct worker *w, struct burst *b);
/* All others that may go into a tunnel: the same. */
void filter_look_plain(struct worker *w, struct burst *b);
void filter_plain(struct worker *w, struct burst *b);
