/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bars of perf-pipeline: ratios within one run, so that the machine's mood cancels out; all
 * of one peer, IPv4 outside and the first burst size unless they say otherwise.
 *
 * Of the path around the AEAD, with the ipsecmb backend: encrypt costs at most 0.40 beside what
 * ipsec-mb's seal takes for 64 bytes, decrypt at most 0.54 beside its open, at 64 and at 1420
 * bytes. 10,000 peers at random: a packet of 64 bytes costs at most 1.5 times what it costs with
 * one.
 *
 * Of batch AEAD: with the avx512 backend a packet costs at most 0.54 (encrypt) and 0.64 (decrypt)
 * of what it costs with ipsecmb at 64 bytes, 0.85 and 0.87 at 1420; in bursts of 4 at most 1.10
 * at any size; and with IPv6 outside at most 1.25 of what it costs with IPv4 outside, at 64. A
 * machine that cannot run that backend is not judged by these.
 *
 * Of the access filter, when it was asked for: 1,000 rules and a million flows cost a packet at
 * most 0.15 of what ipsec-mb's seal or open takes for 64 bytes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "traffic.h"

struct cell {
	enum traffic_case what;
	const char *backend;
	unsigned bytes;
	unsigned peers;
	uint8_t outer_family;
	unsigned burst;
	double clk, aead_clk; /* per packet */
	double to_ipsecmb;    /* clk by ipsecmb's of the same row; 0: not measured */
	double to_first;      /* clk by that with the first outer and burst; 0: this is it */
	const char *beside;   /* "+trace" or "+filter" while one ran, or NULL */
};

/* What the bars need of the cells measured; 0: not measured. Zeroed at first. */
struct bars {
	const char *best;                    /* backend of this machine */
	bool has_filter;                     /* --filter */
	struct {
		double aead_64;              /* ipsecmb's */
		double path_64, path_1420;   /* without AEAD, one peer, with ipsecmb */
		double one_64, many_64;      /* whole packet with ipsecmb; 1 and 10,000 peers */
		double filter_64;            /* what the filter adds, with ipsecmb */
		double fast_64, fast_1420;   /* to_ipsecmb of avx512 */
		double fast_small;           /* the same in bursts of 4, the worst size's */
		double fast_v6_64;           /* IPv6 by IPv4 outside, with avx512 */
	} of[TRAFFIC_CASES];
};

void bars_note(struct bars *bars, const struct cell *c);
/* more: clocks that the filter cost of the cell's, the median of the rounds. */
void bars_note_filter(struct bars *bars, const struct cell *c, double more);
/* A line each. True when all were measured and hold. */
bool bars_print(const struct bars *bars, FILE *out);
