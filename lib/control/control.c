/* SPDX-License-Identifier: BSD-3-Clause */
/* The control side's life and its loop. */
#include "control/control.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "control/core.h"
#include "control/ifaces.h"
#include "control/membership.h"
#include "control/ports.h"
#include "control/pulse.h"
#include "control/reload.h"
#include "control/transition.h"

enum {
	TURN_MS = 1,
	TICK_MS = 1000,
	SYNC_MS = 5000,
	EVENTS_AT_ONCE = 64,
	EVENTS_A_TURN = 4096,
	CLOSE_TRIES = 500,
};

static const int signums[] = {SIGTERM, SIGINT, SIGHUP};

/* ---- What the loop does ---- */

static void
take_event(struct control *c, const struct event_mail *ev, ns_t now)
{
	if (ev->kind == EVENT_NEIGHBOUR_WANTED)
		routes_neighbour_wanted(c->routes, ev->link_id, &ev->path.remote.addr, now);
	else if (ev->kind == EVENT_PATH_MTU)
		path_mtus_learn(&c->path_mtus, c->tables, ev, now);
	else
		timing_event(&c->timing, ev, now);
}

static void
take_events(struct control *c, ns_t now)
{
	struct event_mail events[EVENTS_AT_ONCE];
	unsigned n, total = 0;
	do {
		n = mailbox_take(c->boxes->events, events, EVENTS_AT_ONCE);
		for (unsigned i = 0; i < n; i++)
			take_event(c, &events[i], now);
		total += n;
	} while (n == EVENTS_AT_ONCE && total < EVENTS_A_TURN);
}

static void
on_turn(uv_timer_t *timer)
{
	struct control *c = timer->data;
	ns_t now = clock_boot_ns();
	timing_turn(&c->timing, now);
	take_events(c, now);
	membership_turn(c);
	for (unsigned i = 0; i < TABLES_MAX_IFACES; i++)
		server_turn(&c->ifaces[i].ctl);
}

static void
on_tick(uv_timer_t *timer)
{
	struct control *c = timer->data;
	ns_t now = clock_boot_ns();
	ports_tick(c);
	drops_tick(c, now);
	path_mtus_tick(&c->path_mtus, c->tables, now);
	routes_tick(c->routes, now);
	resolver_tick(&c->resolver, now);
	membership_tick(c);
	pulse_tick(c, now);
	for (unsigned i = 0; i < TABLES_MAX_IFACES; i++) {
		server_tick(&c->ifaces[i].uapi, now);
		server_tick(&c->ifaces[i].ctl, now);
	}
}

static void
on_routes(uv_poll_t *poll, int status, int events)
{
	struct control *c = poll->data;
	struct err err = {0};
	if (routes_process(c->routes, &err)) {
		log_error("routes are no longer followed: %s; restart to follow them again",
			err.text);
		uv_poll_stop(poll);
	} else if (status < 0) {
		/* An overflow of the socket is an error to libuv, which then watches no longer. */
		uv_poll_start(poll, UV_READABLE, on_routes);
	}
}

static void
on_signal(uv_signal_t *handle, int signum)
{
	struct control *c = handle->data;
	if (signum == SIGHUP) {
		c->reload_is_wanted = true;
	} else {
		log_info("ends on %s", signum == SIGINT ? "SIGINT" : "SIGTERM");
		if (c->config.notify)
			notify_stopping(c->config.notify);
		c->is_ending = true;
	}
	uv_stop(&c->loop);
}

/* ---- Making ---- */

static int
watch(struct control *c, struct err *err)
{
	int rc = uv_timer_init(&c->loop, &c->turn_timer);
	c->turn_timer.data = c->tick_timer.data = c->routes_poll.data = c;
	if (!rc)
		rc = uv_timer_init(&c->loop, &c->tick_timer);
	for (unsigned i = 0; i < ARRAY_COUNT(signums) && !rc; i++) {
		c->signals[i].data = c;
		rc = uv_signal_init(&c->loop, &c->signals[i]);
		if (!rc)
			rc = uv_signal_start(&c->signals[i], on_signal, signums[i]);
	}
	int fd = routes_fd(c->routes);
	if (!rc && fd >= 0)
		rc = uv_poll_init(&c->loop, &c->routes_poll, fd);
	if (!rc && fd >= 0)
		rc = uv_poll_start(&c->routes_poll, UV_READABLE, on_routes);
	if (!rc)
		rc = uv_timer_start(&c->turn_timer, on_turn, TURN_MS, TURN_MS);
	if (!rc)
		rc = uv_timer_start(&c->tick_timer, on_tick, TICK_MS, TICK_MS);
	return rc ? err_set(err, rc, "cannot make the event loop: %s", uv_strerror(rc)) : 0;
}

static int
open_routes(struct control *c, struct err *err)
{
	struct routes_config rc = {
		.tables = c->tables,
		.has_host = control_has_host(c),
		.set_link = ports_set_link,
		.ctx = c,
	};
	int code = routes_create(&rc, &c->routes, err);
	if (!code && !rc.has_host)
		routes_static_begin(c->routes);
	return code;
}

/* The first intent is a difference to nothing. */
static int
apply_first(struct control *c, struct err *err)
{
	struct reconcile_report report;
	c->is_starting = true;
	transition_begin(c, c->config.intent, &report);
	c->is_starting = false;
	if (report.n_failed)
		*err = report.first;
	return report.n_failed ? report.rc : 0;
}

/* What needs the whole of it to run: PostUp may send packets and ask our sockets. */
static int
finish_first(struct control *c, struct err *err)
{
	struct reconcile_report report = {0};
	c->is_starting = true;
	transition_end(c, &report);
	c->is_starting = false;
	if (report.n_failed)
		*err = report.first;
	return report.n_failed ? report.rc : 0;
}

static int
create_parts(struct control *c, struct err *err)
{
	int rc = peers_init(&c->peers, c->tables->peers.max_slots, err);
	if (!rc)
		rc = handshaker_init(&c->handshaker, c->tables, c->boxes, &c->peers, err);
	if (rc)
		return rc;
	timing_init(&c->timing, c->tables, c->boxes, &c->handshaker, c->started_ns);
	reacher_init(&c->reacher, c->tables, c->boxes, c->started_ns);
	rc = uv_loop_init(&c->loop);
	if (rc)
		return err_set(err, rc, "cannot make the event loop: %s", uv_strerror(rc));
	c->has_loop = true;
	hook_runner_init(&c->hooks, &c->loop, &c->is_ending);
	resolver_init(&c->resolver, &c->loop);
	c->resolver.found = reconcile_endpoint_found;
	c->resolver.ctx = c;
	c->timing.unanswered = reconcile_peer_unanswered;
	c->timing.stirred = membership_peer_stirred;
	c->timing.ctx = c;
	if (c->exception)
		c->netlink = netlink_open(err);
	return c->exception && !c->netlink ? -EIO : 0;
}

static int
create(struct control *c, struct err *err)
{
	int rc = create_parts(c, err);
	if (!rc)
		rc = open_routes(c, err);
	if (!rc)
		rc = membership_complete(c, c->config.intent, err);
	if (!rc)
		rc = apply_first(c, err);
	if (!rc && control_has_host(c))
		rc = routes_sync(c->routes, SYNC_MS, err);
	if (!rc) {
		routes_settle(c->routes);
		rc = watch(c, err);
	}
	if (!rc)
		rc = handshaker_start(&c->handshaker, c->config.n_handshakers, err);
	return rc ? rc : finish_first(c, err);
}

int
control_create(const struct control_config *config, struct control **out, struct err *err)
{
	struct control *c = calloc(1, sizeof(*c));
	*out = NULL;
	if (!c || !(c->running = intent_create())) {
		free(c);
		intent_destroy(config->intent);
		return err_set(err, -ENOMEM, "no memory for the control side");
	}
	c->config = *config;
	c->tables = config->tables;
	c->boxes = config->boxes;
	c->exception = config->exception;
	c->started_ns = clock_boot_ns();
	membership_init(&c->membership);
	for (unsigned i = 0; i < TABLES_MAX_PORTS; i++)
		c->twins[i].twin.fd = -1;
	int rc = create(c, err);
	intent_destroy(c->config.intent);
	c->config.intent = NULL;
	if (rc) {
		control_destroy(c);
		return rc;
	}
	*out = c;
	return 0;
}

int
control_run(struct control *c)
{
	sigset_t ours;
	sigemptyset(&ours);
	for (unsigned i = 0; i < ARRAY_COUNT(signums); i++)
		sigaddset(&ours, signums[i]);
	pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
	log_info("headgate is ready");
	pulse_begin(c);
	int rc = 0;
	while (rc >= 0 && !c->is_ending) {
		if (!reload_if_wanted(c))
			rc = uv_run(&c->loop, UV_RUN_DEFAULT);
	}
	return rc < 0 ? rc : 0;
}

/* ---- Taking down ---- */

static void
close_handle(uv_handle_t *handle, void *arg)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

/* Peers go with their interfaces; what an interface routed goes with its device. */
static void
remove_all(struct control *c)
{
	struct change gone = {.kind = CHANGE_INTERFACE_REMOVE};
	struct reconcile_report report = {0};
	c->is_stopping = true;
	while (c->running->n_interfaces && !report.n_failed) {
		memcpy(gone.on, c->running->interfaces[0]->name, sizeof(gone.on));
		reconcile_list(c, &(struct change_list){&gone, 1}, &report);
	}
	ifaces_fini(c);
	ports_fini(c);
}

/* A name that is just being looked up must not hold up the end: then the loop's memory stays. */
static int
close_loop(struct control *c)
{
	const struct timespec pause = {.tv_nsec = NS_IN_MS};
	if (!c->has_loop)
		return 0;
	resolver_fini(&c->resolver);
	hook_runner_fini(&c->hooks);
	uv_walk(&c->loop, close_handle, NULL);
	for (unsigned i = 0; i < CLOSE_TRIES && uv_run(&c->loop, UV_RUN_NOWAIT); i++)
		nanosleep(&pause, NULL);
	return uv_loop_close(&c->loop);
}

void
control_destroy(struct control *c)
{
	membership_fini(c);
	if (c->routes)
		transition_leave(c);
	handshaker_stop(&c->handshaker);
	if (c->routes)
		remove_all(c);
	routes_destroy(c->routes);
	int loop_rc = close_loop(c);
	netlink_close(c->netlink);
	reacher_fini(&c->reacher);
	handshaker_fini(&c->handshaker);
	peers_fini(&c->peers);
	drops_fini(&c->drops);
	intent_destroy(c->running);
	if (!loop_rc)
		free(c);
}
