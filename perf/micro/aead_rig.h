/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packets and backends of perf-aead, and one cell's measurement.
 *
 * A cell (direction, bytes, burst) is measured for all columns one behind the other, round by
 * round, so that what disturbs the machine disturbs them alike; in seven passes through all cells,
 * so that a neighbour who is busy for a second spoils no cell's median. A round is some 192
 * packets, in bursts; each burst is timed alone and what an empty timing costs is taken off.
 * Packets stand as far apart as mbufs do and stay in cache. Opening destroys the cipher text: it
 * is put back outside the measured part.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "aead_options.h"
#include "base/err.h"
#include "crypto/aead_burst.h"
#include "limit.h"

enum {
	RIG_MAX_COLUMNS = 12,
	RIG_PASSES = 7,
	RIG_ROUND_PKTS = 192, /* four times IMIX's 48 */
	RIG_MAX_PKTS = 256,
};

struct rig_cell {
	bool is_open;
	unsigned bytes; /* or AEAD_IMIX, AEAD_RANDOM */
	unsigned burst;
};

/* A backend, the gateway's own choice, or a limit. */
struct rig_column {
	char name[24];
	bool is_backend;               /* else a limit */
	struct aead aead;
	const struct limit_unit *unit; /* of a limit, or the one that bounds this backend */
	struct limit_work *work;       /* of a limit */
	double *clk;                   /* a packet, round by round, of the cell selected */
};

struct rig {
	struct rig_column columns[RIG_MAX_COLUMNS];
	unsigned n_columns;
	struct aead_job jobs[RIG_MAX_PKTS];
	uint8_t keys[RIG_MAX_PKTS][AEAD_KEY_BYTES];
	uint8_t *packets; /* RIG_MAX_PKTS, stride_bytes apart */
	uint8_t *sealed;  /* the same, kept */
	unsigned stride_bytes;
	const struct aead_options *o;
	unsigned n_cells;
	double *clk; /* cell by cell, column by column, round by round */
};

/* Zeroed before; o outlives it. 0, -ENOMEM, or a backend's refusal. rig_destroy in any case. */
int rig_create(struct rig *rig, const struct aead_options *o, struct err *err);
void rig_destroy(struct rig *rig);
/* All passes through the cells 0 to n_cells - 1. */
void rig_measure(struct rig *rig);
/* Points each column's clk at this cell's, for what is asked below. */
struct rig_cell rig_select(struct rig *rig, unsigned cell_idx);

/* NULL when there is none of that name. */
const struct rig_column *rig_column_by_name(const struct rig *rig, const char *name);
/* Medians over the selected cell's rounds: of a column's clocks, of one's over another's. */
double rig_median_clk(const struct rig *rig, const struct rig_column *c);
double rig_median_ratio(const struct rig *rig, const struct rig_column *above,
	const struct rig_column *below);
