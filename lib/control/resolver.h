/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints given by name: looked up without holding up the loop, and again after a while when
 * that failed.
 */
#pragma once

#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/key.h"

struct resolver_job;
TAILQ_HEAD(resolver_jobs, resolver_job);

struct resolver {
	uv_loop_t *loop;
	/* The name of the peer that had this key led to e. */
	void (*found)(void *ctx, uint16_t iface_id, const struct key *peer,
		const struct endpoint *e);
	void *ctx;
	struct resolver_jobs jobs; /* one for each peer with a name, until found or forgotten */
};

void resolver_init(struct resolver *r, uv_loop_t *loop);
/* Forgets all. Those under way end by themselves while the loop closes. */
void resolver_fini(struct resolver *r);

/* Looks host up for the peer, in place of what was looked up for it before. 0 or -ENOMEM. */
int resolver_start(struct resolver *r, uint16_t iface_id, const struct key *peer,
	const char *host, uint16_t port);
/* The peer is gone, or has another endpoint. */
void resolver_forget(struct resolver *r, uint16_t iface_id, const struct key *peer);
/* Tries again what failed; about every second. */
void resolver_tick(struct resolver *r, ns_t now);
