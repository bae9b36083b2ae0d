/* SPDX-License-Identifier: BSD-3-Clause */
#include "path/worker.h"

#include <errno.h>
#include <rte_ethdev.h>
#include <rte_pause.h>
#include <rte_ring.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/secret.h"
#include "path/snat.h"
#include "path/watched.h"

enum {
	IDLE_SPINS = 8,            /* empty turns before a worker that may sleep does */
	TIMER_SLACK_NS = 1000,  /* the kernel's own is 50 us, a quarter of the shortest sleep */
	IDLE_SLEEP_MIN_NS = 200000, /* shorter ones cost more, in timers, than they gain */
	IDLE_SLEEP_MAX_NS = 400000,
};

struct worker *
worker_create(struct path_config *config, unsigned idx, struct err *err)
{
	struct worker *w = aligned_alloc(CACHE_LINE_BYTES,
		(sizeof(*w) + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES);
	if (!w) {
		err_set(err, -ENOMEM, "no memory for worker %u", idx);
		return NULL;
	}
	memset(w, 0, sizeof(*w));
	w->config = config;
	w->tables = config->tables;
	w->idx = (uint16_t)idx;
	drops_init(w);
	answer_init(&w->answers);
	if (aead_create(&w->aead, config->crypto, err)) {
		free(w);
		return NULL;
	}
	/* Fewer spares, or none, only mean that control renews outer headers a little later. */
	for (unsigned i = 0; i < WORKER_SPARES; i++) {
		struct encap *e = tables_encap_alloc();
		if (e)
			w->spares[w->n_spares++] = e;
	}
	return w;
}

void
worker_destroy(struct worker *w)
{
	if (!w)
		return;
	park_fini(&w->park);
	again_fini(&w->again);
	while (w->n_spares)
		free(w->spares[--w->n_spares]);
	aead_destroy(&w->aead);
	secret_wipe(w, sizeof(*w));
	free(w);
}

static void
orders_discard(struct mailbox *box)
{
	struct order_mail order;
	while (mailbox_take(box, &order, 1)) {
		if (order.kind == ORDER_ENCAP_SPARE)
			free(order.encap);
	}
}

void
worker_mail_discard(struct path_config *config)
{
	struct event_mail event;
	while (mailbox_take(config->boxes->events, &event, 1)) {
		if (event.kind == EVENT_ENCAP_REPLACED)
			free(event.encap);
	}
	for (unsigned i = 0; i < config->n_workers; i++)
		orders_discard(config->boxes->orders[i]);
}

bool
event_put(struct worker *w, enum event_kind kind, uint32_t peer_id)
{
	struct event_mail mail = {.kind = kind, .peer_id = peer_id, .worker = w->idx};
	return mailbox_put(w->config->boxes->events, &mail);
}

bool
event_put_once(struct worker *w, bool *is_told, const struct event_mail *mail)
{
	if (__atomic_load_n(is_told, __ATOMIC_RELAXED) ||
		__atomic_exchange_n(is_told, true, __ATOMIC_ACQ_REL))
		return true;
	if (mailbox_put(w->config->boxes->events, mail))
		return true;
	__atomic_store_n(is_told, false, __ATOMIC_RELEASE);
	return false;
}

void
activity_tell(struct worker *w, const struct packet *p)
{
	const struct event_mail mail = {
		.kind = EVENT_ACTIVITY,
		.peer_id = p->peer_id,
		.worker = w->idx,
	};
	(void)event_put_once(w, &p->peer->is_armed, &mail);
}

void
worker_begin(struct worker *w)
{
	struct burst *b = &w->burst;
	w->now_ns = clock_boot_ns();
	burst_clear(b);
	orders_burst(w, b);
	if (unlikely_true(w->again.n))
		again_release(w, b);
	if (unlikely_true(w->park.used))
		park_release(w, b);
	b->n_ready = b->n_handed = b->n;
}

/*
 * The turn itself. It is compiled twice: for those who look (v), and without a trace of them, for
 * v is a constant there.
 */
static inline __attribute__((always_inline)) void
process(struct worker *w, struct watched *v)
{
	struct burst *b = &w->burst;
	classify_burst(w, b);
	watched_after(v, STAGE_CLASSIFY);
	sessions_burst(w, b);
	watched_after(v, STAGE_SESSIONS);
	open_burst(w, b);
	watched_after(v, STAGE_OPEN);
	verify_burst(w, b);
	watched_after(v, STAGE_VERIFY);
	if (unlikely_true(w->nat != NULL)) {
		snat_incoming(w, b);
		watched_after(v, STAGE_NAT);
	}
	route_look(w, b);
	if (unlikely_true(w->filter != NULL)) {
		filter_opened(w, b);
		watched_after(v, STAGE_FILTER);
		filter_look_plain(w, b);
	}
	route_burst(w, b);
	watched_after(v, STAGE_ROUTE);
	if (unlikely_true(w->nat != NULL)) {
		snat_note_direct(w, b);
		watched_after(v, STAGE_NAT);
	}
	peers_look(w, b);
	if (unlikely_true(w->filter != NULL)) {
		filter_plain(w, b);
		watched_after(v, STAGE_FILTER);
	}
	peers_burst(w, b);
	watched_after(v, STAGE_PEERS);
	seal_burst(w, b);
	watched_after(v, STAGE_SEAL);
	encap_burst(w, b);
	watched_after(v, STAGE_ENCAP);
	finish_burst(w, b);
}

static __attribute__((noinline)) void
process_watched(struct worker *w, const struct watch_set *set)
{
	struct watched v;
	watched_begin(&v, w, set);
	process(w, &v);
	watched_end(&v);
}

void
worker_process(struct worker *w)
{
	const struct watch_set *set = rcu_read(w->tables->watches);
	w->filter = rcu_read(w->tables->filter);
	w->nat = rcu_read(w->tables->nat);
	if (unlikely_true(set != NULL))
		process_watched(w, set);
	else
		process(w, NULL);
}

unsigned
worker_turn(struct worker *w)
{
	struct burst *b = &w->burst;
	worker_begin(w);
	if (likely_true(!b->is_closed))
		rx_burst(w, b);
	if (b->n) {
		worker_process(w);
		tx_flush(w);
	}
	counter_add(&w->n_turns, 1);
	counter_add(&w->n_busy_turns, b->n != 0);
	return b->n;
}

/*
 * A short sleep is no trouble for the quiescence of others: it is far shorter than a grace
 * period under load. It grows with the silence.
 */
static void
idle(unsigned n_empty)
{
	if (n_empty < IDLE_SPINS) {
		rte_pause();
		return;
	}
	long ns = IDLE_SLEEP_MIN_NS * (1l + (n_empty - IDLE_SPINS) / 8);
	struct timespec t = {.tv_nsec = ns < IDLE_SLEEP_MAX_NS ? ns : IDLE_SLEEP_MAX_NS};
	nanosleep(&t, NULL);
}

void
worker_run(struct worker *w, const bool *stop)
{
	unsigned n_empty = 0;
	(void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
	rcu_reader_register();
	while (!__atomic_load_n(stop, __ATOMIC_ACQUIRE)) {
		n_empty = worker_turn(w) ? 0 : n_empty + 1;
		rcu_reader_quiescent();
		if (n_empty && w->config->idle_sleeps)
			idle(n_empty);
	}
	rcu_reader_unregister();
}
