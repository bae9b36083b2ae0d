/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of translated flows. One table for all workers, read and written by them without a
 * lock; its size is fixed.
 *
 * A flow is one record, and its place follows from what the world outside sees of it: our address
 * and port, the remote address and port, the protocol. So what comes from outside is found with one
 * look. What comes from inside is found the same way, for our port is not free to be any: the inner
 * address and port name NAT_CANDIDATES ports, in an order, and a flow has the first of them that
 * was free for its remote end when it began. There is no second index that could disagree.
 *
 * The candidates do not depend on the remote end: an inner socket has the same port towards
 * everybody, as long as it can be had (RFC 4787 REQ-1), while each remote end has all ports.
 *
 * A bucket is a line of NAT_WAYS states, and beside it the records. A state is a 64-bit word that
 * is changed by compare-and-swap alone: when the flow was last seen, 16 bits of its hash, how often
 * the place was taken, flags. A record is written by who has taken its place, and believed when the
 * state is the same before and behind it. What has not been seen for its time counts as not there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"

enum {
	NAT_WAYS = 8,        /* places of a bucket */
	NAT_CANDIDATES = 16, /* ports that a flow may have */
	NAT_TICK_BITS = 30,  /* a tick is 2^30 ns */
	NAT_KEY_WORDS = 5,
};

/* How long a flow lives without a packet, in ticks: RFC 4787 REQ-5, 5382 REQ-5, 5508 REQ-2. */
enum {
	NAT_UDP_TICKS = 280,          /* 300 s: answered */
	NAT_UDP_BRIEF_TICKS = 112,    /* 120 s: not answered yet */
	NAT_DNS_TICKS = 28,           /* 30 s: to port 53; each question has a port of its own */
	NAT_TCP_TICKS = 6930,         /* 2 h 4 min: established */
	NAT_TCP_BRIEF_TICKS = 224,    /* 4 min: opening, or ended */
	NAT_ICMP_TICKS = 56,          /* 60 s */
};

/* What a packet does to its flow. */
enum nat_event {
	NAT_OUT = 1, /* from where it began: inside, but for flows that pass as they are */
	NAT_IN = 2,
	NAT_SYN = 4, /* without ACK */
	NAT_FIN = 8,
	NAT_RST = 16,
};

/*
 * A flow as it is on both sides. Addresses are as load_le64 reads them, IPv4's in the first word;
 * of ICMP echo the identifier is inner_port and our_port, and remote_port is 0. Where inner and
 * ours are the same, packets pass as they are: somebody outside, who has a route, began it.
 */
struct nat_flow {
	uint64_t inner[2], ours[2], remote[2];
	uint16_t inner_port, our_port, remote_port; /* host order */
	uint8_t family, proto;
};
_Static_assert(sizeof(struct nat_flow) == 56, "with the spare word a record is a line");

struct nat_bucket {
	uint64_t states[NAT_WAYS];
};

struct nat_record {
	uint64_t words[NAT_WAYS];
};

struct nat_table {
	struct nat_bucket *buckets;
	struct nat_record *records; /* NAT_WAYS a bucket */
	uint32_t bucket_mask;
	bool has_direct;            /* a flow that passes as it is was added; relaxed */
	struct arena memory;
	uint64_t key[2][2 * NAT_KEY_WORDS + 2]; /* of places, of candidates */
};

/* Which ports may be taken. */
struct nat_ports {
	uint16_t first, last;
	const uint8_t *udp_in_use; /* by port: not 0 where one must not be taken; NULL: none */
};

/* A flow that was found, where, and its state when it was read. */
struct nat_found {
	uint64_t *state;
	uint64_t seen;
};

/* Room for n_flows with half of the places free. NULL with a sentence. */
struct nat_table *nat_table_create(uint32_t n_flows, struct err *err);
/* No reader is left. NULL is fine. */
void nat_table_destroy(struct nat_table *t);
/* How many flows there can be. */
uint32_t nat_table_room(const struct nat_table *t);

/* How many flows of a kind have not timed out. */
struct nat_counts {
	uint32_t tcp, udp, icmp;
};
/* Any thread; it reads the whole table. */
struct nat_counts nat_table_count(const struct nat_table *t, uint32_t now_tick);
/*
 * The first flow at or behind place *at, and *at behind it; false: there is none any more. Any
 * thread, as an RCU reader or the table's owner.
 */
bool nat_table_next(const struct nat_table *t, uint64_t *at, uint32_t now_tick,
	struct nat_flow *out, uint32_t *idle_ticks);

static inline uint32_t
nat_tick(ns_t now_ns)
{
	return (uint32_t)(now_ns >> NAT_TICK_BITS);
}

/* By what is seen outside; fills inner and inner_port. Any worker. */
bool nat_find_outer(const struct nat_table *t, struct nat_flow *f, uint32_t now_tick,
	struct nat_found *out);
/* By what is seen inside, and ours; fills our_port. Any worker. */
bool nat_find_inner(const struct nat_table *t, const struct nat_ports *ports, struct nat_flow *f,
	uint32_t now_tick, struct nat_found *out);
/*
 * Adds a flow that was not found, and fills our_port. When no candidate has a place left, the
 * oldest flow that nobody has answered, or that has ended, makes room. False: none has, or all
 * ports are taken.
 */
bool nat_add(struct nat_table *t, const struct nat_ports *ports, struct nat_flow *f,
	uint32_t now_tick);
/* The same for a flow whose packets pass as they are: inner and ours are the same already. */
bool nat_add_direct(struct nat_table *t, const struct nat_flow *f, uint32_t now_tick);
/*
 * A packet of a found flow came; events are of enum nat_event. Nothing happens when another worker
 * was first, for what it saw is as new.
 */
void nat_touch(struct nat_found *f, unsigned events, uint32_t now_tick);
/* Whether a packet has come the other way than the flow's first. */
bool nat_is_answered(const struct nat_found *f);
