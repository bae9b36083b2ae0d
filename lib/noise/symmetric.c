/* SPDX-License-Identifier: BSD-3-Clause */
#include "noise/symmetric.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/blake2s.h"
#include "crypto/x25519.h"

void
noise_symmetric_begin(struct noise_symmetric *s, const char *name, const void *prologue,
	size_t n_bytes)
{
	blake2s_hash(s->chain_key, name, strlen(name));
	blake2s_hash2(s->hash, s->chain_key, prologue, n_bytes);
}

void
noise_mix_hash(struct noise_symmetric *s, const void *data, size_t n_bytes)
{
	blake2s_hash2(s->hash, s->hash, data, n_bytes);
}

void
noise_mix_product(struct noise_symmetric *s, const uint8_t product[KEY_BYTES])
{
	kdf2(s->chain_key, s->key, s->chain_key, product, KEY_BYTES);
}

bool
noise_mix_dh(struct noise_symmetric *s, const struct key *private_key,
	const struct key *public_key)
{
	uint8_t product[X25519_BYTES];
	int rc = x25519_shared(product, private_key->bytes, public_key->bytes);
	if (rc == 0)
		noise_mix_product(s, product);
	secret_wipe(product, sizeof(product));
	return rc == 0;
}

/* Each key seals once, so the nonce is 0. */
void
noise_seal(struct noise_symmetric *s, uint8_t *out, const void *plain, size_t n_bytes)
{
	uint8_t nonce[AEAD_NONCE_BYTES];
	aead_nonce_of_counter(nonce, 0);
	aead_seal(s->key, nonce, &(struct aead_message){
		.aad = s->hash, .aad_bytes = NOISE_HASH_BYTES,
		.in = plain, .in_bytes = n_bytes, .out = out});
	noise_mix_hash(s, out, n_bytes + AEAD_TAG_BYTES);
}

bool
noise_open(struct noise_symmetric *s, void *out, const uint8_t *sealed, size_t n_bytes)
{
	uint8_t nonce[AEAD_NONCE_BYTES];
	aead_nonce_of_counter(nonce, 0);
	int rc = aead_open(s->key, nonce, &(struct aead_message){
		.aad = s->hash, .aad_bytes = NOISE_HASH_BYTES,
		.in = sealed, .in_bytes = n_bytes + AEAD_TAG_BYTES, .out = out});
	if (rc == 0)
		noise_mix_hash(s, sealed, n_bytes + AEAD_TAG_BYTES);
	return rc == 0;
}

void
noise_split(const struct noise_symmetric *s, uint8_t first[32], uint8_t second[32])
{
	kdf2(first, second, s->chain_key, NULL, 0);
}
