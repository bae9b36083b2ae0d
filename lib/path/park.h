/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parked packets: a small bounded store, a worker's own, for packets that wait for their peer's
 * handshake or for a neighbour's MAC address. Order is kept: what waits is released, in one
 * turn, before anything newer is taken in. The store is looked at once a turn, and only when it
 * holds something.
 */
#pragma once

#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"

enum {
	PARK_LOTS = 64,        /* peers and neighbours waited for at once, by one worker */
	/* Of them, so that a scan of dead addresses keeps no other kind from waiting: */
	PARK_PEER_LOTS = 32,
	PARK_FORWARD_LOTS = 16,
	PARK_UNDERLAY_LOTS = 16,
	PARK_LOT_PKTS = 32,    /* packets each */
	PARK_NEIGHBOUR_MS = 3000,
	PARK_ASK_MS = 1000,    /* how often the question is asked again */
	PARK_HOMELESS_MS = 1,  /* how often for those whose packets find no lot, all together */
	PARK_PEER_S = 90,      /* as long as a handshake is retried */
};

enum park_kind {
	PARK_NONE,
	PARK_PEER,     /* plain packets until the peer has a session */
	PARK_FORWARD,  /* inner packets until the forwarding table's neighbour is resolved */
	PARK_UNDERLAY, /* sealed packets until the underlay's is */
};

struct parked {
	struct rte_mbuf *mbuf;
	uint32_t n_bytes;
	uint16_t ip_offset;    /* of the IP header from the buffer's start */
	uint16_t in_link;
};

struct park_lot {
	uint8_t kind;          /* enum park_kind */
	uint8_t family;        /* of address */
	uint16_t link_id;      /* PEER, UNDERLAY: the tunnel; FORWARD: LINK_NONE */
	uint32_t n;
	uint32_t peer_id;
	uint32_t generation;   /* the peer's, when its first packet was parked */
	struct addr address;   /* FORWARD, UNDERLAY: the destination whose next hop is waited for */
	struct addr asked;     /* and the neighbour that was asked for */
	uint16_t asked_link;
	ns_t give_up_ns;
	ns_t ask_again_ns;
	struct parked packets[PARK_LOT_PKTS];
};

struct park {
	uint64_t used;         /* bit i: lots[i] is in use */
	uint32_t n_of[4];      /* lots in use, by enum park_kind */
	ns_t homeless_ns;      /* when a neighbour was last asked for without a lot */
	struct park_lot lots[PARK_LOTS];
};

struct worker;
struct burst;
struct packet;

/* Parks p until its peer has a session, and asks for a handshake. Gives p its verdict. */
void park_for_peer(struct worker *w, struct packet *p);
/* Parks p until its next hop (a glean) is resolved, and asks for the neighbour. Gives p its
 * verdict. */
void park_for_neighbour(struct worker *w, struct packet *p, enum park_kind kind);
/* Puts what need wait no longer into the burst, drops what waited too long. */
void park_release(struct worker *w, struct burst *b);
/* Drops what waits for this peer, as park-timeout. */
void park_drop_peer(struct worker *w, uint32_t peer_id);
/* Frees everything; at shutdown. */
void park_fini(struct park *park);
