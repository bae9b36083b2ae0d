/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BLAKE2s (RFC 7693) and what WireGuard builds of it (whitepaper section 5.4): Hash, Mac, HMAC
 * and the key derivation of n outputs. Over libb2 (docs/decisions/0001). Nothing here can fail
 * or allocate; every state is wiped before it goes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	BLAKE2S_HASH_BYTES = 32,
	BLAKE2S_MAC_BYTES = 16, /* what WireGuard calls Mac: mac1 and mac2 */
	BLAKE2S_KEY_BYTES = 32, /* of a key at most */
	BLAKE2S_BLOCK_BYTES = 64,
};

/* A hash in progress. The caller's, on the stack; final wipes it. */
struct blake2s_stream {
	_Alignas(64) uint8_t opaque[256];
};

/*
 * Starts a hash of out_bytes (1 to 32), keyed when n_key_bytes is not 0 (at most 32). Lengths
 * outside these are a bug of the caller and end the program.
 */
void blake2s_stream_init(
	struct blake2s_stream *s, size_t out_bytes, const void *key, size_t n_key_bytes);
void blake2s_stream_update(struct blake2s_stream *s, const void *data, size_t n_bytes);
/* Writes the out_bytes given at init and wipes the stream. */
void blake2s_stream_final(struct blake2s_stream *s, uint8_t *out);

/* Hash(data): 32 bytes, no key. */
void blake2s_hash(uint8_t out[BLAKE2S_HASH_BYTES], const void *data, size_t n_bytes);
/* Hash(a || b). out may be a or b. */
void blake2s_hash2(uint8_t out[BLAKE2S_HASH_BYTES], const uint8_t a[BLAKE2S_HASH_BYTES],
	const void *b, size_t n_bytes);

struct blake2s_key {
	const void *bytes;
	size_t n_bytes; /* 0 to 32 */
};
/* Keyed BLAKE2s of out_bytes (1 to 32; WireGuard's Mac is 16) over data. */
void blake2s_mac(
	uint8_t *out, size_t out_bytes, struct blake2s_key key, const void *data, size_t n_bytes);

/* HMAC (RFC 2104) over BLAKE2s with a key of any length. out may be the key or the data. */
void blake2s_hmac(uint8_t out[BLAKE2S_HASH_BYTES], const void *key, size_t n_key_bytes,
	const void *data, size_t n_bytes);

/*
 * Kdf_n of the whitepaper: t0 = HMAC(chain_key, input), t1 = HMAC(t0, 1), t_i = HMAC(t0, t_(i-1)
 * || i). An output may be chain_key or the input itself.
 */
void kdf1(uint8_t t1[BLAKE2S_HASH_BYTES], const uint8_t chain_key[BLAKE2S_HASH_BYTES],
	const void *input, size_t n_bytes);
void kdf2(uint8_t t1[BLAKE2S_HASH_BYTES], uint8_t t2[BLAKE2S_HASH_BYTES],
	const uint8_t chain_key[BLAKE2S_HASH_BYTES], const void *input, size_t n_bytes);
/* The protocol's only Kdf_3 has the 32-byte preshared key as its input. */
void kdf3(uint8_t t1[BLAKE2S_HASH_BYTES], uint8_t t2[BLAKE2S_HASH_BYTES],
	uint8_t t3[BLAKE2S_HASH_BYTES], const uint8_t chain_key[BLAKE2S_HASH_BYTES],
	const uint8_t input[BLAKE2S_HASH_BYTES]);
