/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Linux capabilities (capabilities(7)) of this process, as a mask: bit CAP_NET_ADMIN and so on. The
 * calls work on the calling thread, and threads inherit: so they come before there are others.
 */
#pragma once

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { CAPS_TEXT_BYTES = 512 };

#define CAPS(name) (1ull << CAP_##name)

/* What this thread may do, or take up. 0 or a negative errno. */
int caps_permitted(uint64_t *out, struct err *err);
/*
 * Gives up all but keep for good, and what is not permitted anyway stays so. Programs that are
 * run from here on get no more than that either, unless children_keep_all: then those of a
 * process of user 0 get what this one was started with.
 */
int caps_keep(uint64_t keep, bool children_keep_all, struct err *err);
/* Whether programs that this process runs are held to what it has itself. */
bool caps_are_bounded(void);
/* "CAP_NET_ADMIN, CAP_NET_RAW". Returns out. */
const char *caps_names(uint64_t mask, char out[CAPS_TEXT_BYTES]);
