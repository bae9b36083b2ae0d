/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the sender sends: Ethernet, IPv4, UDP, a WireGuard data message, and sealed in it a UDP
 * packet. Frames go round its clients, each with a session, an address and flows of its own; a
 * batch is laid out once, and sealed anew each time, with the next counters.
 */
#pragma once

#include <stdint.h>

#include "base/addr.h"
#include "base/key.h"
#include "crypto/aead_burst.h"
#include "session/session.h"

enum {
	FRAMES_BATCH = 32,
	FRAMES_MAX_CLIENTS = FRAMES_BATCH, /* a divisor of it: each has as many */
	FRAME_MAX_BYTES = 1600,
	FRAME_PAYLOAD_MAX_BYTES = 1400,
};

/* A UDP packet's ends, in host order. */
struct flow_ends {
	uint32_t from, to;
	uint16_t from_port, to_port;
};

struct client {
	struct session_keys keys;
	uint64_t counter; /* of its next packet */
};

struct frames {
	struct client clients[FRAMES_MAX_CLIENTS];
	unsigned n_clients;             /* a power of two */
	unsigned n_flows;               /* of each client: source ports from inner.from_port on */
	struct flow_ends outer, inner;  /* of the first; see the head of sender.c */
	struct mac gateway;
	uint32_t n_payload;             /* of the inner packet; to FRAME_PAYLOAD_MAX_BYTES */
	uint32_t n_frame;               /* bytes of a frame; set by frames_lay_out */
	uint8_t bytes[FRAMES_BATCH][FRAME_MAX_BYTES];
};

/* Everything above n_frame was set. The frames still lack their sealed part. */
void frames_lay_out(struct frames *f);

/* Makes the batch the next messages of the clients' sessions. */
void frames_seal(struct frames *f, struct aead *aead);
