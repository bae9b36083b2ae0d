/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How often one source may cost us a handshake under load: 20 a second, 5 at once, a source
 * being an IPv4 address or an IPv6 /64 (WireGuard whitepaper v1, section 5.3). Token buckets
 * stand in a table of fixed size, in sets of eight chosen by a keyed hash, so that nobody on the
 * wire can make it grow or aim at one set. A bucket that was idle for a second is full again and
 * its place is free. When all eight places of a set are busy, a new source of it is denied.
 *
 * One thread at a time: several handshake threads keep one each or hold the owner's lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"

#define RATELIMIT_PER_S 20
#define RATELIMIT_BURST 5
#define RATELIMIT_IDLE_NS NS_IN_S

enum {
	RATELIMIT_WAYS = 8,
	RATELIMIT_SETS_DEFAULT = 4096, /* 32768 sources, 768 KiB */
};

struct ratelimit {
	struct ratelimit_set *sets;
	uint32_t n_sets;
	uint8_t hash_key[16];
};

/* n_sets: a power of two. 0, -EINVAL or -ENOMEM. */
int ratelimit_init(struct ratelimit *r, uint32_t n_sets) __attribute__((warn_unused_result));
void ratelimit_fini(struct ratelimit *r);

/* Takes a token of the source's. False: it has none, or has no bucket and there is no room. */
bool ratelimit_allow(struct ratelimit *r, const struct addr *source, ns_t now)
	__attribute__((warn_unused_result));
