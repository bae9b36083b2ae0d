/* SPDX-License-Identifier: BSD-3-Clause */
/* How long to wait before trying again: longer each time, and not all at the same moment. */
#pragma once

#include <stdint.h>

enum { BACKOFF_MAX_MS = 30000 };

/*
 * After the n-th failure in a row (from 1): n² x 10 ms, 30 s at most, times 0.5 to 1.5 as random
 * says.
 */
static inline uint32_t
backoff_ms(uint32_t n_failures, uint32_t random)
{
	uint64_t ms = (uint64_t)n_failures * n_failures * 10;
	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	return (uint32_t)(ms / 2 + ms * (random % 1024) / 1023);
}
