/* SPDX-License-Identifier: BSD-3-Clause */
/* POST /machine/map: the long stream of maps, and the short update of what we are. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/key.h"
#include "source/headscale/hostinfo.h"
#include "source/text.h"

struct map_request {
	uint16_t version;
	struct key node_public;
	struct key disco_public;          /* never zero: peers would no longer know us */
	const struct endpoint *endpoints; /* where we are reached */
	size_t n_endpoints;
	const struct hostinfo *hostinfo;
	bool is_stream;                   /* else an update */
};

/* Appends the body. */
void map_request_format(const struct map_request *r, struct text *out);
