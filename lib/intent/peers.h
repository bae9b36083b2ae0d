/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The peers of one interface as a value: found by public key, walked in the order in which they
 * came, and with them one owner for each allowed prefix. Everything here costs the same with ten
 * peers and with a hundred thousand.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/key.h"
#include "intent/hash.h"

/* Where an item was written: a line of a file of the intent. file_id 0: in no file. */
struct origin {
	uint32_t file_id;
	uint32_t line;
};

enum {
	PEER_NAME_BYTES = 64,
	HOST_TEXT_BYTES = 254, /* a DNS name and the end */
};

/* Where to reach a peer: an address, or a host name that control resolves, or nothing. */
struct endpoint_intent {
	struct endpoint addr; /* family ADDR_NONE unless given as a number */
	char *host;           /* owned; NULL unless given as a name */
	uint16_t host_port;
};

struct peer_intent;

/* A prefix that a peer may send from and is sent to. Host bits are zero. */
struct allowed_intent {
	struct prefix prefix;
	struct origin origin;
	struct peer_intent *owner;
	struct allowed_intent *next, *prev; /* in the owner's order */
	struct hash_link link;
};

struct peer_intent {
	struct key public_key;
	char name[PEER_NAME_BYTES]; /* what people call it; may be empty */
	struct origin origin;
	struct key psk; /* zero unless has_psk */
	bool has_psk;
	uint16_t keepalive_s; /* 0: off */
	struct endpoint_intent endpoint;
	struct allowed_intent *first_allowed, *last_allowed;
	size_t n_allowed;
	struct peer_intent *next, *prev; /* in the set's order */
	struct hash_link link;
};

struct peer_set {
	struct peer_intent *first, *last;
	size_t n;
	struct hash_table by_key;
	struct hash_table by_prefix; /* of struct allowed_intent */
};

void peer_set_init(struct peer_set *s);
/* Frees all peers; their secrets are wiped. */
void peer_set_fini(struct peer_set *s);
/* Puts copies of all of from's peers, in their order, into an empty set. 0 or -ENOMEM. */
int peer_set_copy(struct peer_set *to, const struct peer_set *from)
	__attribute__((warn_unused_result));

/* NULL when there is none. */
struct peer_intent *peer_set_find(const struct peer_set *s, const struct key *public_key);
/* A new peer at the end of the order; NULL when memory is short. The key must not be there yet. */
struct peer_intent *peer_set_add(struct peer_set *s, const struct key *public_key);
/* Takes the peer and its prefixes out and frees it. */
void peer_set_remove(struct peer_set *s, struct peer_intent *p);

/* A zero key means none. */
void peer_set_psk(struct peer_intent *p, const struct key *psk);
/* Copies the host name. 0 or -ENOMEM. */
int peer_set_endpoint(struct peer_intent *p, const struct endpoint_intent *e)
	__attribute__((warn_unused_result));
bool endpoint_intent_is_equal(const struct endpoint_intent *a, const struct endpoint_intent *b);

/* Who has exactly this prefix (masked first), or NULL. */
struct allowed_intent *allowed_find(const struct peer_set *s, const struct prefix *prefix);
/*
 * Gives the prefix (masked first) to p. Another peer that had it loses it, as with `wg`; p having
 * it already changes nothing. 0 or -ENOMEM.
 */
int allowed_add(struct peer_set *s, struct peer_intent *p, const struct prefix *prefix,
	struct origin origin) __attribute__((warn_unused_result));
void allowed_remove(struct peer_set *s, struct allowed_intent *a);
