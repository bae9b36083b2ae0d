/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints given by name: looked up without holding up the loop, again after a while when that
 * failed, and again when the peer does not answer handshakes: its address may be another by now.
 *
 *   named ──► due ──► under way ─┬─► found (told) ──resolver_again──► due
 *              ▲                 └─► waits, once it was never found
 *              └──────────────────────────┘
 *
 * The control thread owns it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/key.h"
#include "intent/hash.h"

enum {
	RESOLVER_AT_ONCE = 16,  /* names looked up at the same time */
	RESOLVER_AGAIN_S = 10,  /* a name is looked up again this long after it was, at most */
};

struct resolver_job;
TAILQ_HEAD(resolver_jobs, resolver_job);

/* What the name of the peer that had this key led to. */
struct resolver_answer {
	uint16_t iface_id;
	struct key peer;
	struct endpoint now;
	struct endpoint before;   /* the time before; not known: this is the first time */
	bool is_given_up;         /* a whole handshake had gone unanswered when it was asked */
};

struct resolver {
	uv_loop_t *loop;
	void (*found)(void *ctx, const struct resolver_answer *answer);
	void *ctx;
	struct hash_table by_peer;  /* one for each peer with a name */
	struct resolver_jobs due, waiting;
	unsigned n_under_way;
};

void resolver_init(struct resolver *r, uv_loop_t *loop);
/* Forgets all. Those under way end by themselves while the loop closes. */
void resolver_fini(struct resolver *r);

/* Looks host up for the peer, in place of the name it had before. 0 or -ENOMEM. */
int resolver_start(struct resolver *r, uint16_t iface_id, const struct key *peer,
	const char *host, uint16_t port);
/*
 * The peer did not answer a handshake (is_given_up: a whole row of them): looks its name up again,
 * unless it has none or a single handshake is all and it was looked up a moment ago.
 */
void resolver_again(struct resolver *r, uint16_t iface_id, const struct key *peer,
	bool is_given_up);
/* The peer is gone, or has another endpoint. */
void resolver_forget(struct resolver *r, uint16_t iface_id, const struct key *peer);
/* Tries again what failed; about every second. */
void resolver_tick(struct resolver *r, ns_t now);

/*
 * Whether the peer is to be sought at the answer, when its packets go to current now. A new
 * address of the name counts. One that the name had before as well does not end a roam, for the
 * peer was heard from where it is, until a whole handshake there went unanswered. Pure.
 */
bool resolver_answer_counts(const struct resolver_answer *answer, const struct endpoint *current);
