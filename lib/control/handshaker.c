/* SPDX-License-Identifier: BSD-3-Clause */
/* The handshake threads and the two queues between them and the control thread. */
#include "control/handshaker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/rcu.h"
#include "control/handshake.h"

#define IDLE_SLEEP_NS (400 * NS_IN_US)

int
handshaker_init(struct handshaker *h, struct tables *tables, struct mailboxes *boxes,
	struct peers *peers, struct err *err)
{
	memset(h, 0, sizeof(*h));
	h->tables = tables;
	h->boxes = boxes;
	h->peers = peers;
	h->turned_away = h->refused = h->not_sent = (struct log_limit)LOG_LIMIT_INIT;
	TAILQ_INIT(&h->wishes);
	TAILQ_INIT(&h->news);
	pthread_mutex_init(&h->queue_lock, NULL);
	pthread_mutex_init(&h->door_lock, NULL);
	if (ratelimit_init(&h->limiter, RATELIMIT_SETS_DEFAULT))
		return err_set(err, -ENOMEM, "no memory for the handshakes' rate limit");
	return 0;
}

void
handshaker_fini(struct handshaker *h)
{
	if (!h->tables)
		return;
	handshaker_stop(h);
	ratelimit_fini(&h->limiter);
	pthread_mutex_destroy(&h->queue_lock);
	pthread_mutex_destroy(&h->door_lock);
	h->tables = NULL;
}

/* ---- Queues ---- */

void
handshaker_wish(struct handshaker *h, struct control_peer *p)
{
	pthread_mutex_lock(&h->queue_lock);
	if (!p->is_wished)
		TAILQ_INSERT_TAIL(&h->wishes, p, in_wishes);
	p->is_wished = true;
	__atomic_store_n(&h->has_wishes, true, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&h->queue_lock);
}

static struct control_peer *
next_wish(struct handshaker *h)
{
	if (!__atomic_load_n(&h->has_wishes, __ATOMIC_ACQUIRE))
		return NULL;
	pthread_mutex_lock(&h->queue_lock);
	struct control_peer *p = TAILQ_FIRST(&h->wishes);
	if (p) {
		TAILQ_REMOVE(&h->wishes, p, in_wishes);
		p->is_wished = false;
	}
	__atomic_store_n(&h->has_wishes, !TAILQ_EMPTY(&h->wishes), __ATOMIC_RELAXED);
	pthread_mutex_unlock(&h->queue_lock);
	return p;
}

void
handshake_tell(struct handshaker *h, struct control_peer *p, unsigned bits)
{
	pthread_mutex_lock(&h->queue_lock);
	if (!p->news)
		TAILQ_INSERT_TAIL(&h->news, p, in_news);
	p->news |= bits;
	__atomic_store_n(&h->has_news, true, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&h->queue_lock);
}

struct control_peer *
handshaker_next_news(struct handshaker *h, unsigned *news)
{
	if (!__atomic_load_n(&h->has_news, __ATOMIC_ACQUIRE))
		return NULL;
	pthread_mutex_lock(&h->queue_lock);
	struct control_peer *p = TAILQ_FIRST(&h->news);
	if (p) {
		TAILQ_REMOVE(&h->news, p, in_news);
		*news = p->news;
		p->news = 0;
	}
	__atomic_store_n(&h->has_news, !TAILQ_EMPTY(&h->news), __ATOMIC_RELAXED);
	pthread_mutex_unlock(&h->queue_lock);
	return p;
}

void
handshaker_forget(struct handshaker *h, struct control_peer *p)
{
	pthread_mutex_lock(&h->queue_lock);
	if (p->is_wished)
		TAILQ_REMOVE(&h->wishes, p, in_wishes);
	if (p->news)
		TAILQ_REMOVE(&h->news, p, in_news);
	p->is_wished = false;
	p->news = 0;
	pthread_mutex_unlock(&h->queue_lock);
}

/* ---- Threads ---- */

/* The read lock is taken for each handshake anew, so that control never waits for more than one. */
static bool
serve_wish(struct handshaker *h, const struct handshake_time *t)
{
	peers_lock_read(h->peers);
	struct control_peer *p = next_wish(h);
	if (p)
		handshake_initiate(h, p, t);
	peers_unlock(h->peers);
	return p;
}

unsigned
handshaker_turn(struct handshaker *h, const struct handshake_time *t)
{
	struct wire_mail mails[HANDSHAKER_BATCH];
	unsigned n_wishes = 0;
	door_look_at_load(h, t->now);
	unsigned n = mailbox_take(h->boxes->wire_cookied, mails, HANDSHAKER_BATCH);
	n += mailbox_take(h->boxes->wire, mails + n, HANDSHAKER_BATCH - n);
	for (unsigned i = 0; i < n; i++) {
		peers_lock_read(h->peers);
		handshake_receive(h, &mails[i], t);
		peers_unlock(h->peers);
	}
	while (n_wishes < HANDSHAKER_BATCH && __atomic_load_n(&h->has_wishes, __ATOMIC_RELAXED) &&
		serve_wish(h, t))
		n_wishes++;
	return n + n_wishes;
}

static void *
run(void *arg)
{
	struct handshaker *h = arg;
	const struct timespec nap = {.tv_nsec = IDLE_SLEEP_NS};
	uint64_t *turns = &h->n_turns[__atomic_fetch_add(&h->n_running, 1, __ATOMIC_RELAXED)];
	rcu_reader_register();
	while (!__atomic_load_n(&h->is_stopping, __ATOMIC_RELAXED)) {
		__atomic_store_n(turns, *turns + 1, __ATOMIC_RELAXED);
		struct handshake_time t = {clock_boot_ns(), clock_wall()};
		unsigned n = handshaker_turn(h, &t);
		rcu_reader_quiescent();
		if (n)
			continue;
		rcu_reader_offline();
		nanosleep(&nap, NULL);
		rcu_reader_online();
	}
	rcu_reader_unregister();
	return NULL;
}

int
handshaker_start(struct handshaker *h, unsigned n, struct err *err)
{
	h->is_stopping = false;
	h->n_running = 0;
	n = n < 1 ? 1 : MIN_OF(n, HANDSHAKER_MAX_THREADS);
	while (h->n_threads < n) {
		char name[16];
		int rc = pthread_create(&h->threads[h->n_threads], NULL, run, h);
		if (rc) {
			handshaker_stop(h);
			return err_set(err, -rc, "cannot start a handshake thread: %s",
				strerror(rc));
		}
		snprintf(name, sizeof(name), "hg-shake-%u", h->n_threads);
		pthread_setname_np(h->threads[h->n_threads++], name);
	}
	return 0;
}

void
handshaker_stop(struct handshaker *h)
{
	__atomic_store_n(&h->is_stopping, true, __ATOMIC_RELAXED);
	while (h->n_threads)
		pthread_join(h->threads[--h->n_threads], NULL);
}
