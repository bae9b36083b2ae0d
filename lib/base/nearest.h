/* SPDX-License-Identifier: BSD-3-Clause */
/* The known name that a mistyped one most likely meant. */
#pragma once

#include <stddef.h>

/* Insertions, deletions, exchanges and swaps of neighbours from a to b, letter case aside. */
unsigned edit_distance(const char *a, const char *b);
/*
 * The nearest of n names to a text; names stand stride_bytes apart, from `names` on, each a
 * const char *. NULL when none is near (more than a third of its letters differ).
 */
const char *nearest_name(const char *text, const void *names, size_t n, size_t stride_bytes);
