/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A growing array of plain values. Its capacity follows from its count (the next power of two, 4
 * at least), and what it grows out of is wiped, since the values may hold keys.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

enum { ARRAY_FIRST = 4 };

/*
 * Room for one more after n items of item_bytes each: returns where the array stands from now on
 * (the new item is zeroed), or NULL when memory is short, and then the old array is untouched.
 */
static inline void *
array_grow(void *items, size_t n, size_t item_bytes)
{
	if (n == 0 || (n >= ARRAY_FIRST && (n & (n - 1)) == 0)) {
		char *bigger = calloc(n == 0 ? ARRAY_FIRST : 2 * n, item_bytes);
		if (!bigger)
			return NULL;
		if (items) {
			memcpy(bigger, items, n * item_bytes);
			secret_wipe(items, n * item_bytes);
			free(items);
		}
		return bigger;
	}
	memset((char *)items + n * item_bytes, 0, item_bytes);
	return items;
}

/* Takes item i out of n, keeping the order of the rest. The caller lowers its count. */
static inline void
array_cut(void *items, size_t n, size_t item_bytes, size_t i)
{
	char *at = (char *)items + i * item_bytes;
	memmove(at, at + item_bytes, (n - 1 - i) * item_bytes);
}

/* Wipes and frees an array that has held n items. items may be NULL. */
static inline void
array_free(void *items, size_t n, size_t item_bytes)
{
	if (items)
		secret_wipe(items, n * item_bytes);
	free(items);
}
