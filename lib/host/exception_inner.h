/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the exception thread's files share: exception.c (control side and commands),
 * exception_links.c (twins), exception_listen.c (UDP sockets). Nobody else includes this.
 */
#pragma once

#include <pthread.h>
#include <sys/socket.h>

#include "base/log.h"
#include "host/exception.h"

enum {
	EXCEPTION_BATCH = 32,  /* packets a descriptor or a ring gets in one turn */
	EXCEPTION_STASH = 64,  /* frames taken from the pool ahead of need */
};

/* What an epoll event is about. */
enum exception_source {
	SOURCE_COMMANDS,
	SOURCE_LINK,     /* id: the link */
	SOURCE_LISTENER, /* id: slot * EXCEPTION_LISTENER_FDS + which of its sockets */
};

struct exception_link {
	int fd;       /* -1: no such link */
	bool is_dead; /* its device is gone; the fd is no longer watched */
	enum exception_kind kind;
};

struct exception_listening {
	int fds[EXCEPTION_LISTENER_FDS]; /* -1: none */
	uint16_t interface_idx;
	uint16_t port;
	bool is_used;
};

/* Frames on their way to one worker, gathered over a batch. */
struct exception_batch {
	struct frame *frames[EXCEPTION_BATCH];
	unsigned n;
};

struct exception_command {
	struct exception_command *next;
	int (*run)(struct exception *e, struct exception_command *c);
	uint16_t id;
	struct exception_link link;
	struct exception_listening listening;
	int rc;
	bool is_done;
};

struct exception {
	struct frame_pool *pool;
	struct exception_worker workers[EXCEPTION_MAX_WORKERS];
	unsigned n_workers;
	pthread_t thread;
	int epoll_fd;
	int wake_fd;
	bool is_stopping; /* the thread's own, set by a command */

	pthread_mutex_t lock; /* guards the two below; done is signalled under it */
	pthread_cond_t done;
	struct exception_command *commands;

	struct exception_link links[EXCEPTION_MAX_LINKS];
	struct exception_listening listeners[EXCEPTION_MAX_LISTENERS];
	struct frame *stash[EXCEPTION_STASH];
	unsigned n_stash;

	/* Written by the thread alone, read by any: relaxed atomics. */
	struct exception_counters counters[EXCEPTION_MAX_LINKS];
	struct exception_counters datagrams;
	uint64_t unknown_link_pkts;
	uint64_t n_turns;
};

static inline void
exception_count(uint64_t *counter, uint64_t n)
{
	/* One writer: a plain sum, stored whole. */
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/* An empty frame, or NULL when the pool is empty. */
struct frame *exception_take_frame(struct exception *e);
/* Gives back a frame that was taken and not used. */
void exception_return_frame(struct exception *e, struct frame *f);
/* Pushes what was gathered and counts; the batch is empty afterwards. */
void exception_flush(struct exception *e, struct frame_ring *ring, struct exception_batch *b,
	struct exception_counters *c);

/* Reads a bounded batch of a link's packets; returns how many there were. */
unsigned exception_read_link(struct exception *e, uint16_t link_id);
/* Writes a bounded batch of each worker's frames, urgent ones first; returns how many. */
unsigned exception_drain_workers(struct exception *e);
/* Receives a bounded batch of a listener's datagrams; returns how many there were. */
unsigned exception_receive(struct exception *e, unsigned id);

int exception_watch(struct exception *e, int fd, enum exception_source source, unsigned id);
void exception_unwatch(struct exception *e, int fd);
/* Runs c->run on the thread and waits; returns its result. */
int exception_command(struct exception *e, struct exception_command *c);
/* At the end, on the control side. */
void exception_close_listeners(struct exception *e);
