/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One axis of the rules: all their sources, or all their destinations, of one family. The ends of
 * all ranges cut the address space into pieces, in each of which the same rules match; a piece
 * leads to a row, one bit a rule. A packet's rules are those in the rows of both its addresses
 * (Lakshman and Stiliadis' bit vectors, with Baboescu and Varghese's summary of each row).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "filter/rule.h"

/* Bits of rules, and before them one bit for each of their words that is not 0. */
struct axis_shape {
	uint32_t n_rules;
	uint32_t n_words;   /* of a row's rules */
	uint32_t n_summary; /* words that tell which of those hold anything */
};

/* Immutable once built. Pieces begin at keys[i], which for IPv4 has its address in high. */
struct axis {
	uint32_t n_pieces; /* at least 1: the first begins at 0 */
	uint64_t *high, *low;
	uint32_t *row_of; /* a piece's row */
	uint64_t *rows;   /* each n_summary + n_words words */
	uint32_t n_rows;
};

struct axis_shape axis_shape_of(size_t n_rules);

/* Which addresses of a rule the axis is of. */
enum axis_side { AXIS_SOURCE, AXIS_DESTINATION };

/*
 * Builds the axis of that side and family. 0, -ENOMEM, or -E2BIG when its rows would take more
 * than AXIS_MAX_ROW_BYTES; then *a holds nothing.
 */
enum { AXIS_MAX_ROW_BYTES = 256 << 20 };
int axis_build(struct axis *a, const struct filter_plan *plan, enum axis_side side,
	uint8_t family);
void axis_fini(struct axis *a);

/* The row of an address: 4 or 16 bytes in network order, of the axis' family. */
const uint64_t *axis_row(const struct axis *a, const struct axis_shape *shape,
	const uint8_t *bytes, uint8_t family);
