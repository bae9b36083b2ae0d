/* SPDX-License-Identifier: BSD-3-Clause */
/* Start, stop, commands, and the thread's turn. */
#include "host/exception.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "host/exception_inner.h"

enum {
	MAX_EVENTS = 64,
	POLLING_TURNS = 64, /* turns without traffic before the thread sleeps */
	FIRST_SLEEP_NS = 20 * NS_IN_US,
	LONGEST_SLEEP_NS = NS_IN_MS,
};

int
exception_watch(struct exception *e, int fd, enum exception_source source, unsigned id)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = (uint64_t)source << 32 | id};
	return epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

void
exception_unwatch(struct exception *e, int fd)
{
	epoll_ctl(e->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

int
exception_command(struct exception *e, struct exception_command *c)
{
	uint64_t one = 1;
	pthread_mutex_lock(&e->lock);
	c->next = e->commands;
	e->commands = c;
	/* An eventfd that is full wakes as well. */
	ssize_t ignored = write(e->wake_fd, &one, sizeof(one));
	(void)ignored;
	while (!c->is_done)
		pthread_cond_wait(&e->done, &e->lock);
	pthread_mutex_unlock(&e->lock);
	return c->rc;
}

static void
run_commands(struct exception *e)
{
	uint64_t count;
	ssize_t ignored = read(e->wake_fd, &count, sizeof(count));
	(void)ignored;
	pthread_mutex_lock(&e->lock);
	while (e->commands) {
		struct exception_command *c = e->commands;
		e->commands = c->next;
		c->rc = c->run(e, c);
		c->is_done = true;
	}
	pthread_cond_broadcast(&e->done);
	pthread_mutex_unlock(&e->lock);
}

static unsigned
serve(struct exception *e, uint64_t what)
{
	unsigned id = (uint32_t)what;
	switch (what >> 32) {
	case SOURCE_LINK:
		return exception_read_link(e, (uint16_t)id);
	case SOURCE_LISTENER:
		return exception_receive(e, id);
	default:
		run_commands(e);
		return 1;
	}
}

/* Waits at most that long for events; kernels before 5.11 know whole milliseconds only. */
static int
wait_events(struct exception *e, struct epoll_event *events, uint64_t sleep_ns)
{
	struct timespec t = {.tv_nsec = (long)sleep_ns};
	int n = epoll_pwait2(e->epoll_fd, events, MAX_EVENTS, &t, NULL);
	if (n < 0 && errno == ENOSYS)
		n = epoll_wait(e->epoll_fd, events, MAX_EVENTS, sleep_ns ? 1 : 0);
	return n;
}

/* One turn: what workers left, then what the kernel has. Returns the packets moved. */
static unsigned
turn(struct exception *e, uint64_t sleep_ns)
{
	struct epoll_event events[MAX_EVENTS];
	exception_count(&e->n_turns, 1);
	unsigned n = exception_drain_workers(e);
	int n_events = wait_events(e, events, n ? 0 : sleep_ns);
	for (int i = 0; i < n_events; i++)
		n += serve(e, events[i].data.u64);
	return n;
}

static void *
run(void *arg)
{
	struct exception *e = arg;
	unsigned idle_turns = 0;
	uint64_t sleep_ns = 0;
	pthread_setname_np(pthread_self(), "hg-exception");
	prctl(PR_SET_TIMERSLACK, 1);
	while (!e->is_stopping) {
		if (turn(e, sleep_ns)) {
			idle_turns = 0;
			sleep_ns = 0;
		} else if (++idle_turns >= POLLING_TURNS) {
			uint64_t longer_ns = sleep_ns ? sleep_ns * 2 : FIRST_SLEEP_NS;
			sleep_ns = MIN_OF(longer_ns, (uint64_t)LONGEST_SLEEP_NS);
		}
	}
	/* What workers left still reaches the kernel; bounded, should one go on. */
	for (unsigned i = 0; i < 64 && exception_drain_workers(e); i++)
		;
	return NULL;
}

static int
check_config(const struct exception_config *c, struct err *err)
{
	if (!c->pool || !c->n_workers || c->n_workers > EXCEPTION_MAX_WORKERS)
		return err_set(err, -EINVAL, "exception thread: %u workers, 1 to %d are possible",
			c->n_workers, EXCEPTION_MAX_WORKERS);
	for (unsigned i = 0; i < c->n_workers; i++) {
		const struct exception_worker *w = &c->workers[i];
		if (!w->from_kernel.urgent || !w->from_kernel.bulk || !w->to_kernel.urgent ||
			!w->to_kernel.bulk)
			return err_set(err, -EINVAL, "exception thread: worker %u lacks a ring", i);
	}
	return 0;
}

static void
destroy(struct exception *e)
{
	exception_close_listeners(e);
	if (e->n_stash)
		frame_free_burst(e->stash, e->n_stash);
	if (e->epoll_fd >= 0)
		close(e->epoll_fd);
	if (e->wake_fd >= 0)
		close(e->wake_fd);
	pthread_cond_destroy(&e->done);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static int
start_thread(struct exception *e, int cpu)
{
	pthread_attr_t attr;
	sigset_t all, before;
	cpu_set_t cpus;
	int rc = pthread_attr_init(&attr);
	if (rc)
		return -rc;
	if (cpu >= 0 && cpu < CPU_SETSIZE) {
		CPU_ZERO(&cpus);
		CPU_SET(cpu, &cpus);
		pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	}
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&e->thread, &attr, run, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -rc;
}

struct exception *
exception_start(const struct exception_config *config, struct err *err)
{
	if (check_config(config, err))
		return NULL;
	struct exception *e = calloc(1, sizeof(*e));
	if (!e) {
		err_set(err, -ENOMEM, "exception thread: no memory");
		return NULL;
	}
	e->pool = config->pool;
	e->n_workers = config->n_workers;
	memcpy(e->workers, config->workers, config->n_workers * sizeof(e->workers[0]));
	for (unsigned i = 0; i < EXCEPTION_MAX_LINKS; i++)
		e->links[i].fd = -1;
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->done, NULL);
	e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	e->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int rc = e->epoll_fd < 0 || e->wake_fd < 0 ? -errno : 0;
	if (rc == 0)
		rc = exception_watch(e, e->wake_fd, SOURCE_COMMANDS, 0);
	if (rc == 0)
		rc = start_thread(e, config->cpu);
	if (rc) {
		err_set(err, rc, "exception thread: cannot start: %s", strerror(-rc));
		destroy(e);
		return NULL;
	}
	return e;
}

static int
run_stop(struct exception *e, struct exception_command *c)
{
	e->is_stopping = true;
	return 0;
}

void
exception_stop(struct exception *e)
{
	struct exception_command c = {.run = run_stop};
	if (!e)
		return;
	exception_command(e, &c);
	pthread_join(e->thread, NULL);
	destroy(e);
}

static void
reset_counters(struct exception_counters *c)
{
	uint64_t *all = (uint64_t *)c;
	for (size_t i = 0; i < sizeof(*c) / sizeof(*all); i++)
		__atomic_store_n(&all[i], 0, __ATOMIC_RELAXED);
}

static int
run_add_link(struct exception *e, struct exception_command *c)
{
	if (e->links[c->id].fd >= 0)
		return -EEXIST;
	int rc = exception_watch(e, c->link.fd, SOURCE_LINK, c->id);
	if (rc)
		return rc;
	reset_counters(&e->counters[c->id]);
	e->links[c->id] = c->link;
	return 0;
}

static int
run_remove_link(struct exception *e, struct exception_command *c)
{
	struct exception_link *link = &e->links[c->id];
	if (link->fd < 0)
		return -ENOENT;
	if (!link->is_dead)
		exception_unwatch(e, link->fd);
	link->fd = -1;
	return 0;
}

int
exception_add_link(struct exception *e, uint16_t link_id, int fd, enum exception_kind kind,
	struct err *err)
{
	struct exception_command c = {
		.run = run_add_link, .id = link_id, .link = {.fd = fd, .kind = kind}};
	int rc = link_id >= EXCEPTION_MAX_LINKS || fd < 0 ? -EINVAL : exception_command(e, &c);
	return rc ? err_set(err, rc, "exception thread: cannot serve link %u: %s", link_id,
		strerror(-rc)) : 0;
}

int
exception_remove_link(struct exception *e, uint16_t link_id, struct err *err)
{
	struct exception_command c = {.run = run_remove_link, .id = link_id};
	int rc = link_id >= EXCEPTION_MAX_LINKS ? -ENOENT : exception_command(e, &c);
	return rc ? err_set(err, rc, "exception thread: there is no link %u", link_id) : 0;
}

int
exception_counters(const struct exception *e, uint16_t link_id, struct exception_counters *out)
{
	const struct exception_counters *from =
		link_id == EXCEPTION_LINK_DATAGRAM ? &e->datagrams : &e->counters[0];
	if (link_id != EXCEPTION_LINK_DATAGRAM && link_id >= EXCEPTION_MAX_LINKS)
		return -EINVAL;
	if (link_id != EXCEPTION_LINK_DATAGRAM)
		from += link_id;
	const uint64_t *in = (const uint64_t *)from;
	uint64_t *to = (uint64_t *)out;
	for (size_t i = 0; i < sizeof(*out) / sizeof(*to); i++)
		to[i] = __atomic_load_n(&in[i], __ATOMIC_RELAXED);
	return 0;
}

uint64_t
exception_turns(const struct exception *e)
{
	return __atomic_load_n(&e->n_turns, __ATOMIC_RELAXED);
}

uint64_t
exception_unknown_link_pkts(const struct exception *e)
{
	return __atomic_load_n(&e->unknown_link_pkts, __ATOMIC_RELAXED);
}
