/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the nodes of the tailnet are reached: the thread that speaks disco with them and chooses
 * the path of each (reach/peer_paths.h), so that neither workers nor control are held up by it.
 *
 *   workers ── reach mail ──► open, answer, note ─┬─► orders (pong, ping) ──► workers
 *   control ── peers, keys, "it is stirring" ─────┤
 *   wheel ── heartbeats, timeouts ────────────────┴─► tables: where a peer is; event: path found
 *
 * One lock guards all of it. The thread holds it for one batch at a time; control takes it to
 * change who there is and to look. A peer stands here only while it stands in the tables, for
 * control takes it away here first.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/key.h"
#include "control/wheel.h"
#include "intent/hash.h"
#include "mailbox/mail.h"
#include "reach/netcheck.h"
#include "source/headscale/node.h"
#include "tables/tables.h"

enum {
	REACHER_BATCH = 16,
	REACHER_WHY_BYTES = 128,
};

/* Who we are to other nodes. */
struct reacher_self {
	uint16_t iface_id;
	struct key disco_private;
	struct key node_public;
};

/* The last pong of a node. */
struct reach_pong {
	uint64_t n;                  /* grows with each */
	struct endpoint via;         /* what was pinged */
	ns_t latency_ns;
};

/* How a node is reached at the moment. */
struct reacher_view {
	bool has_path;               /* at `via`, by its last pong there */
	bool is_trusted;             /* which is fresh; else it is idle, or silent */
	bool is_active;              /* data is sent to it, or waits */
	bool was_sought;             /* it was spoken to, or has spoken */
	unsigned n_candidates;       /* addresses that it may be at */
	struct endpoint via;
	ns_t latency_ns;
	struct reach_pong last_pong;
};

struct reacher {
	struct tables *tables;
	struct mailboxes *boxes;
	pthread_mutex_t lock;        /* guards all down to the thread's own */
	struct reacher_self self;
	struct key disco_public;
	struct hash_table by_id;     /* struct reach_peer */
	struct hash_table by_disco;
	struct wheel wheel;
	struct netcheck check;       /* how the world sees our port */
	ns_t check_next_ns;          /* when something of it is due; 0: nothing */
	uint64_t n_strangers;        /* messages of whom nobody knows */
	uint64_t n_unsealed;         /* messages that did not open */

	pthread_t thread;
	bool is_running;             /* control's own */
	bool is_stopping;            /* relaxed */
	unsigned n_askers;           /* relaxed: who waits for the lock */
	uint64_t n_turns;            /* relaxed */
};

/* tables and boxes outlive it. */
void reacher_init(struct reacher *r, struct tables *tables, struct mailboxes *boxes, ns_t now);
/* Stops the thread; wipes and frees all. Once more does nothing. */
void reacher_fini(struct reacher *r);

/* All that follow are the control thread's. */

/* Begins as that node, without peers. 0 or a negative errno with a sentence. */
int reacher_start(struct reacher *r, const struct reacher_self *self, struct err *err);
/* Ends the thread and forgets all peers and keys. */
void reacher_stop(struct reacher *r);
/* Our keys, from now on; those that are the same change nothing. */
void reacher_set_self(struct reacher *r, const struct reacher_self *self);

/*
 * peer_id is that node, or is now as node says: another disco key ends all that was known of its
 * paths, other endpoints are tried in the place of the old. 1: it was known by another one; else
 * 0, or -ENOMEM.
 */
int reacher_put(struct reacher *r, uint32_t peer_id, struct tailnet_node *node);
/* Before the peer leaves the tables; unknown ones are allowed. */
void reacher_forget(struct reacher *r, uint32_t peer_id);
/* Packets pass, or want to: a path is looked for, or kept up. Unknown ones are allowed. */
void reacher_stir(struct reacher *r, uint32_t peer_id);

/* Pings it at all its addresses now, as a person asks; a pong shows in its view. */
void reacher_ping(struct reacher *r, uint32_t peer_id);
/* False: it is no node that speaks disco. */
bool reacher_look(struct reacher *r, uint32_t peer_id, struct reacher_view *out);
/* Why there is no direct path to it, for a person; "" when there is one. Returns out. */
const char *reacher_why(const struct reacher_view *view, char out[REACHER_WHY_BYTES]);
/* Begins to ask these servers how they see our port, in place of whom is being asked. */
void reacher_check_begin(struct reacher *r, const struct netcheck_target *targets, size_t n);
/* What they have said by now. */
void reacher_check_report(struct reacher *r, struct netcheck_report *out);

/* One batch of mails and timers; returns how many there were. Tests call it without a thread. */
unsigned reacher_turn(struct reacher *r, ns_t now);
