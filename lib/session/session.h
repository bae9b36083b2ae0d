/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A session: one pair of keys and what belongs to it. Sealing may happen on any worker (the
 * counter is reserved for a run of packets with one atomic add); opening happens on the owner
 * worker alone, which is the only one to touch the replay window. A session knows its peer by
 * number only. Laid out so that sealing reads line 0 and opening reads line 1.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "session/replay.h"

enum {
	SESSION_KEY_BYTES = 32,
};

struct session {
	/* Sealing: read by every worker; the counter is shared by atomic add. */
	uint8_t send_key[SESSION_KEY_BYTES] ALIGNED_LINE;
	uint64_t send_counter;     /* the next one to use */
	ns_t birth_ns;
	uint32_t remote_index;     /* goes into the messages we send, as it stands on the wire */
	uint32_t peer_id;
	uint32_t send_spare;
	uint16_t iface_id;
	bool is_initiator;
	bool rekey_is_wanted;      /* relaxed; said once by a worker, so that none repeats it */

	/* Opening: the owner worker. */
	uint8_t recv_key[SESSION_KEY_BYTES] ALIGNED_LINE;
	uint32_t local_index;      /* 0 while the slot is not live; published last, cleared first */
	uint32_t recv_peer_id;
	ns_t recv_birth_ns;
	uint16_t recv_iface_id;
	uint16_t owner_worker;
	bool is_confirmed;         /* the other side has proved that it holds the keys */
	bool recv_is_initiator;    /* as is_initiator; opening stays in its own line */
	struct replay replay;
};
_Static_assert(offsetof(struct session, recv_key) == 64, "sealing fits one line");
_Static_assert(offsetof(struct session, replay) <= 128, "opening starts in one line");
_Static_assert(sizeof(struct session) <= 1216, "two sessions and the peer within 3 KB");

/* What a finished handshake yields. */
struct session_keys {
	uint8_t send_key[SESSION_KEY_BYTES];
	uint8_t recv_key[SESSION_KEY_BYTES];
	uint32_t local_index;
	uint32_t remote_index;
	bool is_initiator;
};

/* Reserves n counters in a row and returns the first. Any worker. */
static inline uint64_t
session_reserve(struct session *s, unsigned n)
{
	return __atomic_fetch_add(&s->send_counter, n, __ATOMIC_RELAXED);
}

static inline bool
session_has_expired(ns_t birth_ns, ns_t now_ns, ns_t lifetime_ns)
{
	return now_ns - birth_ns >= lifetime_ns && now_ns > birth_ns;
}

/* Fills a zeroed slot, all but local_index, which the caller publishes last. */
void session_init(struct session *s, const struct session_keys *keys, uint32_t peer_id,
	uint16_t iface_id, ns_t now_ns);
/* Overwrites keys and window. No reader may be left. */
void session_wipe(struct session *s);
