/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traffic for perf-pipeline: bursts made, run through one worker, taken back and looked at. Only
 * the worker's own stages are timed; making, sealing, ring calls and looking are not.
 */
#pragma once

#include <stdbool.h>
#include "rig.h"

enum traffic_case {
	TRAFFIC_ENCRYPT,
	TRAFFIC_DECRYPT,
	TRAFFIC_HAIRPIN,
	TRAFFIC_CASES,
};
extern const char *const traffic_names[TRAFFIC_CASES];

enum {
	TRAFFIC_LAN_HOST = -1,  /* in place of a peer's number */
	TRAFFIC_IMIX = 0, /* in place of a size: 28 x 64, 16 x 570, 4 x 1420, shuffled */
	TRAFFIC_MAX_BURSTS = 2048,
};

struct traffic {
	enum traffic_case what;
	unsigned bytes;         /* inner IP packet, or TRAFFIC_IMIX */
	unsigned burst;
	uint64_t rng;
	unsigned n_bursts;      /* of one run */
	bool looks;             /* takes apart what comes out */
};

/* A packet's, without what reading the clock costs. */
struct traffic_clk {
	double all;             /* TSC clocks of the worker's stages */
	double aead;            /* of these, in the AEAD backend */
};

/*
 * The IPv4 and UDP headers of a flow's inner packet (flows.h) without payload, from one peer, or
 * the LAN host, to another.
 */
void traffic_fill_headers(uint8_t *ip, uint32_t from, uint32_t to, uint32_t flow);

/* The mean inner size, for bit rates. */
double traffic_mean_bytes(unsigned bytes);

/*
 * Runs t->n_bursts (TRAFFIC_MAX_BURSTS at most) through the world's worker of backend `k`. *clk is
 * the mean of the middle half of the turns, for in any of them the worker may be preempted. With
 * t->looks, each packet that comes out is taken apart: addresses, TTL, payload, and sealed ones are
 * opened with libsodium. 0, or -EIO with a sentence when a packet is missing, dropped or wrong.
 */
int traffic_run(struct world *world, unsigned k, struct traffic *t, struct traffic_clk *clk,
	struct err *err);
