/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Noise_IK_25519_ChaChaPoly_BLAKE2s, the initiator's side:
 *
 *   <- s
 *   ...
 *   -> e, es, s, ss, {}
 *   <- e, ee, se, {}
 */
#include "noise/ts2021.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/x25519.h"

#define PROTOCOL "Noise_IK_25519_ChaChaPoly_BLAKE2s"

enum {
	TYPE_INITIATION = 1,
	EPHEMERAL_AT = 5,
	STATIC_AT = EPHEMERAL_AT + KEY_BYTES,
	NOTHING_AT = STATIC_AT + KEY_BYTES + AEAD_TAG_BYTES,
};

_Static_assert(NOTHING_AT + AEAD_TAG_BYTES == TS2021_INITIATION_BYTES, "the initiation's parts");

/* "<- s", with the version that the header has as well. */
static void
start(struct noise_symmetric *s, const struct ts2021_identity *who)
{
	char prologue[64];
	int n = snprintf(prologue, sizeof(prologue), "Tailscale Control Protocol v%u",
		who->version);
	noise_symmetric_begin(s, PROTOCOL, prologue, (size_t)n);
	noise_mix_hash(s, who->server_public.bytes, KEY_BYTES);
}

bool
ts2021_initiate(struct ts2021_handshake *h, const struct ts2021_identity *who,
	const struct key *ephemeral, uint8_t out[TS2021_INITIATION_BYTES])
{
	struct noise_symmetric *s = &h->state;
	uint8_t machine_public[KEY_BYTES];
	store_be16(out, who->version);
	out[2] = TYPE_INITIATION;
	store_be16(out + 3, TS2021_INITIATION_BYTES - EPHEMERAL_AT);
	h->ephemeral_private = *ephemeral;
	h->machine_private = who->machine_private;
	start(s, who);
	x25519_public(out + EPHEMERAL_AT, ephemeral->bytes);
	noise_mix_hash(s, out + EPHEMERAL_AT, KEY_BYTES);
	if (!noise_mix_dh(s, ephemeral, &who->server_public))
		goto weak;
	x25519_public(machine_public, who->machine_private.bytes);
	noise_seal(s, out + STATIC_AT, machine_public, KEY_BYTES);
	if (!noise_mix_dh(s, &who->machine_private, &who->server_public))
		goto weak;
	noise_seal(s, out + NOTHING_AT, NULL, 0);
	return true;
weak:
	ts2021_handshake_wipe(h);
	return false;
}

/* <- e, ee, se, {} */
static bool
read_response(struct ts2021_handshake *h, const uint8_t response[TS2021_RESPONSE_BYTES])
{
	struct key ephemeral;
	uint8_t nothing[1];
	const uint8_t *at = response + TS2021_HEADER_BYTES;
	memcpy(ephemeral.bytes, at, KEY_BYTES);
	noise_mix_hash(&h->state, ephemeral.bytes, KEY_BYTES);
	return noise_mix_dh(&h->state, &h->ephemeral_private, &ephemeral) &&
		noise_mix_dh(&h->state, &h->machine_private, &ephemeral) &&
		noise_open(&h->state, nothing, at + KEY_BYTES, 0);
}

bool
ts2021_finish(struct ts2021_handshake *h, const uint8_t response[TS2021_RESPONSE_BYTES],
	struct ts2021_way *send, struct ts2021_way *receive)
{
	bool is_right = response[0] == TS2021_RESPONSE &&
		load_be16(response + 1) == TS2021_RESPONSE_BYTES - TS2021_HEADER_BYTES &&
		read_response(h, response);
	if (is_right) {
		noise_split(&h->state, send->key, receive->key);
		send->counter = receive->counter = 0;
	}
	ts2021_handshake_wipe(h);
	return is_right;
}

void
ts2021_handshake_wipe(struct ts2021_handshake *h)
{
	secret_wipe(h, sizeof(*h));
}

/* Big endian, where Noise itself and WireGuard have it little. */
static bool
next_nonce(struct ts2021_way *way, uint8_t nonce[AEAD_NONCE_BYTES])
{
	if (way->counter == UINT64_MAX)
		return false;
	store_le32(nonce, 0);
	store_be64(nonce + 4, way->counter++);
	return true;
}

size_t
ts2021_seal_record(struct ts2021_way *way, const void *plain, size_t n_bytes, uint8_t *out)
{
	uint8_t nonce[AEAD_NONCE_BYTES];
	if (n_bytes > TS2021_MAX_PLAIN_BYTES || !next_nonce(way, nonce))
		return 0;
	out[0] = TS2021_RECORD;
	store_be16(out + 1, (uint16_t)(n_bytes + TS2021_TAG_BYTES));
	aead_seal(way->key, nonce, &(struct aead_message){
		.in = plain, .in_bytes = n_bytes, .out = out + TS2021_HEADER_BYTES});
	return TS2021_HEADER_BYTES + n_bytes + TS2021_TAG_BYTES;
}

int
ts2021_sealed_bytes(const uint8_t header[TS2021_HEADER_BYTES])
{
	uint16_t n_bytes = load_be16(header + 1);
	if (header[0] != TS2021_RECORD || n_bytes < TS2021_TAG_BYTES ||
		n_bytes > TS2021_MAX_SEALED_BYTES)
		return -EBADMSG;
	return n_bytes;
}

int
ts2021_open_record(struct ts2021_way *way, const uint8_t *sealed, size_t n_bytes, uint8_t *out)
{
	uint8_t nonce[AEAD_NONCE_BYTES];
	if (n_bytes < TS2021_TAG_BYTES || !next_nonce(way, nonce))
		return -EBADMSG;
	int rc = aead_open(way->key, nonce, &(struct aead_message){
		.in = sealed, .in_bytes = n_bytes, .out = out});
	return rc ? rc : (int)(n_bytes - TS2021_TAG_BYTES);
}
