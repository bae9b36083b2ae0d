/* SPDX-License-Identifier: BSD-3-Clause */
/* The large table's short cut (struct route_top): built, kept true, dropped. The writer's. */
#pragma once

#include "route/node.h"

/*
 * After a change to the prefix of len bits at k: writes the entries that it shows in, so that
 * none names a node that was replaced; then builds or drops the short cut as the count asks.
 * Without memory the table does without.
 */
void route_top_follow(struct route_table *t, const struct route_key *k, unsigned len);

/* Frees it at once; no reader is left. */
void route_top_destroy(struct route_table *t);
uint64_t route_top_bytes(const struct route_table *t);
