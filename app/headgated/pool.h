/* SPDX-License-Identifier: BSD-3-Clause */
/* The packet buffers, laid out so that every one of them may be given to every driver. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct rte_mempool;

/*
 * n buffers with room_bytes each, headroom included. needs_physical: a device may need each
 * buffer within one page. NULL with a sentence. Main thread, before anybody else has the pool.
 */
struct rte_mempool *pool_create(unsigned n, uint16_t room_bytes, bool needs_physical,
	struct err *err);
