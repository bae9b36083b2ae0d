/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors about packets that a worker drops (wire/icmp.h builds them). An error goes into the
 * next turn as a packet that came out of a tunnel would, so the forwarding table takes it to a LAN
 * host, into a peer's tunnel, or to the kernel when that had sent the packet.
 *
 * A token bucket for each source, so that one flood leaves the others theirs, and one for the
 * worker. What is not answered for want of a token, a buffer or a source address is counted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "telemetry/drop.h"
#include "wire/icmp.h"

struct packet;
struct worker;

enum {
	ANSWER_PER_S = 1000,      /* by one worker; as the kernel's icmp_msgs_per_sec */
	ANSWER_BURST = 64,
	ANSWER_SOURCE_PER_S = 50, /* to one source */
	ANSWER_SOURCE_BURST = 16,
	ANSWER_SOURCES = 256,     /* buckets; sources of the same hash share one */
};

struct answers {
	ns_t due_ns;              /* when the worker's bucket is full again */
	uint64_t seed;            /* of the hash: nobody chooses whom to share a bucket with */
	uint64_t n_sent;          /* relaxed, as the next: anybody may read */
	uint64_t n_unsent;
	ns_t source_due_ns[ANSWER_SOURCES];
};

void answer_init(struct answers *a);

/* Takes one of a bucket's `burst` tokens, of which one comes back each step. *due_ns: when full. */
bool answer_take_token(ns_t *due_ns, ns_t now_ns, ns_t step_ns, unsigned burst);

/* The packet an error is about, where it stands and as it came. */
struct answer_about {
	const uint8_t *ip;
	uint32_t n_bytes;
	uint8_t family;
	uint16_t in_link;   /* port or tunnel it came from */
	uint16_t out_link;  /* tunnel it was going into, or anything else */
};

/* Sends an error about a packet, if one may be sent. mtu: with ICMP_TOO_BIG what would fit. */
void answer_send(struct worker *w, const struct answer_about *about, enum icmp_error error,
	uint16_t mtu);
/* Drops p for the reason and answers its source. */
void answer_drop(struct worker *w, struct packet *p, enum drop_reason reason,
	enum icmp_error error);
/* Drops p as too big for a link that takes mtu bytes, and says so. */
void answer_too_big(struct worker *w, struct packet *p, uint32_t mtu);
