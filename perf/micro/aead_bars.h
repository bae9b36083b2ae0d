/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bars of perf-aead: ratios within one run, for seal and open alike, as the table in
 * aead_bars.c has them. One whose cell was not measured does not hold; one of a backend that this
 * machine does not support is not judged.
 */
#pragma once

#include <stdio.h>

#include "aead_rig.h"

enum { BARS_MAX = 32 };

/* Ratios by row of the table, seal and open; 0: not measured. Zeroed at first. */
struct aead_bars {
	double ratio[BARS_MAX][2];
};

/* Takes what the table wants of the cell selected. */
void aead_bars_note(struct aead_bars *bars, const struct rig *rig, const struct rig_cell *c);
/* A line each. True when all that are judged hold, be it by margin_percent less. */
bool aead_bars_print(const struct aead_bars *bars, unsigned margin_percent, FILE *out);
