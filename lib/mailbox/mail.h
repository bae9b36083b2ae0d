/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What workers and control say to each other: typed messages of fixed size, copied into bounded
 * rings. A full ring refuses; the sender counts it and says it again when it next has cause.
 * Nobody is woken: workers make no system call, so the control side looks in its boxes every
 * millisecond, and workers once per turn.
 *
 *   worker ──(struct wire_mail)──► handshake threads     handshake messages off the wire
 *   worker ──(struct reach_mail)─► reach thread          disco and STUN off the wire
 *   worker ──(struct event_mail)─► control thread        what the packet path noticed
 *   both   ──(struct order_mail)─► worker                what a worker is asked to send or do
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"

enum {
	MAIL_MESSAGE_BYTES = 152, /* the longest handshake message is 148; a disco ping has 124 */
	MAIL_REACH_BYTES = 1472,  /* pings are padded up to what a path of 1500 bytes takes */
};

/* Where a datagram came from and which of our addresses it reached, or the two turned round. */
struct mail_path {
	struct endpoint remote;
	struct addr local;      /* family ADDR_NONE in an order: the worker's route decides */
};

/* A handshake or cookie message, as it came in. */
struct wire_mail {
	struct mail_path path;
	ns_t received_ns;
	uint16_t iface_id;
	uint16_t worker;        /* it will own the session: later packets of the flow land there */
	uint16_t n_bytes;
	uint8_t message[MAIL_MESSAGE_BYTES];
};

/* A disco message or a STUN answer (reach/), as it came in. */
struct reach_mail {
	struct mail_path path;
	ns_t received_ns;
	uint16_t iface_id;
	uint16_t worker;
	uint16_t n_bytes;
	uint8_t datagram[MAIL_REACH_BYTES]; /* only n_bytes of it are written */
};

enum event_kind {
	EVENT_HANDSHAKE_WANTED, /* a packet waits, or the session is old: peer_id */
	EVENT_ACTIVITY,         /* peer's stamps moved while its timer was not armed: peer_id */
	EVENT_CONFIRMED,   /* first authenticated packet on a responder's session: local_index */
	EVENT_ROAMED,      /* authentic packet from another path: peer_id, local_index, path */
	EVENT_ENCAP_STALE, /* the underlay changed since the peer's outer header was made: peer_id
			    */
	EVENT_ENCAP_REPLACED,   /* the worker did either itself: retire `encap`, send it a spare */
	EVENT_NEIGHBOUR_WANTED, /* no MAC address for path.remote.addr on link_id */
	EVENT_PATH_FOUND,       /* by the reach thread: disco has found a path to peer_id */
	/* A router: a message to path.remote with this index (in local_index) exceeds mtu. */
	EVENT_PATH_MTU,
};

struct event_mail {
	uint32_t kind;          /* enum event_kind */
	uint32_t peer_id;
	uint32_t local_index;
	uint16_t link_id;
	uint16_t worker;
	uint16_t mtu;           /* PATH_MTU */
	struct mail_path path;
	void *encap;            /* ENCAP_REPLACED: the struct encap (tables/tables.h) that was */
};

enum order_kind {
	ORDER_SEND,          /* the datagram in message goes along path, from iface_id's port */
	ORDER_KEEPALIVE,     /* seal an empty packet for peer_id */
	ORDER_SESSION_READY, /* peer_id has a session: release what waits, else seal an empty packet
			      */
	ORDER_PARKED_DROP,   /* the handshake was given up: drop what waits for peer_id */
	ORDER_ENCAP_SPARE,   /* takes over `encap`, a fresh one for the next peer that roams */
};

struct order_mail {
	uint32_t kind;          /* enum order_kind */
	uint32_t peer_id;
	uint16_t iface_id;
	uint16_t n_bytes;
	struct mail_path path;
	void *encap;
	uint8_t message[MAIL_MESSAGE_BYTES];
};

/* A bounded ring of one type of mail; any number of senders and receivers. */
struct mailbox;

/* slots: a power of two. name: unique in the process, at most 20 characters. NULL: no memory. */
struct mailbox *mailbox_create(const char *name, unsigned mail_bytes, unsigned slots);
/* Frees it and what is left inside. Nobody uses it any more. */
void mailbox_destroy(struct mailbox *box);
/* Copies one mail in. False: full. Any thread; never blocks. */
bool mailbox_put(struct mailbox *box, const void *mail);
/* Copies out up to max mails, oldest first, and returns how many. */
unsigned mailbox_take(struct mailbox *box, void *mails, unsigned max);
unsigned mailbox_count(const struct mailbox *box);
/* A glance: others may take the room, though a box keeps some back for those who looked. */
bool mailbox_has_room(const struct mailbox *box);
bool mailbox_is_half_empty(const struct mailbox *box);

/* Every box of the process, in one value that main makes and hands to both sides. */
struct mailboxes {
	struct mailbox *wire;     /* struct wire_mail: workers → handshake threads */
	/* The same of those with a mac2, taken first: a flood of others must not crowd them out. */
	struct mailbox *wire_cookied;
	struct mailbox *reach;    /* struct reach_mail: workers → reach thread */
	struct mailbox *events;   /* struct event_mail: workers, reach thread → control */
	struct mailbox **orders;  /* struct order_mail: → worker i */
	unsigned n_workers;
};

/* Makes all boxes. 0 or -ENOMEM, and then none is left. */
int mailboxes_init(struct mailboxes *boxes, unsigned n_workers);
void mailboxes_fini(struct mailboxes *boxes);
