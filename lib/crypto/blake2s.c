/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/blake2s.h"

#include <blake2.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

_Static_assert(sizeof(blake2s_state) <= sizeof(struct blake2s_stream), "room for libb2's state");
_Static_assert((int)BLAKE2S_HASH_BYTES == (int)BLAKE2S_OUTBYTES, "libb2 agrees");

static blake2s_state *
state_of(struct blake2s_stream *s)
{
	return (blake2s_state *)s->opaque;
}

void
blake2s_stream_init(struct blake2s_stream *s, size_t out_bytes, const void *key, size_t n_key_bytes)
{
	int refused = n_key_bytes ? blake2s_init_key(state_of(s), out_bytes, key, n_key_bytes)
				  : blake2s_init(state_of(s), out_bytes);
	if (refused)
		abort();
}

void
blake2s_stream_update(struct blake2s_stream *s, const void *data, size_t n_bytes)
{
	if (n_bytes)
		blake2s_update(state_of(s), data, n_bytes);
}

void
blake2s_stream_final(struct blake2s_stream *s, uint8_t *out)
{
	/* libb2 wants to hear the length again, and keeps it itself. */
	blake2s_final(state_of(s), out, state_of(s)->outlen);
	secret_wipe(s, sizeof(blake2s_state));
}

void
blake2s_hash(uint8_t out[BLAKE2S_HASH_BYTES], const void *data, size_t n_bytes)
{
	blake2s_mac(out, BLAKE2S_HASH_BYTES, (struct blake2s_key){0}, data, n_bytes);
}

void
blake2s_hash2(uint8_t out[BLAKE2S_HASH_BYTES], const uint8_t a[BLAKE2S_HASH_BYTES], const void *b,
	size_t n_bytes)
{
	struct blake2s_stream s;

	blake2s_stream_init(&s, BLAKE2S_HASH_BYTES, NULL, 0);
	blake2s_stream_update(&s, a, BLAKE2S_HASH_BYTES);
	blake2s_stream_update(&s, b, n_bytes);
	blake2s_stream_final(&s, out);
}

void
blake2s_mac(
	uint8_t *out, size_t out_bytes, struct blake2s_key key, const void *data, size_t n_bytes)
{
	struct blake2s_stream s;

	blake2s_stream_init(&s, out_bytes, key.bytes, key.n_bytes);
	blake2s_stream_update(&s, data, n_bytes);
	blake2s_stream_final(&s, out);
}

/* One of HMAC's two passes: Hash((key block XOR pad) || data). */
static void
hmac_pass(uint8_t out[BLAKE2S_HASH_BYTES], const uint8_t key_block[BLAKE2S_BLOCK_BYTES],
	uint8_t pad, const void *data, size_t n_bytes)
{
	uint8_t block[BLAKE2S_BLOCK_BYTES];
	struct blake2s_stream s;

	for (unsigned i = 0; i < sizeof(block); i++)
		block[i] = key_block[i] ^ pad;
	blake2s_stream_init(&s, BLAKE2S_HASH_BYTES, NULL, 0);
	blake2s_stream_update(&s, block, sizeof(block));
	blake2s_stream_update(&s, data, n_bytes);
	blake2s_stream_final(&s, out);
	secret_wipe(block, sizeof(block));
}

void
blake2s_hmac(uint8_t out[BLAKE2S_HASH_BYTES], const void *key, size_t n_key_bytes, const void *data,
	size_t n_bytes)
{
	uint8_t key_block[BLAKE2S_BLOCK_BYTES] = {0};
	uint8_t inner[BLAKE2S_HASH_BYTES];

	if (n_key_bytes > sizeof(key_block))
		blake2s_hash(key_block, key, n_key_bytes);
	else if (n_key_bytes)
		memcpy(key_block, key, n_key_bytes);
	hmac_pass(inner, key_block, 0x36, data, n_bytes);
	hmac_pass(out, key_block, 0x5c, inner, sizeof(inner));
	secret_wipe(key_block, sizeof(key_block));
	secret_wipe(inner, sizeof(inner));
}

/* Writes t1 to t_n one behind the other. */
static void
kdf(uint8_t (*t)[BLAKE2S_HASH_BYTES], unsigned n, const uint8_t chain_key[BLAKE2S_HASH_BYTES],
	const void *input, size_t n_bytes)
{
	uint8_t t0[BLAKE2S_HASH_BYTES];
	uint8_t text[BLAKE2S_HASH_BYTES + 1];

	blake2s_hmac(t0, chain_key, BLAKE2S_HASH_BYTES, input, n_bytes);
	text[0] = 1;
	blake2s_hmac(t[0], t0, sizeof(t0), text, 1);
	for (unsigned i = 1; i < n; i++) {
		memcpy(text, t[i - 1], BLAKE2S_HASH_BYTES);
		text[BLAKE2S_HASH_BYTES] = (uint8_t)(i + 1);
		blake2s_hmac(t[i], t0, sizeof(t0), text, sizeof(text));
	}
	secret_wipe(t0, sizeof(t0));
	secret_wipe(text, sizeof(text));
}

void
kdf1(uint8_t t1[BLAKE2S_HASH_BYTES], const uint8_t chain_key[BLAKE2S_HASH_BYTES], const void *input,
	size_t n_bytes)
{
	uint8_t t[1][BLAKE2S_HASH_BYTES];

	kdf(t, 1, chain_key, input, n_bytes);
	memcpy(t1, t[0], BLAKE2S_HASH_BYTES);
	secret_wipe(t, sizeof(t));
}

void
kdf2(uint8_t t1[BLAKE2S_HASH_BYTES], uint8_t t2[BLAKE2S_HASH_BYTES],
	const uint8_t chain_key[BLAKE2S_HASH_BYTES], const void *input, size_t n_bytes)
{
	uint8_t t[2][BLAKE2S_HASH_BYTES];

	kdf(t, 2, chain_key, input, n_bytes);
	memcpy(t1, t[0], BLAKE2S_HASH_BYTES);
	memcpy(t2, t[1], BLAKE2S_HASH_BYTES);
	secret_wipe(t, sizeof(t));
}

void
kdf3(uint8_t t1[BLAKE2S_HASH_BYTES], uint8_t t2[BLAKE2S_HASH_BYTES], uint8_t t3[BLAKE2S_HASH_BYTES],
	const uint8_t chain_key[BLAKE2S_HASH_BYTES], const uint8_t input[BLAKE2S_HASH_BYTES])
{
	uint8_t t[3][BLAKE2S_HASH_BYTES];

	kdf(t, 3, chain_key, input, BLAKE2S_HASH_BYTES);
	memcpy(t1, t[0], BLAKE2S_HASH_BYTES);
	memcpy(t2, t[1], BLAKE2S_HASH_BYTES);
	memcpy(t3, t[2], BLAKE2S_HASH_BYTES);
	secret_wipe(t, sizeof(t));
}
