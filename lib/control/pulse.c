/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/pulse.h"

#include <stdio.h>

#include "base/log.h"

enum { STATUS_EVERY_S = 5 };

/*
 * Workers first, then the exception thread, then those of the handshakes. The tailnet's thread is
 * not watched: packets pass without it.
 */
static unsigned
gather(const struct control *c, uint64_t turns[WATCHDOG_MAX_THREADS])
{
	const struct control_port_ops *ops = c->config.port_ops;
	unsigned n = 0;
	for (unsigned i = 0; ops->worker_turns && i < c->config.n_workers; i++)
		turns[n++] = ops->worker_turns(ops->ctx, i);
	if (c->exception)
		turns[n++] = exception_turns(c->exception);
	for (unsigned i = 0; i < c->handshaker.n_threads; i++)
		turns[n++] = __atomic_load_n(&c->handshaker.n_turns[i], __ATOMIC_RELAXED);
	return n;
}

static void
worry(const struct control *c, unsigned idx)
{
	unsigned half_s = (unsigned)(c->watchdog.interval_ns / 2 / NS_IN_S);
	if (c->config.port_ops->worker_turns && idx < c->config.n_workers)
		log_error("worker %u has made no turn for %u s: unless it does, the watchdog ends "
			"this process soon", idx, half_s);
	else
		log_error("the %s thread has made no turn for %u s: unless it does, the watchdog "
			"ends this process soon",
			c->exception && idx == c->config.n_workers ? "exception" : "handshake",
			half_s);
}

static void
look(struct control *c, ns_t now)
{
	uint64_t turns[WATCHDOG_MAX_THREADS] = {0};
	gather(c, turns);
	enum watchdog_verdict verdict = watchdog_look(&c->watchdog, turns, now);
	if (verdict == WATCHDOG_TELL)
		notify_watchdog(c->config.notify);
	else if (verdict == WATCHDOG_WORRY)
		worry(c, (unsigned)watchdog_stuck(&c->watchdog, turns));
}

static void
tell_status(struct control *c)
{
	char text[128];
	const struct control_port_ops *ops = c->config.port_ops;
	uint32_t end = __atomic_load_n(&c->tables->peers.next_fresh, __ATOMIC_ACQUIRE);
	unsigned n_peers = 0, n_sessions = 0;
	for (uint32_t id = 1; id < end; id++) {
		const struct peer_entry *e = tables_peer(c->tables, id);
		bool is_live = __atomic_load_n(&e->is_live, __ATOMIC_RELAXED);
		n_peers += is_live;
		n_sessions += is_live && __atomic_load_n(&e->tx, __ATOMIC_RELAXED);
	}
	snprintf(text, sizeof(text), "%u of %u peers connected, %u of %u ports up", n_sessions,
		n_peers, ops->ports_up ? ops->ports_up(ops->ctx) : 0, c->config.n_ports);
	notify_status(c->config.notify, text);
}

static bool
is_told(const struct control *c)
{
	return c->config.notify && c->config.notify->fd >= 0;
}

void
pulse_begin(struct control *c)
{
	uint64_t turns[WATCHDOG_MAX_THREADS];
	if (!is_told(c))
		return;
	watchdog_init(&c->watchdog, c->config.notify->watchdog_ns, gather(c, turns),
		clock_boot_ns());
	tell_status(c);
	notify_ready(c->config.notify);
}

void
pulse_tick(struct control *c, ns_t now)
{
	if (!is_told(c))
		return;
	look(c, now);
	if (++c->n_ticks % STATUS_EVERY_S == 0)
		tell_status(c);
}
