/* SPDX-License-Identifier: BSD-3-Clause */
/* The timers of a peer. timers_next asks each in turn; a timer adds its action and its due time. */
#include "peer/timers.h"

#include "base/bytes.h"

const struct protocol_times protocol_times_default = {
	.rekey_after_ns = 120 * NS_IN_S,
	.reject_after_ns = 180 * NS_IN_S,
	.rekey_attempt_ns = 90 * NS_IN_S,
	.rekey_timeout_ns = 5 * NS_IN_S,
	.rekey_jitter_ns = 333 * NS_IN_MS,
	.keepalive_ns = 10 * NS_IN_S,
	.new_handshake_ns = 15 * NS_IN_S,
	.rekey_after_messages = 1ull << 60,
	.reject_after_messages = UINT64_MAX - (1ull << 13),
};

const struct protocol_times protocol_times_short = {
	.rekey_after_ns = 4 * NS_IN_S,
	.reject_after_ns = 180 * NS_IN_S,
	.rekey_attempt_ns = 90 * NS_IN_S,
	.rekey_timeout_ns = 5 * NS_IN_S,
	.rekey_jitter_ns = 333 * NS_IN_MS,
	.keepalive_ns = 10 * NS_IN_S,
	.new_handshake_ns = 15 * NS_IN_S,
	.rekey_after_messages = 1ull << 60,
	.reject_after_messages = UINT64_MAX - (1ull << 13),
};

/* An answer that is on its way has come by then. */
#define PATH_FOUND_WAIT_NS (250 * NS_IN_MS)

/* One call of timers_next. */
struct turn {
	const struct protocol_times *times;
	struct timer_state *st;
	ns_t now;
	ns_t jitter_ns;
	struct timer_action act;
};

/* Whether due_ns has come; else it counts for the next call. */
static bool
is_due(struct turn *t, ns_t due_ns)
{
	if (t->now >= due_ns)
		return true;
	if (t->act.next_ns == 0 || due_ns < t->act.next_ns)
		t->act.next_ns = due_ns;
	return false;
}

static void
send_initiation(struct turn *t)
{
	struct timer_state *st = t->st;
	st->wants_handshake = false;
	st->handshake_sent_ns = t->now;
	st->retry_at_ns = t->now + t->times->rekey_timeout_ns + t->jitter_ns;
	t->act.what |= TIMER_SEND_INITIATION;
	t->act.n_retries = st->n_retries;
}

static void
wipe(struct turn *t)
{
	if (t->st->wipe_at_ns == 0 || !is_due(t, t->st->wipe_at_ns))
		return;
	t->st->wipe_at_ns = 0;
	t->act.what |= TIMER_WIPE;
}

/* Data was sent and nothing came back. The jitter is drawn when the stamp is first seen. */
static void
new_handshake(struct turn *t, uint64_t unanswered_ns)
{
	struct timer_state *st = t->st;
	if (unanswered_ns == 0 || unanswered_ns == st->tx_fired_ns)
		return;
	if (unanswered_ns != st->tx_seen_ns) {
		st->tx_seen_ns = unanswered_ns;
		st->tx_due_ns = unanswered_ns + t->times->new_handshake_ns + t->jitter_ns;
	}
	if (!is_due(t, st->tx_due_ns)) {
		is_due(t, t->now + t->times->keepalive_ns); /* an rx stamp may come meanwhile */
		return;
	}
	st->tx_fired_ns = t->act.tx_fired_ns = unanswered_ns;
	t->act.what |= TIMER_FORGET_SOURCE;
	timers_want_handshake(st, WANT_NO_SESSION);
}

static void
give_up(struct turn *t, uint64_t rx_unanswered_ns)
{
	struct timer_state *st = t->st;
	st->retry_at_ns = 0;
	st->wants_handshake = false;
	if (rx_unanswered_ns) /* no keepalive to a peer that does not answer */
		st->rx_fired_ns = t->act.rx_fired_ns = rx_unanswered_ns;
	if (st->wipe_at_ns == 0)
		st->wipe_at_ns = t->now + 3 * t->times->reject_after_ns;
	t->act.what |= TIMER_GIVE_UP;
}

static void
retry(struct turn *t, uint64_t rx_unanswered_ns)
{
	struct timer_state *st = t->st;
	if (st->retry_at_ns == 0 || t->now < st->retry_at_ns)
		return;
	if (st->n_retries > t->times->rekey_attempt_ns / t->times->rekey_timeout_ns) {
		give_up(t, rx_unanswered_ns);
		return;
	}
	st->n_retries++;
	t->act.what |= TIMER_FORGET_SOURCE;
	send_initiation(t);
}

/* A want within rekey_timeout waits; with an initiation under way its retry serves it. */
static void
wanted(struct turn *t)
{
	struct timer_state *st = t->st;
	if (!st->wants_handshake)
		return;
	if (st->handshake_sent_ns == 0 ||
		timers_has_passed(st->handshake_sent_ns, t->times->rekey_timeout_ns, t->now))
		send_initiation(t);
	else if (st->retry_at_ns)
		st->wants_handshake = false;
	else
		is_due(t, st->handshake_sent_ns + t->times->rekey_timeout_ns);
}

static void
keepalive(struct turn *t, uint64_t unanswered_ns)
{
	struct timer_state *st = t->st;
	if (unanswered_ns == 0 || unanswered_ns == st->rx_fired_ns ||
		!is_due(t, unanswered_ns + t->times->keepalive_ns))
		return;
	st->rx_fired_ns = t->act.rx_fired_ns = unanswered_ns;
	t->act.what |= TIMER_SEND_KEEPALIVE;
}

static void
persistent_keepalive(struct turn *t, uint64_t last_traversal_ns)
{
	struct timer_state *st = t->st;
	if (st->persistent_ns == 0)
		return;
	ns_t since_ns = MAX_OF(st->persistent_since_ns, last_traversal_ns);
	if (!st->wants_persistent && !is_due(t, since_ns + st->persistent_ns))
		return;
	st->wants_persistent = false;
	st->persistent_since_ns = t->now;
	t->act.what |= TIMER_SEND_KEEPALIVE;
	is_due(t, t->now + st->persistent_ns);
}

struct timer_action
timers_next(const struct protocol_times *times, const struct peer_activity *activity,
	struct timer_state *st, ns_t now, ns_t jitter_ns)
{
	struct turn t = {.times = times, .st = st, .now = now, .jitter_ns = jitter_ns};
	uint64_t tx_ns = activity_load(&activity->tx_unanswered_ns);
	uint64_t rx_ns = activity_load(&activity->rx_unanswered_ns);

	wipe(&t);
	new_handshake(&t, tx_ns);
	wanted(&t);
	retry(&t, rx_ns);
	keepalive(&t, rx_ns);
	persistent_keepalive(&t, activity_load(&activity->last_traversal_ns));
	if (st->retry_at_ns)
		is_due(&t, st->retry_at_ns);
	if (st->wipe_at_ns)
		is_due(&t, st->wipe_at_ns);
	t.act.covers_activity = t.act.next_ns && t.act.next_ns - now <= times->keepalive_ns;
	return t.act;
}

void
timers_want_handshake(struct timer_state *st, enum handshake_want why)
{
	if (why == WANT_LATE_RENEWAL) {
		if (st->has_renewed_late)
			return;
		st->has_renewed_late = true;
	}
	st->wants_handshake = true;
	st->n_retries = 0;
}

void
timers_path_found(struct timer_state *st, ns_t now)
{
	ns_t due_ns = now;
	if (st->handshake_sent_ns)
		due_ns = MAX_OF(now, st->handshake_sent_ns + PATH_FOUND_WAIT_NS);
	if (!st->retry_at_ns)
		st->n_retries = 0;
	if (!st->retry_at_ns || due_ns < st->retry_at_ns)
		st->retry_at_ns = due_ns;
}

void
timers_response_sent(struct timer_state *st, ns_t now)
{
	st->handshake_sent_ns = now;
}

void
timers_session_derived(const struct protocol_times *times, struct timer_state *st, ns_t now)
{
	st->wipe_at_ns = now + 3 * times->reject_after_ns;
}

void
timers_handshake_complete(struct timer_state *st, ns_t now)
{
	st->retry_at_ns = 0;
	st->n_retries = 0;
	st->wants_handshake = false;
	st->has_renewed_late = false;
	st->handshake_complete_ns = now;
}

void
timers_set_persistent(struct timer_state *st, ns_t interval_ns, ns_t now)
{
	if (st->persistent_ns == 0 && interval_ns != 0) {
		st->wants_persistent = true;
		st->persistent_since_ns = now;
	}
	st->persistent_ns = interval_ns;
}

void
timers_reset(struct timer_state *st)
{
	*st = (struct timer_state){
		.handshake_complete_ns = st->handshake_complete_ns,
		.persistent_ns = st->persistent_ns,
		.persistent_since_ns = st->persistent_since_ns,
		.wants_persistent = st->wants_persistent,
	};
}
