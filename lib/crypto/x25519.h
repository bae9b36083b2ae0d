/* SPDX-License-Identifier: BSD-3-Clause */
/* X25519 (RFC 7748) over libsodium, in constant time. */
#pragma once

#include <stdint.h>

enum {
	X25519_BYTES = 32,
};

/* Sets and clears the five bits that make 32 bytes a private key. */
void x25519_clamp(uint8_t private_key[X25519_BYTES]);
/* A fresh private key, clamped. Control threads only: it may call the kernel. */
void x25519_keygen(uint8_t private_key[X25519_BYTES]);
/* private_key times the base point. private_key need not be clamped. */
void x25519_public(uint8_t public_key[X25519_BYTES], const uint8_t private_key[X25519_BYTES]);
/*
 * private_key times the peer's public key. 0, or -EKEYREJECTED when the product is all zeros (a
 * point of small order: the peer would know the secret), and then shared is zeroed.
 */
int x25519_shared(uint8_t shared[X25519_BYTES], const uint8_t private_key[X25519_BYTES],
	const uint8_t public_key[X25519_BYTES]) __attribute__((warn_unused_result));
