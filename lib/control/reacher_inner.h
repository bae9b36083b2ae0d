/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the reacher share; the lock is held in all of them. */
#pragma once

#include "control/reacher.h"
#include "reach/disco.h"
#include "reach/peer_paths.h"

/* A node whose paths are looked for. */
struct reach_peer {
	uint32_t peer_id;
	struct tailnet_node *node;   /* a reference of its own */
	struct hash_link by_id, by_disco;
	struct disco_box box;        /* secret */
	bool has_tried_box;          /* when it is first needed: it costs an X25519 */
	bool has_box;                /* with some keys it cannot be made */
	struct peer_paths *paths;    /* NULL until it is spoken to, or speaks */
	ns_t sent_ns;                /* when data was sent to it last, or wanted to be; 0: never */
	uint64_t tx_bytes_seen;
	struct reach_pong reached;   /* its last pong */
	struct wheel_timer timer;
};

/* NULL: no such peer. */
struct reach_peer *reach_peer_by_id(const struct reacher *r, uint32_t peer_id);

/* reacher_peer.c; it is in no table yet, or no more. NULL: memory is short. */
struct reach_peer *reach_peer_create(struct reacher *r, uint32_t peer_id,
	struct tailnet_node *node);
void reach_peer_destroy(struct reacher *r, struct reach_peer *p);
/* The server says other things of it, though its disco key is the same. */
void reach_peer_renew(struct reacher *r, struct reach_peer *p, struct tailnet_node *node);
/* Our disco key is another one: what we know of its paths is good no more. */
void reach_peer_rekey(struct reacher *r, struct reach_peer *p);
void reach_peer_stir(struct reacher *r, struct reach_peer *p, ns_t now);
/* A person's ping: at all its addresses, at once. */
void reach_peer_ping(struct reacher *r, struct reach_peer *p, ns_t now);
/* Into a zeroed view. */
void reach_peer_look(const struct reach_peer *p, struct reacher_view *out, ns_t now);
/* Does what is due, and sets its timer for what comes. */
void reach_peer_run(struct reacher *r, struct reach_peer *p, ns_t now);
/* Opened messages of it. */
void reach_peer_pinged(struct reacher *r, struct reach_peer *p, const struct reach_mail *mail,
	const struct disco_message *ping, ns_t now);
void reach_peer_ponged(struct reacher *r, struct reach_peer *p, const struct reach_mail *mail,
	const struct disco_message *pong, ns_t now);

/* reacher_check.c: sends what is due of the check. */
void reach_check_run(struct reacher *r, ns_t now);

/* reacher_mail.c */
/* A datagram off the wire. */
void reach_receive(struct reacher *r, const struct reach_mail *mail, ns_t now);
/* Has a worker send it to the node; path.local may be none. False: it takes no orders. */
bool reach_send(struct reacher *r, struct reach_peer *p, const struct mail_path *path,
	const struct disco_message *m);
