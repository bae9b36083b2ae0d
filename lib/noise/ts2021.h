/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ts2021, the transport to a Headscale server: Noise_IK_25519_ChaChaPoly_BLAKE2s with the version
 * in the prologue, then records with a counter in big endian for a nonce. Bytes in, bytes out:
 * it reads no clock, draws no random number, allocates nothing.
 *
 *   ts2021_initiate ───── 101 bytes ────► server
 *   ts2021_finish ◄────── 51 bytes ────── server
 *   ts2021_seal_record ── records ──────► server
 *   ts2021_open_record ◄─ records ─────── server
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/key.h"
#include "noise/symmetric.h"

enum {
	TS2021_INITIATION_BYTES = 101,
	TS2021_RESPONSE_BYTES = 51,
	TS2021_HEADER_BYTES = 3,
	TS2021_TAG_BYTES = 16,
	TS2021_MAX_SEALED_BYTES = 4093, /* a record is 4096 bytes at most */
	TS2021_MAX_PLAIN_BYTES = TS2021_MAX_SEALED_BYTES - TS2021_TAG_BYTES,

	TS2021_RESPONSE = 2, /* types of what the server sends */
	TS2021_ERROR = 3,
	TS2021_RECORD = 4,
};

/* Who we are and whom we talk to. version: the capability version, in every request the same. */
struct ts2021_identity {
	uint16_t version;
	struct key server_public;
	struct key machine_private;
};

/* A handshake under way; ts2021_finish and ts2021_handshake_wipe end it. */
struct ts2021_handshake {
	struct noise_symmetric state;
	struct key machine_private;
	struct key ephemeral_private;
};

/* One direction of a connection. */
struct ts2021_way {
	uint8_t key[32];
	uint64_t counter; /* of the next record */
};

/* ephemeral: a fresh private key; fixed in tests. False: the server's key is of small order. */
bool ts2021_initiate(struct ts2021_handshake *h, const struct ts2021_identity *who,
	const struct key *ephemeral, uint8_t out[TS2021_INITIATION_BYTES])
	__attribute__((warn_unused_result));
/*
 * Takes the server's answer, header and all; the handshake is wiped whatever comes of it. False:
 * it is not from the owner of the server's key.
 */
bool ts2021_finish(struct ts2021_handshake *h, const uint8_t response[TS2021_RESPONSE_BYTES],
	struct ts2021_way *send, struct ts2021_way *receive) __attribute__((warn_unused_result));
void ts2021_handshake_wipe(struct ts2021_handshake *h);

/*
 * n_bytes (at most TS2021_MAX_PLAIN_BYTES) into a record at out, which has room for 19 more.
 * Returns its length; 0 when it is too long or the counter has run out.
 */
size_t ts2021_seal_record(struct ts2021_way *way, const void *plain, size_t n_bytes, uint8_t *out);
/*
 * How many sealed bytes follow a record's header: 16 to 4093, or -EBADMSG for anything that is no
 * record.
 */
int ts2021_sealed_bytes(const uint8_t header[TS2021_HEADER_BYTES]);
/*
 * sealed: n_bytes behind a header that ts2021_sealed_bytes approved; out has room for 16 less.
 * Plain bytes, or -EBADMSG (altered, or not the next one), and then the connection is over.
 */
int ts2021_open_record(struct ts2021_way *way, const uint8_t *sealed, size_t n_bytes, uint8_t *out)
	__attribute__((warn_unused_result));
