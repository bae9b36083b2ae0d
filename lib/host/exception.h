/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The exception thread: carries packets between the twins' file descriptors and the workers, so
 * that no worker makes a system call.
 *
 *   kernel ─► TAP, TUN ─read─► ring of worker (link id mod n_workers) ─► worker
 *   kernel ◄─ TAP, TUN ◄write─ ring of each worker ◄──────────────────── worker
 *   fragments ─► kernel ─► UDP socket of a ListenPort ─recvmsg─► ring, link EXCEPTION_LINK_DATAGRAM
 *
 * Each direction of each worker has two rings: urgent (host/urgent.h) is emptied first and has
 * room of its own, bulk takes the rest. A full ring drops and counts. Workers do not wake the
 * thread: while there is traffic it polls, then it sleeps longer and longer, up to 1 ms.
 *
 * The functions below belong to the control side (one thread) unless they say otherwise. Links
 * and listeners come and go while the thread runs: a call hands the thread a command and waits
 * until it has been done.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "mailbox/frame.h"

struct exception;

enum {
	EXCEPTION_MAX_LINKS = 1024,
	EXCEPTION_MAX_WORKERS = 64,
	EXCEPTION_MAX_LISTENERS = 64,
	EXCEPTION_LISTENER_FDS = 8, /* sockets of one listener */
	/* The link id of frames that start with struct exception_datagram. */
	EXCEPTION_LINK_DATAGRAM = 0xffff,
};

struct exception_lane {
	struct frame_ring *urgent;
	struct frame_ring *bulk;
};

/* The rings of one worker. The exception thread is the one producer or the one consumer. */
struct exception_worker {
	struct exception_lane from_kernel; /* thread → worker */
	struct exception_lane to_kernel;   /* worker → thread */
};

/* All of it is copied; pool and rings must outlive the exception thread. */
struct exception_config {
	struct frame_pool *pool;
	const struct exception_worker *workers;
	unsigned n_workers;
	int cpu; /* the core it runs on; -1: wherever its creator may run */
};

/* Starts the thread. NULL with a sentence in err. */
struct exception *exception_start(const struct exception_config *config, struct err *err);
/*
 * Ends the thread, waits for it and frees all. Descriptors of links are not closed: they are the
 * twins'. Frames left in the rings are their owner's. NULL is allowed.
 */
void exception_stop(struct exception *e);

enum exception_kind {
	EXCEPTION_TAP, /* Ethernet frames */
	EXCEPTION_TUN, /* IP packets: a worker's frame starts at the IP header */
};

/*
 * Has the thread serve a twin's non-blocking fd as link_id (below EXCEPTION_MAX_LINKS), its
 * counters starting at zero. -EEXIST when the id is in use, -EINVAL when it is too high.
 */
int exception_add_link(struct exception *e, uint16_t link_id, int fd, enum exception_kind kind,
	struct err *err);
/* The thread has done with the fd when this returns; frames for it are dropped. -ENOENT. */
int exception_remove_link(struct exception *e, uint16_t link_id, struct err *err);

struct exception_counters {
	uint64_t from_kernel_pkts; /* handed to a worker */
	uint64_t from_kernel_bytes;
	uint64_t to_kernel_pkts;   /* written */
	uint64_t to_kernel_bytes;
	uint64_t drop_ring_full;   /* from the kernel: the worker's ring had no room */
	uint64_t drop_no_frame;    /* from the kernel: the pool was empty */
	uint64_t drop_oversize;    /* from the kernel: longer than a frame's room */
	uint64_t drop_refused;     /* to the kernel: write failed; the twin is down for instance */
};

/*
 * A link's counters; those of all tunnel datagrams with EXCEPTION_LINK_DATAGRAM. Any thread may
 * call it; the values are each right but not of one instant. -EINVAL when the id is too high.
 */
int exception_counters(const struct exception *e, uint16_t link_id,
	struct exception_counters *out);
/* Frames that workers sent to a link which is not there. Any thread. */
uint64_t exception_unknown_link_pkts(const struct exception *e);
/* How many turns the thread has made: at least one a millisecond. */
uint64_t exception_turns(const struct exception *e);

/* A WireGuard interface's port, held so that it is reserved and no ICMP unreachable is sent. */
struct exception_listener {
	uint16_t interface_idx;
	uint16_t port;            /* 0: the kernel picks one, the same for all addresses */
	uint32_t fwmark;          /* SO_MARK of all sockets; 0: none */
	const struct addr *addrs; /* where it listens; the box need not have them yet */
	unsigned n_addrs;         /* 0: on any; EXCEPTION_LISTENER_FDS at most */
};

/*
 * Opens a UDP socket for each address, or one for IPv4 and, where the kernel has it, one for IPv6.
 * One listener an interface. Returns the port, or -EADDRINUSE, -EEXIST (the interface has one),
 * -ENOSPC ...
 */
int exception_listen(struct exception *e, const struct exception_listener *l, struct err *err);
int exception_unlisten(struct exception *e, uint16_t interface_idx, struct err *err);
int exception_set_fwmark(struct exception *e, uint16_t interface_idx, uint32_t fwmark,
	struct err *err);

/*
 * What stands before the payload in a frame of link EXCEPTION_LINK_DATAGRAM: a UDP datagram that
 * the kernel received on a ListenPort, in practice one that it reassembled from fragments.
 */
struct exception_datagram {
	struct endpoint src;
	struct addr dst;        /* the local address it was sent to */
	uint8_t tos;            /* of the outer header, ECN included */
	uint16_t interface_idx;
	uint16_t port;          /* the local port */
	uint16_t payload_bytes;
};
_Static_assert(sizeof(struct exception_datagram) == 48, "the payload stays aligned");
