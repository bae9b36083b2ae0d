/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets of this worker's own making: fragments and ICMP errors. A burst has no room for more
 * than it took in, so they stand in a short list and go into the worker's next turn, before
 * anything newer is taken in.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct burst;
struct rte_mbuf;
struct worker;

enum { AGAIN_MAX = 48 }; /* with what orders make, a burst at most */

enum again_stage {
	AGAIN_ROUTED, /* an inner packet: its next hop in the forwarding table is to be found */
	AGAIN_SEALED, /* an outer packet: the underlay's */
};

struct again_packet {
	struct rte_mbuf *mbuf;
	uint32_t n_bytes;   /* of the IP packet */
	uint16_t ip_offset; /* of its header from the buffer's start */
	uint16_t in_link;
	uint16_t out_link;  /* SEALED: the tunnel, whose underlay it is */
	uint8_t family;
	uint8_t stage;      /* enum again_stage */
};

struct again {
	uint32_t n;
	struct again_packet packets[AGAIN_MAX];
};

static inline bool
again_has_room(const struct again *a, uint32_t n_pkts)
{
	return n_pkts <= AGAIN_MAX - a->n;
}

/* Takes the packet; the caller has seen that there is room. */
static inline void
again_add(struct again *a, const struct again_packet *p)
{
	a->packets[a->n++] = *p;
}

/* Puts all of them into the burst, which has room for AGAIN_MAX. */
void again_release(struct worker *w, struct burst *b);
/* Frees everything; at shutdown. */
void again_fini(struct again *a);
