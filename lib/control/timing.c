/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/timing.h"

#include <sodium/randombytes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "peer/activity.h"

/* Actions that follow from actions; a peer that still wants more is asked again a tick later. */
enum { MAX_ROUNDS = 4 };

/* A worker's look at the clock may be this much later than ours. */
#define WORKER_AHEAD_NS NS_IN_S

void
timing_init(struct timing *t, struct tables *tables, struct mailboxes *boxes,
	struct handshaker *handshaker, ns_t now)
{
	t->tables = tables;
	t->boxes = boxes;
	t->peers = handshaker->peers;
	t->handshaker = handshaker;
	t->times = tables->times;
	wheel_init(&t->wheel, now);
}

static ns_t
draw_jitter(const struct protocol_times *times)
{
	uint32_t below = (uint32_t)MIN_OF(times->rekey_jitter_ns, UINT32_MAX - 1) + 1;
	return randombytes_uniform(below);
}

/* ---- Actions ---- */

static void
order_all(struct timing *t, const struct control_peer *p, enum order_kind kind)
{
	struct order_mail order = {.kind = kind, .peer_id = p->peer_id, .iface_id = p->iface_id};
	for (unsigned i = 0; i < t->boxes->n_workers; i++)
		mailbox_put(t->boxes->orders[i], &order);
}

/* The source address may have become a dead end: let the route choose it anew. */
static void
forget_source(struct timing *t, const struct control_peer *p)
{
	const struct peer_entry *e = tables_peer(t->tables, p->peer_id);
	bool is_pinned = __atomic_load_n(&e->is_pinned, __ATOMIC_RELAXED);
	(void)tables_encap_refresh(t->tables, p->peer_id, is_pinned);
}

static bool
has_usable_session(struct timing *t, const struct control_peer *p, ns_t now)
{
	struct session_info info;
	tables_session_info(t->tables, p->peer_id, &info);
	return info.has_current &&
		!session_has_expired(info.birth_ns, now, t->times->reject_after_ns);
}

static void
send_keepalive(struct timing *t, struct control_peer *p, ns_t now)
{
	struct order_mail order = {
		.kind = ORDER_KEEPALIVE,
		.peer_id = p->peer_id,
		.iface_id = p->iface_id,
	};
	if (has_usable_session(t, p, now))
		mailbox_put(t->boxes->orders[0], &order);
	else
		timers_want_handshake(&p->timers, WANT_NO_SESSION);
}

static void
wipe(struct timing *t, struct control_peer *p)
{
	pthread_mutex_lock(&p->lock);
	noise_remote_clear(&p->remote);
	tables_index_release(t->tables, p->peer_id);
	tables_sessions_wipe(t->tables, p->peer_id);
	pthread_mutex_unlock(&p->lock);
}

static void
tell_unanswered(struct timing *t, struct control_peer *p, bool is_given_up)
{
	if (t->unanswered)
		t->unanswered(t->ctx, p, is_given_up);
}

static void
act(struct timing *t, struct control_peer *p, const struct timer_action *a, ns_t now)
{
	struct peer_activity *activity = &tables_peer(t->tables, p->peer_id)->activity;
	activity_disarm(&activity->tx_unanswered_ns, a->tx_fired_ns);
	activity_disarm(&activity->rx_unanswered_ns, a->rx_fired_ns);
	if (a->what & TIMER_WIPE) {
		log_debug("%s: no new session for long: its keys are wiped", p->label);
		wipe(t, p);
	}
	if (a->what & TIMER_FORGET_SOURCE)
		forget_source(t, p);
	if (a->what & TIMER_SEND_INITIATION) {
		if (a->n_retries) {
			log_debug("%s: handshake unanswered, try %u", p->label, a->n_retries + 1);
			tell_unanswered(t, p, false);
		}
		handshaker_wish(t->handshaker, p);
	}
	if (a->what & TIMER_SEND_KEEPALIVE)
		send_keepalive(t, p, now);
	if (a->what & TIMER_GIVE_UP) {
		log_debug("%s: handshake given up, no answer", p->label);
		order_all(t, p, ORDER_PARKED_DROP);
		tell_unanswered(t, p, true);
	}
}

/* ---- One peer ---- */

static bool
stamps_differ(const struct peer_activity *activity, uint64_t tx_ns, uint64_t rx_ns)
{
	uint64_t tx_now = activity_load(&activity->tx_unanswered_ns);
	uint64_t rx_now = activity_load(&activity->rx_unanswered_ns);
	return (tx_now && tx_now != tx_ns) || (rx_now && rx_now != rx_ns);
}

/*
 * Sets the wheel and says to workers whether they need to tell of activity. False: a worker's
 * stamp came between the question and the answer, so it may have kept silent: ask again.
 */
static bool
settle(struct timing *t, struct control_peer *p, const struct timer_action *a,
	const uint64_t seen[2])
{
	struct peer_entry *e = tables_peer(t->tables, p->peer_id);
	if (a->next_ns)
		wheel_set(&t->wheel, &p->timer, a->next_ns);
	else
		wheel_clear(&t->wheel, &p->timer);
	/* The exchange is a full barrier: the stamps below are read after the flag was written. */
	(void)__atomic_exchange_n(&e->is_armed, a->covers_activity, __ATOMIC_SEQ_CST);
	return a->covers_activity || !stamps_differ(&e->activity, seen[0], seen[1]);
}

void
timing_run(struct timing *t, struct control_peer *p, ns_t now)
{
	struct peer_activity *activity = &tables_peer(t->tables, p->peer_id)->activity;
	bool is_settled = false;
	for (unsigned round = 0; round < MAX_ROUNDS && !is_settled; round++) {
		uint64_t seen[2] = {
			activity_load(&activity->tx_unanswered_ns),
			activity_load(&activity->rx_unanswered_ns),
		};
		struct timer_action a =
			timers_next(t->times, activity, &p->timers, now, draw_jitter(t->times));
		act(t, p, &a, now);
		is_settled = settle(t, p, &a, seen) && !a.what;
	}
	if (!is_settled)
		wheel_set(&t->wheel, &p->timer, now + 1);
}

void
timing_reset(struct timing *t, struct control_peer *p)
{
	wipe(t, p);
	timers_reset(&p->timers);
}

void
timing_forget(struct timing *t, struct control_peer *p)
{
	wheel_clear(&t->wheel, &p->timer);
}

/* ---- What leads here ---- */

static void
complete(struct timing *t, struct control_peer *p, ns_t now)
{
	timers_handshake_complete(&p->timers, now);
	p->last_handshake = clock_wall();
	log_debug("%s: session is up", p->label);
}

static void
take_news(struct timing *t, struct control_peer *p, unsigned news, ns_t now)
{
	if (news & NEWS_RESPONDED)
		timers_response_sent(&p->timers, now);
	timers_session_derived(t->times, &p->timers, now);
	if (news & NEWS_COMPLETED)
		complete(t, p, now);
	timing_run(t, p, now);
}

void
timing_turn(struct timing *t, ns_t now)
{
	struct control_peer *p;
	unsigned news;
	while ((p = handshaker_next_news(t->handshaker, &news)))
		take_news(t, p, news, now);
	wheel_turn(&t->wheel, now);
	struct wheel_timer *due;
	/* What is due again at once goes into a later tick, so this ends. */
	while ((due = wheel_pop(&t->wheel)))
		timing_run(t, CONTAINER_OF(due, struct control_peer, timer), now);
}

static void
confirmed(struct timing *t, struct control_peer *p, uint32_t index, ns_t now)
{
	if (tables_session_confirm(t->tables, index))
		return; /* told twice, or replaced meanwhile */
	complete(t, p, now);
	order_all(t, p, ORDER_SESSION_READY);
	timing_run(t, p, now);
}

static void
roamed(struct timing *t, struct control_peer *p, const struct mail_path *path)
{
	char text[ENDPOINT_TEXT_BYTES];
	if (!tables_encap_roam(t->tables, p->peer_id, &path->remote, &path->local))
		log_debug("%s: speaks from %s now", p->label,
			endpoint_format(&path->remote, text));
}

/* A worker made a peer's outer header anew and used up one of its spares. */
static void
encap_replaced(struct timing *t, const struct event_mail *ev)
{
	struct order_mail order = {.kind = ORDER_ENCAP_SPARE, .encap = tables_encap_alloc()};
	tables_encap_retire(t->tables, ev->encap);
	if (order.encap && !mailbox_put(t->boxes->orders[ev->worker], &order))
		free(order.encap);
}

/*
 * A worker asks by what it held then. A session that was confirmed meanwhile, or that it did not
 * look at since it was opening with the one before, serves as well: a stock peer would not start
 * another handshake either.
 */
static bool
needs_handshake(struct timing *t, const struct control_peer *p, ns_t now)
{
	struct session_info info;
	ns_t latest = now + WORKER_AHEAD_NS;
	tables_session_info(t->tables, p->peer_id, &info);
	return !info.has_current ||
		session_has_expired(info.birth_ns, latest, t->times->reject_after_ns) ||
		timers_wants_renewal_tx(t->times, info.birth_ns, info.send_counter,
			info.is_initiator, latest);
}

static void
handshake_wanted(struct timing *t, struct control_peer *p, ns_t now)
{
	if (!needs_handshake(t, p, now))
		return;
	timers_want_handshake(&p->timers, WANT_RENEWAL);
	timing_run(t, p, now);
}

/* Disco has found a way: what waits for a session need not wait for the next try. */
static void
path_found(struct timing *t, struct control_peer *p, ns_t now)
{
	if (has_usable_session(t, p, now))
		return;
	timers_path_found(&p->timers, now);
	timing_run(t, p, now);
}

static void
tell_stirred(struct timing *t, const struct control_peer *p)
{
	if (t->stirred)
		t->stirred(t->ctx, p);
}

void
timing_event(struct timing *t, const struct event_mail *ev, ns_t now)
{
	uint32_t peer_id = ev->peer_id;
	if (ev->kind == EVENT_ENCAP_REPLACED)
		encap_replaced(t, ev);
	if (ev->kind == EVENT_CONFIRMED)
		peer_id = tables_index_owner(t->tables, ev->local_index);
	struct control_peer *p = peers_by_id(t->peers, peer_id);
	if (!p)
		return; /* gone meanwhile */
	/* A told-flag is cleared before acting: told twice is harmless, told never is not. */
	struct peer_entry *e = tables_peer(t->tables, peer_id);
	switch (ev->kind) {
	case EVENT_HANDSHAKE_WANTED:
		__atomic_store_n(&e->handshake_is_wanted, false, __ATOMIC_RELAXED);
		tell_stirred(t, p);
		handshake_wanted(t, p, now);
		break;
	case EVENT_ACTIVITY:
		tell_stirred(t, p);
		timing_run(t, p, now);
		break;
	case EVENT_CONFIRMED:
		confirmed(t, p, ev->local_index, now);
		break;
	case EVENT_ROAMED:
		__atomic_store_n(&e->roam_is_told, false, __ATOMIC_RELAXED);
		/* The id may have passed to another peer since: the session tells. */
		if (tables_index_owner(t->tables, ev->local_index) == peer_id)
			roamed(t, p, &ev->path);
		break;
	case EVENT_PATH_FOUND:
		path_found(t, p, now);
		break;
	case EVENT_ENCAP_STALE:
		__atomic_store_n(&e->encap_stale_is_told, false, __ATOMIC_RELAXED);
		(void)tables_encap_refresh(t->tables, p->peer_id, true);
		break;
	default:
		break;
	}
}
