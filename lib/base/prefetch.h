/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fetching what will be touched soon, so that the misses of a whole burst are under way at once.
 * Any address may be given, one that is not mapped too: nothing happens then.
 */
#pragma once

/* The line at p will be read. */
static inline void
prefetch_read(const void *p)
{
	__builtin_prefetch(p, 0);
}

/* The line at p will be written, so it is wanted alone where the processor can ask for that. */
static inline void
prefetch_write(const void *p)
{
	__builtin_prefetch(p, 1);
}
