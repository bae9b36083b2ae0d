/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The netlink mirror: the kernel's links, addresses, rules, routes and neighbours as values, kept
 * by one non-blocking socket, and told to an observer as they change.
 *
 *   events ─┐
 *           ├─► mirror_process ─► mirror_parse ─► parse_message ─► objects ─► observer
 *   dumps ──┘
 *
 * Dumps and events arrive on the one socket in the order in which the kernel looked, so an event
 * during a dump needs no care. A dump of a kind gives each object it names a new round; what has
 * an older one when the dump ends is gone. All five kinds are dumped at the start and whenever the
 * socket overflowed (ENOBUFS); routes also when the kernel may have dropped some without a word,
 * as IPv4 does when a link goes down or an address goes.
 *
 * One thread owns a mirror. An event costs the same with ten routes and with 100,000.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "host/state.h"

struct mirror;

/*
 * What the observer is called with: old is NULL when the object is new, now is NULL when it is
 * gone. Both live only during the call, which must not call mirror_process or mirror_destroy.
 * Any of the functions may be NULL.
 */
struct mirror_observer {
	void *ctx;
	void (*link_changed)(void *ctx, const struct net_link *old, const struct net_link *now);
	void (*addr_changed)(void *ctx, const struct net_addr *old, const struct net_addr *now);
	void (*rule_changed)(void *ctx, const struct net_rule *old, const struct net_rule *now);
	void (*route_changed)(void *ctx, const struct net_route *old, const struct net_route *now);
	void (*neigh_changed)(void *ctx, const struct net_neigh *old, const struct net_neigh *now);
	/* After a mirror_process that changed something and left no dump open: time to compile. */
	void (*settled)(void *ctx);
};

struct mirror_stats {
	uint64_t n_messages;
	uint64_t n_malformed; /* messages that did not parse, and were left out */
	uint64_t n_overflows; /* ENOBUFS or a truncated datagram: all was dumped again */
	uint64_t n_dumps;
	uint64_t n_no_memory; /* objects that could not be kept */
};

/*
 * Opens the socket in the caller's network namespace and asks for the first dumps; the state
 * fills as mirror_process is called. receive_bytes is the socket's buffer, 0 for the usual 8 MiB.
 * The observer is copied. NULL with a sentence in err.
 */
struct mirror *mirror_create(const struct mirror_observer *observer, unsigned receive_bytes,
	struct err *err);
/* A mirror without a socket, to be fed by mirror_parse alone: for tests and fuzzers. */
struct mirror *mirror_create_detached(const struct mirror_observer *observer);
void mirror_destroy(struct mirror *m); /* NULL is allowed; the observer is not called */

/* Readable when mirror_process has something to do. */
int mirror_fd(const struct mirror *m);
/*
 * Takes in what has arrived (of a flood, a bounded part; the rest keeps the fd readable). 0, or
 * a negative errno with a sentence when the socket is broken for good.
 */
int mirror_process(struct mirror *m, struct err *err);
/*
 * Waits and processes until no dump is open and nothing more has arrived. 0, -ETIMEDOUT or what
 * mirror_process says.
 */
int mirror_sync(struct mirror *m, int timeout_ms, struct err *err);
/* Whether no dump is open, so that the state is whole. */
bool mirror_is_synced(const struct mirror *m);
/* Dumps all kinds anew and tells only the differences. */
void mirror_resync(struct mirror *m);

/*
 * Takes in one datagram's messages, of any content and alignment. What does not parse is counted
 * and left out. No socket is read; dumps that become due are asked for by mirror_process.
 */
void mirror_parse(struct mirror *m, const void *buf, size_t n_bytes);

/* The state. Pointers live until the next mirror_process. NULL: no such object. */
const struct net_link *mirror_link(const struct mirror *m, uint32_t ifindex);
const struct net_link *mirror_link_by_name(const struct mirror *m, const char *name);
const struct net_neigh *mirror_neigh(const struct mirror *m, uint32_t ifindex,
	const struct addr *addr);
uint32_t mirror_count(const struct mirror *m, enum net_kind kind);
/* Calls fn with each object of a kind, in no order; fn must not change the mirror. */
void mirror_each(const struct mirror *m, enum net_kind kind,
	void (*fn)(void *ctx, const struct net_object *o), void *ctx);

struct mirror_stats mirror_stats(const struct mirror *m);
