/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handshakes, on threads of their own: never on a worker, nor on the control thread.
 *
 *   workers ──wire mail──► door (mac1; under load cookie, rate) ─┬─ initiation ─► answer ─┐
 *                                                                ├─ response ───► finish ─┤
 *                                                                └─ cookie ─────► keep    │
 *   control ──wishes────► initiate ───────────────────────────────────────────────────────┤
 *   control ◄──news───────────────────────────────────────────────────────────────────────┤
 *   workers ◄──orders (send, session ready)───────────────────────────────────────────────┘
 *
 * Wishes and news are queues of peers, linked through struct control_peer: nothing is lost and
 * nothing is allocated. Timer states belong to the control thread; it learns here what happened.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "control/peers.h"
#include "mailbox/mail.h"
#include "noise/ratelimit.h"
#include "tables/tables.h"

enum handshake_news {
	NEWS_RESPONDED = 1 << 0, /* an initiation was answered: keys derived, not yet confirmed */
	NEWS_COMPLETED = 1 << 1, /* our initiation was answered: keys derived, session current */
};

enum {
	HANDSHAKER_BATCH = 32,
	HANDSHAKER_MAX_THREADS = 16,
	/* Under load from an eighth of what the wire box holds (4096). */
	HANDSHAKER_LOAD_MAILS = 512,
};

TAILQ_HEAD(peer_queue, control_peer);

struct handshaker {
	struct tables *tables;
	struct mailboxes *boxes;
	struct peers *peers;

	pthread_mutex_t queue_lock;  /* guards both queues and the peers' places in them */
	struct peer_queue wishes;
	struct peer_queue news;
	bool has_wishes;             /* relaxed: whether it is worth taking the lock */
	bool has_news;

	pthread_mutex_t door_lock;   /* guards the limiter and the identities' cookie checkers */
	struct ratelimit limiter;
	uint64_t loaded_until_ns;    /* relaxed */

	struct log_limit turned_away; /* what the wire can provoke is logged through these */
	struct log_limit refused;
	struct log_limit not_sent;

	pthread_t threads[HANDSHAKER_MAX_THREADS];
	unsigned n_threads;
	unsigned n_running;          /* relaxed: each takes its number from it */
	uint64_t n_turns[HANDSHAKER_MAX_THREADS]; /* relaxed: that thread adds, anybody reads */
	bool is_stopping;            /* relaxed */
};

/* tables, boxes and peers outlive it. 0 or -ENOMEM. */
int handshaker_init(struct handshaker *h, struct tables *tables, struct mailboxes *boxes,
	struct peers *peers, struct err *err);
/* Starts n threads (1 to HANDSHAKER_MAX_THREADS). 0 or a negative errno, and none is left. */
int handshaker_start(struct handshaker *h, unsigned n, struct err *err);
/* Stops and joins them. Before workers end, so that nobody waits for an order. */
void handshaker_stop(struct handshaker *h);
void handshaker_fini(struct handshaker *h);

/* What a handshake thread does with one look at its clocks. */
struct handshake_time {
	ns_t now;
	struct wall_time wall;
};
/* One batch of mails and wishes; returns how many there were. Tests call it without threads. */
unsigned handshaker_turn(struct handshaker *h, const struct handshake_time *t);

/* Control thread: have an initiation sent to p. Once more is the same as once. */
void handshaker_wish(struct handshaker *h, struct control_peer *p);
/* Control thread: the next peer with news and what it is, or NULL. */
struct control_peer *handshaker_next_news(struct handshaker *h, unsigned *news);
/* Takes p out of the queues before it is removed. Directory's write lock held. */
void handshaker_forget(struct handshaker *h, struct control_peer *p);
