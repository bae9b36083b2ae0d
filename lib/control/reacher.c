/* SPDX-License-Identifier: BSD-3-Clause */
/* The thread that looks for paths, who is in its directory, and its lock. */
#include "control/reacher.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/rcu.h"
#include "base/secret.h"
#include "control/reacher_inner.h"
#include "crypto/x25519.h"

#define IDLE_SLEEP_NS (400 * NS_IN_US)

void
reacher_init(struct reacher *r, struct tables *tables, struct mailboxes *boxes, ns_t now)
{
	memset(r, 0, sizeof(*r));
	r->tables = tables;
	r->boxes = boxes;
	pthread_mutex_init(&r->lock, NULL);
	hash_init(&r->by_id);
	hash_init(&r->by_disco);
	wheel_init(&r->wheel, now);
}

void
reacher_fini(struct reacher *r)
{
	if (!r->tables)
		return;
	reacher_stop(r);
	hash_fini(&r->by_id);
	hash_fini(&r->by_disco);
	pthread_mutex_destroy(&r->lock);
	r->tables = NULL;
}

/* ---- The lock ---- */

/* A mutex is not fair: the thread sees here that somebody waits, and lets him pass. */
static void
lock_as_asker(struct reacher *r)
{
	__atomic_fetch_add(&r->n_askers, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&r->lock);
	__atomic_fetch_sub(&r->n_askers, 1, __ATOMIC_RELAXED);
}

static void
lock_as_thread(struct reacher *r)
{
	for (unsigned i = 0; i < 64 && __atomic_load_n(&r->n_askers, __ATOMIC_RELAXED); i++)
		sched_yield();
	pthread_mutex_lock(&r->lock);
}

static void
unlock(struct reacher *r)
{
	pthread_mutex_unlock(&r->lock);
}

/* ---- The directory ---- */

struct reach_peer *
reach_peer_by_id(const struct reacher *r, uint32_t peer_id)
{
	uint64_t hash = hash_of(&r->by_id, &peer_id, sizeof(peer_id));
	for (struct hash_link *l = hash_first(&r->by_id, hash); l; l = hash_next(l)) {
		struct reach_peer *p = CONTAINER_OF(l, struct reach_peer, by_id);
		if (p->peer_id == peer_id)
			return p;
	}
	return NULL;
}

static void
remove_peer(struct reacher *r, struct reach_peer *p)
{
	hash_remove(&r->by_id, &p->by_id);
	hash_remove(&r->by_disco, &p->by_disco);
	reach_peer_destroy(r, p);
}

static int
add_peer(struct reacher *r, struct reach_peer *p)
{
	uint64_t disco = hash_of(&r->by_disco, &p->node->disco, sizeof(p->node->disco));
	int rc = hash_add(&r->by_id, &p->by_id,
		hash_of(&r->by_id, &p->peer_id, sizeof(p->peer_id)));
	if (!rc && (rc = hash_add(&r->by_disco, &p->by_disco, disco)))
		hash_remove(&r->by_id, &p->by_id);
	return rc;
}

/* Nodes that do no disco are where their endpoint or their packets say. */
static bool
speaks_disco(const struct tailnet_node *n)
{
	return !n->is_wireguard_only && !key_is_zero(&n->disco);
}

static int
put(struct reacher *r, uint32_t peer_id, struct tailnet_node *node)
{
	struct reach_peer *p = reach_peer_by_id(r, peer_id);
	if (p && key_is_equal(&p->node->disco, &node->disco) && speaks_disco(node)) {
		reach_peer_renew(r, p, node);
		return 0;
	}
	bool was_known = p;
	if (p)
		remove_peer(r, p);
	if (!speaks_disco(node))
		return was_known;
	p = reach_peer_create(r, peer_id, node);
	if (p && add_peer(r, p)) {
		reach_peer_destroy(r, p);
		p = NULL;
	}
	return p ? was_known : -ENOMEM;
}

int
reacher_put(struct reacher *r, uint32_t peer_id, struct tailnet_node *node)
{
	lock_as_asker(r);
	int rc = put(r, peer_id, node);
	unlock(r);
	return rc;
}

void
reacher_forget(struct reacher *r, uint32_t peer_id)
{
	if (!r->by_id.n)
		return;
	lock_as_asker(r);
	struct reach_peer *p = reach_peer_by_id(r, peer_id);
	if (p)
		remove_peer(r, p);
	unlock(r);
}

void
reacher_stir(struct reacher *r, uint32_t peer_id)
{
	lock_as_asker(r);
	struct reach_peer *p = reach_peer_by_id(r, peer_id);
	if (p)
		reach_peer_stir(r, p, clock_boot_ns());
	unlock(r);
}

void
reacher_ping(struct reacher *r, uint32_t peer_id)
{
	lock_as_asker(r);
	struct reach_peer *p = reach_peer_by_id(r, peer_id);
	if (p)
		reach_peer_ping(r, p, clock_boot_ns());
	unlock(r);
}

bool
reacher_look(struct reacher *r, uint32_t peer_id, struct reacher_view *out)
{
	memset(out, 0, sizeof(*out));
	lock_as_asker(r);
	const struct reach_peer *p = reach_peer_by_id(r, peer_id);
	if (p)
		reach_peer_look(p, out, clock_boot_ns());
	unlock(r);
	return p;
}

const char *
reacher_why(const struct reacher_view *v, char out[REACHER_WHY_BYTES])
{
	char text[ENDPOINT_TEXT_BYTES];
	out[0] = 0;
	if (v->has_path && (v->is_trusted || !v->is_active))
		return out;
	if (v->has_path)
		snprintf(out, REACHER_WHY_BYTES, "it no longer answers at %s",
			endpoint_format(&v->via, text));
	else if (!v->was_sought)
		snprintf(out, REACHER_WHY_BYTES, "nothing was sent to it yet");
	else if (!v->n_candidates)
		snprintf(out, REACHER_WHY_BYTES, "the server knows no address of it");
	else
		snprintf(out, REACHER_WHY_BYTES, "it answers at none of its %u addresses: is UDP "
			"let through?", v->n_candidates);
	return out;
}

static void
set_self(struct reacher *r, const struct reacher_self *self)
{
	bool is_same = key_is_equal(&r->self.disco_private, &self->disco_private);
	r->self = *self;
	if (is_same)
		return;
	x25519_public(r->disco_public.bytes, self->disco_private.bytes);
	for (size_t i = 0; i < r->by_id.n_buckets; i++) {
		for (struct hash_link *l = r->by_id.buckets[i]; l; l = l->next)
			reach_peer_rekey(r, CONTAINER_OF(l, struct reach_peer, by_id));
	}
}

void
reacher_set_self(struct reacher *r, const struct reacher_self *self)
{
	lock_as_asker(r);
	set_self(r, self);
	unlock(r);
}

static void
forget_all(struct reacher *r)
{
	for (size_t i = 0; i < r->by_id.n_buckets; i++) {
		while (r->by_id.buckets[i])
			remove_peer(r, CONTAINER_OF(r->by_id.buckets[i], struct reach_peer, by_id));
	}
	secret_wipe(&r->self, sizeof(r->self));
}

void
reacher_check_begin(struct reacher *r, const struct netcheck_target *targets, size_t n)
{
	lock_as_asker(r);
	netcheck_begin(&r->check, targets, n, clock_boot_ns());
	r->check_next_ns = r->check.begun_ns;
	unlock(r);
}

void
reacher_check_report(struct reacher *r, struct netcheck_report *out)
{
	lock_as_asker(r);
	netcheck_report(&r->check, clock_boot_ns(), out);
	unlock(r);
}

/* ---- The thread ---- */

unsigned
reacher_turn(struct reacher *r, ns_t now)
{
	struct reach_mail mails[REACHER_BATCH];
	unsigned n = mailbox_take(r->boxes->reach, mails, REACHER_BATCH), n_due = 0;
	lock_as_thread(r);
	for (unsigned i = 0; i < n; i++)
		reach_receive(r, &mails[i], now);
	if (r->check_next_ns && now >= r->check_next_ns)
		reach_check_run(r, now);
	wheel_turn(&r->wheel, now);
	struct wheel_timer *due;
	while (n_due < REACHER_BATCH && (due = wheel_pop(&r->wheel))) {
		reach_peer_run(r, CONTAINER_OF(due, struct reach_peer, timer), now);
		n_due++;
	}
	unlock(r);
	return n + n_due;
}

static void *
run(void *arg)
{
	struct reacher *r = arg;
	const struct timespec nap = {.tv_nsec = IDLE_SLEEP_NS};
	rcu_reader_register();
	while (!__atomic_load_n(&r->is_stopping, __ATOMIC_RELAXED)) {
		__atomic_fetch_add(&r->n_turns, 1, __ATOMIC_RELAXED);
		unsigned n = reacher_turn(r, clock_boot_ns());
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
reacher_start(struct reacher *r, const struct reacher_self *self, struct err *err)
{
	sigset_t all, was;
	set_self(r, self);
	r->is_stopping = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	int rc = pthread_create(&r->thread, NULL, run, r);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (rc)
		return err_set(err, -rc, "cannot start the thread that looks for paths: %s",
			strerror(rc));
	pthread_setname_np(r->thread, "hg-reach");
	r->is_running = true;
	return 0;
}

void
reacher_stop(struct reacher *r)
{
	if (r->is_running) {
		__atomic_store_n(&r->is_stopping, true, __ATOMIC_RELAXED);
		pthread_join(r->thread, NULL);
	}
	r->is_running = false;
	forget_all(r);
}
