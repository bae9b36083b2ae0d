/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bars of perf-pipeline: ratios within one run, so that the machine's mood cancels out.
 * Encrypt: path minus AEAD at most 0.40 of what ipsec-mb's seal takes for 64 bytes; decrypt: at
 * most 0.54 of its open; at 64 and at 1420 bytes, one peer. 10,000 peers at random: a packet of
 * 64 bytes costs at most 1.5 times what it costs with one.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "traffic.h"

struct cell {
	enum traffic_case what;
	const char *backend;
	unsigned bytes;
	unsigned peers;
	double clk, aead_clk; /* per packet */
	const char *watch;    /* "+trace" while one ran, or NULL */
};

/* What the bars need of the cells measured; 0: not measured. Zeroed at first. */
struct bars {
	struct {
		double aead_64;
		double path_64, path_1420;   /* without AEAD, one peer */
		double one_64, many_64;      /* whole packet; 1 and 10,000 peers */
	} of[TRAFFIC_CASES];
};

void bars_note(struct bars *bars, const struct cell *c);
/* A line each. True when all were measured and hold. */
bool bars_print(const struct bars *bars, FILE *out);
