/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the packet path tells the timers of a peer: three stamps, and nothing else. Workers and
 * handshake threads write them with relaxed atomics and no lock; the control thread reads them
 * in timers_next. Two writers that race leave one of two stamps a few nanoseconds apart, either
 * of which is right. A stamp is stored only when it changes, so that the line stays shared
 * between cores while traffic flows.
 */
#pragma once

#include <stdbool.h>

#include "base/clock.h"

/* Stamps are ns_t of the boot clock; 0 means none. */
struct peer_activity {
	uint64_t tx_unanswered_ns;  /* first data sent since anything authenticated was received */
	uint64_t rx_unanswered_ns;  /* first data received since anything authenticated was sent */
	uint64_t last_traversal_ns; /* last authenticated packet in either direction */
};

/* How much older than the truth last_traversal_ns may be: 17 ms. */
#define ACTIVITY_GRAIN_NS (1ull << 24)

static inline uint64_t
activity_load(const uint64_t *stamp)
{
	return __atomic_load_n(stamp, __ATOMIC_RELAXED);
}

static inline void
activity_arm(uint64_t *stamp, ns_t now)
{
	if (activity_load(stamp) == 0)
		__atomic_store_n(stamp, now, __ATOMIC_RELAXED);
}

static inline void
activity_clear(uint64_t *stamp)
{
	if (activity_load(stamp) != 0)
		__atomic_store_n(stamp, 0, __ATOMIC_RELAXED);
}

static inline void
activity_traversal(struct peer_activity *a, ns_t now)
{
	if (now - activity_load(&a->last_traversal_ns) >= ACTIVITY_GRAIN_NS)
		__atomic_store_n(&a->last_traversal_ns, now, __ATOMIC_RELAXED);
}

/*
 * After sending one or more authenticated packets to the peer: data, keepalives, initiations
 * and responses. Cookie replies are none.
 */
static inline void
activity_sent(struct peer_activity *a, ns_t now)
{
	activity_clear(&a->rx_unanswered_ns);
	activity_traversal(a, now);
}

/* After activity_sent, when one of the packets carried data (a keepalive carries none). */
static inline void
activity_data_sent(struct peer_activity *a, ns_t now)
{
	activity_arm(&a->tx_unanswered_ns, now);
}

/* After one or more packets of the peer were authenticated, handshake messages among them. */
static inline void
activity_received(struct peer_activity *a, ns_t now)
{
	activity_clear(&a->tx_unanswered_ns);
	activity_traversal(a, now);
}

/* After activity_received, when one of the packets carried data. */
static inline void
activity_data_received(struct peer_activity *a, ns_t now)
{
	activity_arm(&a->rx_unanswered_ns, now);
}

/*
 * By the control thread, after TIMER_SEND_KEEPALIVE or TIMER_NEW_HANDSHAKE came of a stamp: takes
 * that stamp away, so that the next packet arms the timer anew. No effect once it has changed.
 */
static inline void
activity_disarm(uint64_t *stamp, uint64_t seen_ns)
{
	if (seen_ns)
		__atomic_compare_exchange_n(stamp, &seen_ns, 0, false, __ATOMIC_RELAXED,
			__ATOMIC_RELAXED);
}
