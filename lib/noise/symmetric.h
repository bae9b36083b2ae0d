/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The running state of a Noise handshake over X25519, ChaCha20-Poly1305 and BLAKE2s (The Noise
 * Protocol Framework, revision 34, section 5.2): what WireGuard's handshake and ts2021's share.
 * Each message function of theirs reads as its line of tokens, a call or two a token. A state
 * stands on the caller's stack, who wipes it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/key.h"

enum {
	NOISE_HASH_BYTES = 32,
};

struct noise_symmetric {
	uint8_t chain_key[NOISE_HASH_BYTES];
	uint8_t hash[NOISE_HASH_BYTES]; /* of all that was said */
	uint8_t key[32];                /* of the next seal or open; each is used once */
};

/* The protocol's name, longer than a hash, and the prologue. "<- s" is the first mix_hash. */
void noise_symmetric_begin(struct noise_symmetric *s, const char *name, const void *prologue,
	size_t n_bytes);
void noise_mix_hash(struct noise_symmetric *s, const void *data, size_t n_bytes);
/* A DH product that was made before. */
void noise_mix_product(struct noise_symmetric *s, const uint8_t product[KEY_BYTES]);
/* es, ee, se, ss: false when the product is all zeros. */
bool noise_mix_dh(struct noise_symmetric *s, const struct key *private_key,
	const struct key *public_key) __attribute__((warn_unused_result));
/* {…}: n_bytes of plain text become n_bytes and the tag in out. */
void noise_seal(struct noise_symmetric *s, uint8_t *out, const void *plain, size_t n_bytes);
/* The reverse: n_bytes of out; false when the tag is wrong. */
bool noise_open(struct noise_symmetric *s, void *out, const uint8_t *sealed, size_t n_bytes)
	__attribute__((warn_unused_result));
/* Split: the initiator sends with the first key and receives with the second. */
void noise_split(const struct noise_symmetric *s, uint8_t first[32], uint8_t second[32]);
