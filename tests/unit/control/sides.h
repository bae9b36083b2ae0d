/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two sides of a tunnel without workers: each has tables, boxes, a directory and a handshaker,
 * and what one orders sent is put into the other's wire box.
 */
#pragma once

#include "control/handshaker.h"
#include "control/peers.h"
#include "control/timing.h"
#include "mailbox/mail.h"
#include "tables/tables.h"

struct side {
	char name[8];
	struct tables *tables;
	struct mailboxes boxes;
	struct mailbox *orders[1];
	struct peers peers;
	struct handshaker handshaker;
	struct timing timing;
	struct key private_key, public_key;
	uint16_t iface_id;
	struct control_peer *peer; /* the other side */
	struct endpoint at;
	unsigned n_sent;           /* messages handed over */
	unsigned n_ready;          /* ORDER_SESSION_READY seen */
	unsigned n_dropped;        /* ORDER_PARKED_DROP seen */
	unsigned n_keepalives;
};

/* DPDK without memory, devices or files; once a program. */
void sides_begin(void);

void side_init(struct side *s, const char *name, ns_t now);
void side_fini(struct side *s);
/* Makes s know a peer with that key at that place. */
void side_add_peer(struct side *s, const struct key *public_key, const struct endpoint *at,
	const struct key *psk);

/* One turn of s's handshaker and timers, then what it ordered goes to `to` (NULL: lost). */
void side_turn(struct side *s, struct side *to, ns_t now);
/* Turns both until neither sends. */
void sides_talk(struct side *a, struct side *b, ns_t now);
/* As a worker does with the first packet under the responder's new session. */
void side_confirm(struct side *s, ns_t now);
bool side_has_session(struct side *s);
