/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet filter of a map: PacketFilters as JSON, name by name, into rules of ours. A server
 * sends rules whose destinations are wider than this node; only what is ours stays of them.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "filter/ranges.h"

/*
 * Appends the rules to a plan. local: all that is ours: addresses and what stands behind us. 0, or
 * -EBADMSG, -ENOSPC, -ENOMEM with a sentence, and then the plan is not to be used. Grants of
 * capabilities, and sources that are none of addresses, let no packet through and are left out.
 */
int packet_filter_parse(const char *json, size_t n_bytes, const struct filter_ranges *local,
	struct filter_plan *plan, struct err *err);
