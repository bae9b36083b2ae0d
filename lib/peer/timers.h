/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The timers of a peer as a function: what the packet path saw (peer/activity.h), what the
 * control side knows (struct timer_state) and the time go in, actions and the next time to ask
 * come out (WireGuard whitepaper v1, section 6). One sentence a timer:
 *
 * - retry: an initiation without a response is sent again after 5 s and a jitter, for 90 s since
 *   traffic last asked for a session; then parked packets are given up.
 * - new handshake: data was sent and nothing came back for 15 s and a jitter, so the session may
 *   be dead: a handshake is started.
 * - keepalive: data was received and nothing was sent for 10 s, so an empty packet is sent.
 * - persistent keepalive: no packet passed for the interval, so an empty packet is sent.
 * - wipe: no new session for 3 x 180 s, so all keys of the peer are wiped.
 *
 * A struct timer_state belongs to one thread; every function here is called by that thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "peer/activity.h"

/*
 * The protocol's times and limits (section 6.1). Cookie times stand in noise/cookie.h, for they
 * are never shortened.
 */
struct protocol_times {
	ns_t rekey_after_ns;       /* an initiator that sends renews an older session */
	ns_t reject_after_ns;      /* nobody uses an older session */
	ns_t rekey_attempt_ns;     /* how long an initiation is repeated */
	ns_t rekey_timeout_ns;     /* between two initiations */
	ns_t rekey_jitter_ns;      /* at most this is added to rekey_timeout and new_handshake */
	ns_t keepalive_ns;         /* received and silent for this long: an empty packet */
	ns_t new_handshake_ns;     /* sent and unanswered for this long: a handshake */
	uint64_t rekey_after_messages;
	uint64_t reject_after_messages;
};

/* The times of the whitepaper. */
extern const struct protocol_times protocol_times_default;
/* A test build's: as initiator it renews after 4 s; all else is as a stock peer expects it. */
extern const struct protocol_times protocol_times_short;

/* Zeroed at first. Read the members freely; write them through the functions below only. */
struct timer_state {
	ns_t handshake_sent_ns;     /* last initiation or response sent; 0: none */
	ns_t handshake_complete_ns; /* last session confirmed by both sides; 0: none */
	ns_t retry_at_ns;           /* the initiation under way is then repeated; 0: none is */
	unsigned n_retries;         /* repeats since traffic last asked */
	bool wants_handshake;       /* asked for, not yet sent */
	bool has_renewed_late;      /* a receiver renews an aging session once */
	ns_t wipe_at_ns;            /* 0: there is nothing to wipe */
	ns_t tx_seen_ns;            /* the tx_unanswered stamp that tx_due_ns belongs to */
	ns_t tx_due_ns;
	ns_t tx_fired_ns;           /* the tx_unanswered stamp that was acted upon */
	ns_t rx_fired_ns;           /* the rx_unanswered stamp that was acted upon */
	ns_t persistent_ns;         /* interval; 0: off */
	ns_t persistent_since_ns;   /* switched on or last fired */
	bool wants_persistent;      /* just switched on: send one now */
};

enum timer_action_bits {
	TIMER_SEND_INITIATION = 1 << 0, /* counted as sent now; activity_sent once it is */
	TIMER_FORGET_SOURCE = 1 << 1,   /* drop the sticky outer source address first */
	TIMER_SEND_KEEPALIVE = 1 << 2,  /* with no usable session: timers_want_handshake */
	TIMER_GIVE_UP = 1 << 3,         /* drop the packets parked for this peer */
	TIMER_WIPE = 1 << 4,            /* wipe all sessions and the handshake state */
};

struct timer_action {
	unsigned what;          /* enum timer_action_bits */
	unsigned n_retries;     /* with TIMER_SEND_INITIATION: 0 is a first attempt */
	ns_t next_ns;           /* call again then; 0: when activity or an event comes */
	bool covers_activity;   /* next_ns is so near that activity until then need not be told */
	ns_t tx_fired_ns;       /* for activity_disarm(&tx_unanswered_ns, …), else 0 */
	ns_t rx_fired_ns;       /* for activity_disarm(&rx_unanswered_ns, …), else 0 */
};

/*
 * What to do at `now`. jitter_ns is drawn by the caller for this call, uniform in
 * [0, rekey_jitter_ns]. Each action is returned once: the state counts it as done. Unless
 * covers_activity, an unanswered stamp that goes from 0 to a time must cause a call: within
 * keepalive_ns of that time, or the timer that hangs on it comes late.
 */
struct timer_action timers_next(const struct protocol_times *times,
	const struct peer_activity *activity, struct timer_state *st, ns_t now, ns_t jitter_ns);

/* Why the packet path, or a person, asks for a handshake. */
enum handshake_want {
	WANT_NO_SESSION,   /* a packet was parked, or a keepalive found no usable session */
	WANT_RENEWAL,      /* timers_wants_renewal_tx after sending */
	WANT_LATE_RENEWAL, /* timers_wants_renewal_rx after receiving */
};

/*
 * Events. After any of them call timers_next. An initiation is sent at most every rekey_timeout:
 * a want that comes too early waits, and is forgotten when a session completes meanwhile.
 */
void timers_want_handshake(struct timer_state *st, enum handshake_want why);
/*
 * A way to the peer was found, which has no session yet: an initiation that was sent elsewhere is
 * not waited for any longer than a moment, in which its answer would have come.
 */
void timers_path_found(struct timer_state *st, ns_t now);
/* A response was sent: counts for the rekey_timeout between handshakes. */
void timers_response_sent(struct timer_state *st, ns_t now);
/* Session keys were derived, in either role: moves the wipe. */
void timers_session_derived(const struct protocol_times *times, struct timer_state *st, ns_t now);
/*
 * The session is known to both sides: as initiator when the response was consumed, as responder
 * when the first packet under the new session was authenticated.
 */
void timers_handshake_complete(struct timer_state *st, ns_t now);
/* interval_ns 0 switches off; switching on sends one keepalive at once. */
void timers_set_persistent(struct timer_state *st, ns_t interval_ns, ns_t now);
/*
 * All sessions and the handshake of the peer were thrown away (key changed, interface down):
 * nothing is under way, and a want is served at once. The persistent interval stays.
 */
void timers_reset(struct timer_state *st);

static inline bool
timers_has_passed(ns_t since_ns, ns_t period_ns, ns_t now)
{
	return now >= since_ns && now - since_ns >= period_ns;
}

/*
 * Whether having sent under a session calls for WANT_RENEWAL; n_sent is its send counter. For
 * workers too.
 */
static inline bool
timers_wants_renewal_tx(const struct protocol_times *times, ns_t birth_ns, uint64_t n_sent,
	bool is_initiator, ns_t now)
{
	return n_sent > times->rekey_after_messages ||
		(is_initiator && timers_has_passed(birth_ns, times->rekey_after_ns, now));
}

/*
 * Whether having received under a session calls for WANT_LATE_RENEWAL: an initiator that only
 * listens renews while one keepalive and one retry still fit before the session ends. For
 * workers too.
 */
static inline bool
timers_wants_renewal_rx(const struct protocol_times *times, ns_t birth_ns, bool is_initiator,
	ns_t now)
{
	ns_t age_ns = times->reject_after_ns - times->keepalive_ns - times->rekey_timeout_ns;
	return is_initiator && timers_has_passed(birth_ns, age_ns, now);
}
