/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Disco, the messages by which nodes of a tailnet find out how they reach each other, as bytes and
 * as values. They come and go on WireGuard's own port:
 *
 *   magic 6 | sender's disco public key 32 | nonce 24 | box
 *
 * The box is NaCl's crypto_box (X25519, HSalsa20, XSalsa20-Poly1305, its tag first) of
 *
 *   type 1 | version 1 | payload
 *     0x01 ping           TxID 12 | sender's node key 32 (old senders: none) | zeros
 *     0x02 pong           TxID 12 | where the ping was seen to come from 18
 *     0x03 call-me-maybe  n times an endpoint 18
 *
 * Other types exist (relays between peers) and are passed over. Nothing here keeps state: a
 * message that comes twice is answered by whoever owns the peer (reach/peer_paths.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"
#include "base/key.h"

enum {
	DISCO_MAGIC_BYTES = 6,
	DISCO_NONCE_BYTES = 24,
	DISCO_TAG_BYTES = 16,
	DISCO_HEADER_BYTES = DISCO_MAGIC_BYTES + KEY_BYTES + DISCO_NONCE_BYTES,
	DISCO_OVERHEAD_BYTES = DISCO_HEADER_BYTES + DISCO_TAG_BYTES,
	DISCO_TXID_BYTES = 12,
	DISCO_MAX_ENDPOINTS = 32,   /* of a call-me-maybe; more are left out */
	DISCO_MAX_BYTES = 1500,     /* a longer packet is not opened: pings are padded to an MTU */
	DISCO_PING_BYTES = DISCO_OVERHEAD_BYTES + 2 + DISCO_TXID_BYTES + KEY_BYTES,
	DISCO_PONG_BYTES = DISCO_OVERHEAD_BYTES + 2 + DISCO_TXID_BYTES + 18,
	DISCO_SEALED_BYTES = DISCO_PING_BYTES, /* the longest that disco_seal writes */
};

enum disco_type {
	DISCO_OTHER = 0,         /* well sealed, and none of ours to understand */
	DISCO_PING = 1,
	DISCO_PONG = 2,
	DISCO_CALL_ME_MAYBE = 3, /* only over a relay */
};

struct disco_txid {
	uint8_t bytes[DISCO_TXID_BYTES];
};

struct disco_message {
	enum disco_type type;
	struct disco_txid txid;     /* ping, pong */
	bool has_node_key;          /* ping */
	struct key node_key;        /* ping: whose disco key the sender says to use; check it */
	struct endpoint observed;   /* pong: where the ping was seen to come from */
	uint16_t n_endpoints;       /* call-me-maybe */
	struct endpoint endpoints[DISCO_MAX_ENDPOINTS];
};

/* The key that a pair of nodes share: made once a peer, 32 bytes each. */
struct disco_box {
	uint8_t shared[KEY_BYTES];
};

/* Whether the n_bytes of a UDP payload are a disco packet by their first bytes. Anyone may call. */
static inline bool
disco_is_packet(const void *payload, size_t n_bytes)
{
	static const uint8_t magic[DISCO_MAGIC_BYTES] = {'T', 'S', 0xf0, 0x9f, 0x92, 0xac};
	return n_bytes >= DISCO_HEADER_BYTES && memcmp(payload, magic, sizeof(magic)) == 0;
}

/* Who says to have sent a packet for which disco_is_packet holds. */
static inline struct key
disco_sender(const void *packet)
{
	struct key sender;
	memcpy(sender.bytes, (const uint8_t *)packet + DISCO_MAGIC_BYTES, sizeof(sender.bytes));
	return sender;
}

/*
 * The box between our private and their public disco key: one X25519, so not for workers. 0, or
 * -EKEYREJECTED for a key of small order, and then the box is zeroed and opens nothing.
 */
int disco_box_init(struct disco_box *box, const struct key *private_key,
	const struct key *their_public) __attribute__((warn_unused_result));
void disco_box_wipe(struct disco_box *box);

/*
 * Writes the packet of a ping (with its node key, if has_node_key) or pong and returns its bytes.
 * The nonce is drawn at random by the caller for each packet. 0: a type that we do not send.
 */
size_t disco_seal(uint8_t out[DISCO_SEALED_BYTES], const struct disco_box *box,
	const struct key *our_public, const uint8_t nonce[DISCO_NONCE_BYTES],
	const struct disco_message *m);

/*
 * Opens a packet for which disco_is_packet holds. 0 and the message; else -EBADMSG: not sealed by
 * the sender for us; -EPROTO: too short for its type; -EMSGSIZE: longer than DISCO_MAX_BYTES.
 */
int disco_open(const struct disco_box *box, const void *packet, size_t n_bytes,
	struct disco_message *out) __attribute__((warn_unused_result));

/* What is in a box: parses n_bytes of plaintext. 0 or -EPROTO. For disco_open and tests. */
int disco_parse(const uint8_t *plain, size_t n_bytes, struct disco_message *out)
	__attribute__((warn_unused_result));

static inline bool
disco_txid_is_equal(const struct disco_txid *a, const struct disco_txid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
