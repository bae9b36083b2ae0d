/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is who: the interfaces' identities and the peers as control knows them, found by public
 * key and by peer id. The tables hold what workers need of a peer; here stands the rest.
 *
 * Two kinds of threads meet here. Handshake threads look peers up and work on them under the
 * directory's read lock and the peer's own mutex. The control thread alone adds, removes and
 * renames, under the write lock; so whoever holds the read lock may keep a pointer until it lets
 * go. Lock order: directory, then peer, then the tables' own.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/key.h"
#include "control/wheel.h"
#include "intent/hash.h"
#include "intent/intent.h"
#include "noise/cookie.h"
#include "noise/noise.h"
#include "peer/timers.h"
#include "tables/tables.h"

enum {
	CONTROL_LABEL_BYTES = INTENT_NAME_BYTES + 1 + PEER_NAME_BYTES,
};

struct control_peer {
	/* Read under either lock, changed under the write lock. */
	uint32_t peer_id;
	uint16_t iface_id;
	struct key public_key;
	char label[CONTROL_LABEL_BYTES]; /* "hg0 Ab3d…xY0=" or "hg0 alice": how logs name it */
	struct hash_link by_key;

	/* The handshake with it; guarded by lock. */
	pthread_mutex_t lock;
	struct noise_remote remote;
	struct cookie_maker cookies;

	/* Places in the handshaker's queues; guarded by its queue lock. */
	TAILQ_ENTRY(control_peer) in_wishes;
	TAILQ_ENTRY(control_peer) in_news;
	bool is_wished;
	unsigned news;                   /* enum handshake_news bits; 0: not in the queue */

	/* The control thread's own. */
	struct timer_state timers;
	struct wheel_timer timer;
	struct wall_time last_handshake; /* 0: never */
};

/* An interface as the handshake knows it; guarded by the directory's lock. */
struct identity {
	char name[INTENT_NAME_BYTES];
	bool is_live;
	struct noise_local local;
	struct cookie_checker checker; /* guarded by the handshaker's door lock */
};

struct peers {
	pthread_rwlock_t lock;
	struct hash_table by_key;
	struct control_peer **by_id;
	uint32_t max_peers;
	struct identity identities[TABLES_MAX_IFACES];
};

/* max_peers: the highest peer id there can be. 0 or -ENOMEM. */
int peers_init(struct peers *d, uint32_t max_peers, struct err *err);
/* Wipes and frees all; no other thread is left. */
void peers_fini(struct peers *d);

void peers_lock_read(struct peers *d);
void peers_lock_write(struct peers *d);
void peers_unlock(struct peers *d);

/* NULL: no such peer. Any value is safe. Either lock is held, or it is the control thread. */
struct control_peer *peers_by_id(const struct peers *d, uint32_t peer_id);
struct control_peer *peers_by_key(const struct peers *d, uint16_t iface_id, const struct key *k);

/* The control thread, write lock held. NULL: no memory. The peer starts without a PSK. */
struct control_peer *peers_add(struct peers *d, uint16_t iface_id, uint32_t peer_id,
	const struct key *public_key);
/* Wipes and frees it; it is in no queue and its timer is cleared. Write lock held. */
void peers_remove(struct peers *d, struct control_peer *p);
/* name: what people call it, or "". Write lock held. */
void peers_set_label(struct peers *d, struct control_peer *p, const char *name);

/* Write lock held. A zero private key takes the identity away but keeps the interface. */
void peers_identity_add(struct peers *d, uint16_t iface_id, const char *name);
void peers_identity_set_key(struct peers *d, uint16_t iface_id, const struct key *private_key);
void peers_identity_remove(struct peers *d, uint16_t iface_id);
