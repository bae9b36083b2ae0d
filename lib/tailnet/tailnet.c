/* SPDX-License-Identifier: BSD-3-Clause */
#include "tailnet/tailnet.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/secret.h"

enum {
	MAX_ENDPOINTS = 32,
	JOIN_S = 3,
};

struct tailnet {
	struct headscale_intent *intent;
	struct tailnet_state state; /* the thread's, once it runs */
	struct client *client;
	uv_loop_t loop;
	uv_async_t wake;
	uv_prepare_t turn;
	pthread_t thread;
	uint64_t n_turns;           /* relaxed */
	bool has_news;              /* relaxed: whether it is worth taking the lock */

	pthread_mutex_t lock;       /* guards what follows */
	struct tailnet_view *view;  /* not taken yet; NULL: none */
	struct tailnet_status status;
	struct key node_key;
	struct key disco_key;
	bool has_node_key;
	struct own_endpoint endpoints[MAX_ENDPOINTS];
	size_t n_endpoints;
	struct headscale_intent *changed; /* to take intent's place; NULL: nothing new */
	enum tailnet_wish wish;
	bool is_stopping;
};

const char *
tailnet_phase_name(enum tailnet_phase phase)
{
	static const char *const names[TAILNET_N_PHASES] = {
		[TAILNET_STARTING] = "starting",
		[TAILNET_CONNECTING] = "connecting",
		[TAILNET_NEEDS_LOGIN] = "needs login",
		[TAILNET_REFUSED] = "refused",
		[TAILNET_RUNNING] = "running",
		[TAILNET_DOWN] = "down",
		[TAILNET_LOGGED_OUT] = "logged out",
	};
	return (unsigned)phase < TAILNET_N_PHASES ? names[phase] : "?";
}

/* ---- On the thread ---- */

static void
on_view(void *ctx, struct tailnet_view *view)
{
	struct tailnet *t = ctx;
	pthread_mutex_lock(&t->lock);
	struct tailnet_view *old = t->view;
	t->view = view;
	pthread_mutex_unlock(&t->lock);
	__atomic_store_n(&t->has_news, true, __ATOMIC_RELAXED);
	view_destroy(old); /* which nobody came for */
}

static void
on_status(void *ctx, const struct tailnet_status *status)
{
	struct tailnet *t = ctx;
	pthread_mutex_lock(&t->lock);
	t->status = *status;
	pthread_mutex_unlock(&t->lock);
}

static void
on_node_key(void *ctx)
{
	struct tailnet *t = ctx;
	pthread_mutex_lock(&t->lock);
	t->node_key = t->state.node_private;
	t->has_node_key = true;
	pthread_mutex_unlock(&t->lock);
	__atomic_store_n(&t->has_news, true, __ATOMIC_RELAXED);
}

static void
on_disco_key(void *ctx, const struct key *disco_private)
{
	struct tailnet *t = ctx;
	pthread_mutex_lock(&t->lock);
	t->disco_key = *disco_private;
	pthread_mutex_unlock(&t->lock);
	__atomic_store_n(&t->has_news, true, __ATOMIC_RELAXED);
}

static void
on_stopped(void *ctx)
{
	struct tailnet *t = ctx;
	uv_close((uv_handle_t *)&t->wake, NULL);
	uv_close((uv_handle_t *)&t->turn, NULL);
}

static void
on_wake(uv_async_t *wake)
{
	struct tailnet *t = wake->data;
	struct own_endpoint endpoints[MAX_ENDPOINTS];
	pthread_mutex_lock(&t->lock);
	size_t n = t->n_endpoints;
	bool is_stopping = t->is_stopping;
	enum tailnet_wish wish = t->wish;
	struct headscale_intent *changed = t->changed;
	t->changed = NULL;
	memcpy(endpoints, t->endpoints, n * sizeof(*endpoints));
	pthread_mutex_unlock(&t->lock);
	if (changed) {
		/* In its place, for the client holds on to parts of it. */
		headscale_intent_swap(t->intent, changed);
		headscale_intent_destroy(changed);
	}
	if (is_stopping) {
		client_stop(t->client);
		return;
	}
	if (changed)
		client_changed(t->client);
	client_set_endpoints(t->client, endpoints, n);
	client_wish(t->client, wish);
}

static void
on_turn(uv_prepare_t *turn)
{
	struct tailnet *t = turn->data;
	__atomic_fetch_add(&t->n_turns, 1, __ATOMIC_RELAXED);
}

static void *
run(void *arg)
{
	struct tailnet *t = arg;
	uv_run(&t->loop, UV_RUN_DEFAULT);
	return NULL;
}

/* ---- Making ---- */

static void
destroy(struct tailnet *t)
{
	client_destroy(t->client);
	view_destroy(t->view);
	headscale_intent_destroy(t->intent);
	headscale_intent_destroy(t->changed);
	pthread_mutex_destroy(&t->lock);
	secret_wipe(t, sizeof(*t));
	free(t);
}

/* Signals are the control thread's. */
static int
start_thread(struct tailnet *t)
{
	sigset_t all, was;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	int rc = -pthread_create(&t->thread, NULL, run, t);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (!rc)
		pthread_setname_np(t->thread, "hg-tailnet");
	return rc;
}

static int
make_loop(struct tailnet *t, const struct tailnet_config *config, struct err *err)
{
	const struct client_config cc = {
		.loop = &t->loop,
		.intent = t->intent,
		.state_path = t->intent->state_file,
		.state = &t->state,
		.times = config->times,
		.has_own_node_key = config->has_own_node_key,
		.ctx = t,
		.on_view = on_view,
		.on_status = on_status,
		.on_node_key = on_node_key,
		.on_disco_key = on_disco_key,
		.on_stopped = on_stopped,
	};
	t->client = client_create(&cc, err);
	if (!t->client)
		return -ENOMEM;
	uv_async_init(&t->loop, &t->wake, on_wake);
	uv_prepare_init(&t->loop, &t->turn);
	t->wake.data = t->turn.data = t;
	uv_prepare_start(&t->turn, on_turn);
	return 0;
}

int
tailnet_start(const struct tailnet_config *config, struct tailnet **out, struct err *err)
{
	struct tailnet *t = calloc(1, sizeof(*t));
	*out = NULL;
	if (!t || !(t->intent = headscale_intent_copy(config->intent))) {
		free(t);
		return err_set(err, -ENOMEM, "no memory for the tailnet");
	}
	t->state = *config->state;
	pthread_mutex_init(&t->lock, NULL);
	int rc = uv_loop_init(&t->loop);
	if (rc)
		err_set(err, rc, "cannot make the tailnet's event loop: %s", uv_strerror(rc));
	if (!rc && (rc = make_loop(t, config, err)))
		uv_loop_close(&t->loop);
	if (!rc && (rc = start_thread(t))) {
		err_set(err, rc, "cannot start the tailnet's thread: %s", strerror(-rc));
		client_stop(t->client);
		uv_run(&t->loop, UV_RUN_DEFAULT);
		uv_loop_close(&t->loop);
	}
	if (rc) {
		destroy(t);
		return rc;
	}
	*out = t;
	return 0;
}

int
tailnet_change(struct tailnet *t, const struct headscale_intent *intent, struct err *err)
{
	struct headscale_intent *copy = headscale_intent_copy(intent);
	if (!copy)
		return err_set(err, -ENOMEM, "no memory for what is new of the tailnet");
	pthread_mutex_lock(&t->lock);
	headscale_intent_destroy(t->changed);
	t->changed = copy;
	pthread_mutex_unlock(&t->lock);
	uv_async_send(&t->wake);
	return 0;
}

static bool
join_soon(pthread_t thread)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += JOIN_S;
	return pthread_timedjoin_np(thread, NULL, &until) == 0;
}

void
tailnet_stop(struct tailnet *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->is_stopping = true;
	pthread_mutex_unlock(&t->lock);
	uv_async_send(&t->wake);
	if (!join_soon(t->thread)) {
		/* A name is being looked up, and nothing ends that. The thread ends when it has. */
		log_warn("tailnet: its thread does not end yet, and is left alone");
		pthread_detach(t->thread);
		return;
	}
	if (uv_loop_close(&t->loop))
		log_error("tailnet: its loop has handles left");
	destroy(t);
}

/* ---- For the control thread ---- */

void
tailnet_set_endpoints(struct tailnet *t, const struct own_endpoint *endpoints, size_t n)
{
	bool is_same = true;
	n = MIN_OF(n, MAX_ENDPOINTS);
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < n && n == t->n_endpoints && is_same; i++)
		is_same = own_endpoint_is_equal(&t->endpoints[i], &endpoints[i]);
	is_same = is_same && n == t->n_endpoints;
	memcpy(t->endpoints, endpoints, n * sizeof(*endpoints));
	t->n_endpoints = n;
	pthread_mutex_unlock(&t->lock);
	if (!is_same)
		uv_async_send(&t->wake);
}

bool
tailnet_has_news(struct tailnet *t)
{
	return __atomic_load_n(&t->has_news, __ATOMIC_RELAXED) &&
		__atomic_exchange_n(&t->has_news, false, __ATOMIC_RELAXED);
}

void
tailnet_wish(struct tailnet *t, enum tailnet_wish wish)
{
	pthread_mutex_lock(&t->lock);
	t->wish = wish;
	pthread_mutex_unlock(&t->lock);
	uv_async_send(&t->wake);
}

struct tailnet_view *
tailnet_take_view(struct tailnet *t)
{
	struct tailnet_view *view;
	pthread_mutex_lock(&t->lock);
	view = t->view;
	t->view = NULL;
	pthread_mutex_unlock(&t->lock);
	return view;
}

bool
tailnet_take_node_key(struct tailnet *t, struct key *out)
{
	pthread_mutex_lock(&t->lock);
	bool has = t->has_node_key;
	if (has)
		*out = t->node_key;
	t->has_node_key = false;
	pthread_mutex_unlock(&t->lock);
	return has;
}

void
tailnet_disco_key(struct tailnet *t, struct key *out)
{
	pthread_mutex_lock(&t->lock);
	*out = t->disco_key;
	pthread_mutex_unlock(&t->lock);
}

struct tailnet_status
tailnet_status_of(struct tailnet *t)
{
	pthread_mutex_lock(&t->lock);
	struct tailnet_status s = t->status;
	pthread_mutex_unlock(&t->lock);
	return s;
}

uint64_t
tailnet_turns(const struct tailnet *t)
{
	return __atomic_load_n(&t->n_turns, __ATOMIC_RELAXED);
}
