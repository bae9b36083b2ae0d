/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The access filter's two places in a turn: before route, where what came out of a tunnel is
 * denied or goes on to be routed; and behind route, where what is to go into a tunnel makes the
 * flows by which its replies may come back. What is said of each is lib/filter's.
 *
 * The table of flows is large, so packets are looked at long before: while sources and next hops,
 * or next hops and peers, are looked up for the burst, the lines of the flows are on their way.
 * What is denied gets its verdict and stays in its list, which the next stage has looked up.
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
