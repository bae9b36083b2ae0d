/* SPDX-License-Identifier: BSD-3-Clause */
/* POST /machine/map: the long stream of maps, and the short update of what we are. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/key.h"
#include "source/headscale/hostinfo.h"
#include "source/text.h"

/* How we know that we are there; the numbers are the protocol's. */
enum own_endpoint_kind {
	OWN_ENDPOINT_LOCAL = 1, /* an address of ours */
	OWN_ENDPOINT_STUN = 2,  /* as others see us */
	OWN_ENDPOINT_STATIC = 5, /* a person says so */
};

struct own_endpoint {
	struct endpoint at;
	enum own_endpoint_kind kind;
};

static inline bool
own_endpoint_is_equal(const struct own_endpoint *a, const struct own_endpoint *b)
{
	return a->kind == b->kind && endpoint_is_equal(&a->at, &b->at);
}

struct map_request {
	uint16_t version;
	struct key node_public;
	struct key disco_public;          /* never zero: peers would no longer know us */
	const struct own_endpoint *endpoints; /* where we are reached */
	size_t n_endpoints;
	bool keeps_endpoints;             /* those that the server knows stand: none is told */
	const struct hostinfo *hostinfo;
	bool is_stream;                   /* else an update */
};

/* Appends the body. */
void map_request_format(const struct map_request *r, struct text *out);
