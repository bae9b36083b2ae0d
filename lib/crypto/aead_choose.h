/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which backend carries the traffic, and which other one does the bursts that it is cheaper at. Of
 * those that the machine supports and that pass their self-test a short timing tells
 * (crypto/aead_timing.h): the table's order holds unless a later one is faster by more than
 * AEAD_CLEARLY_FASTER_PERCENT.
 */
#pragma once

#include "crypto/aead_burst.h"

enum {
	AEAD_CLEARLY_FASTER_PERCENT = 10,
	AEAD_MAX_BACKENDS = 8, /* rows in a table */
};

/* A backend that somebody insists on. */
struct aead_wish {
	const char *name; /* NULL: none, choose */
	const char *by;   /* who insists, for the reason: "--crypto" */
};

/*
 * Chooses. Backends passed over are logged with the reason. A name wished for is taken or refused,
 * never replaced, and does every burst itself: -ENOENT (the sentence lists the known names),
 * -ENOTSUP, -EIO. wish may be NULL. Some 20 ms of one core, once, at start, by the main thread,
 * before workers run.
 */
int aead_choose(const struct aead_wish *wish, struct aead_choice *out, struct err *err)
	__attribute__((warn_unused_result));
/* The same over another table that ends with NULL; for tests. */
int aead_choose_from(const struct aead_backend *const *table, const struct aead_wish *wish,
	struct aead_choice *out, struct err *err) __attribute__((warn_unused_result));
