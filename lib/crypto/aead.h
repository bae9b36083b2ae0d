/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One message: ChaCha20-Poly1305 (RFC 8439) for handshakes and XChaCha20-Poly1305 for cookie
 * replies, over libsodium. The packet path uses crypto/aead_burst.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
	AEAD_KEY_BYTES = 32,
	AEAD_NONCE_BYTES = 12,
	XAEAD_NONCE_BYTES = 24,
	AEAD_TAG_BYTES = 16,
};

/*
 * What is sealed or opened. `in` and `out` are the same place or do not overlap.
 * Seal: in_bytes of plain text; out has room for AEAD_TAG_BYTES more, the tag stands last.
 * Open: in_bytes of cipher text and tag; out gets AEAD_TAG_BYTES less.
 */
struct aead_message {
	const void *aad; /* may be NULL when aad_bytes is 0 */
	size_t aad_bytes;
	const uint8_t *in;
	size_t in_bytes;
	uint8_t *out;
};

void aead_seal(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
	const struct aead_message *m);
/* 0, or -EBADMSG when it is too short or the tag is wrong; then out is zeroed, not plain text. */
int aead_open(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
	const struct aead_message *m) __attribute__((warn_unused_result));

/* The same with a 24-byte nonce, which may be random (draft-irtf-cfrg-xchacha-03). */
void xaead_seal(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[XAEAD_NONCE_BYTES],
	const struct aead_message *m);
int xaead_open(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[XAEAD_NONCE_BYTES],
	const struct aead_message *m) __attribute__((warn_unused_result));

/* WireGuard's nonce (whitepaper 5.4): four zero bytes, then the counter, little endian. */
static inline void
aead_nonce_of_counter(uint8_t nonce[AEAD_NONCE_BYTES], uint64_t counter)
{
	store_le32(nonce, 0);
	store_le64(nonce + 4, counter);
}
