/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The portable backend: libsodium, a message at a time. It runs anywhere, and it is the oracle
 * that every other backend is tested against; so it stays plain.
 */
#include <errno.h>
#include <sodium/crypto_aead_chacha20poly1305.h>

#include "base/secret.h"
#include "crypto/aead_backends.h"

static bool
is_supported(void)
{
	return true;
}

/* There is no state; the pointer only says "not NULL". */
static void *
create(void)
{
	return (void *)&aead_portable;
}

static void
destroy(void *state)
{
}

static void
seal_burst(void *state, struct aead_job *jobs, unsigned n)
{
	uint8_t nonce[AEAD_NONCE_BYTES];

	for (struct aead_job *j = jobs; j < jobs + n; j++) {
		aead_nonce_of_counter(nonce, j->counter);
		crypto_aead_chacha20poly1305_ietf_encrypt_detached(j->data, j->data + j->n_bytes,
			NULL, j->data, j->n_bytes, NULL, 0, NULL, nonce, j->key);
		j->is_ok = 1;
	}
}

static void
open_burst(void *state, struct aead_job *jobs, unsigned n)
{
	uint8_t nonce[AEAD_NONCE_BYTES];

	for (struct aead_job *j = jobs; j < jobs + n; j++) {
		aead_nonce_of_counter(nonce, j->counter);
		/* On a wrong tag libsodium zeroes the data itself. */
		j->is_ok =
			crypto_aead_chacha20poly1305_ietf_decrypt_detached(j->data, NULL, j->data,
				j->n_bytes, j->data + j->n_bytes, NULL, 0, nonce, j->key) == 0;
		/* The verdict is public: a forged message is dropped. */
		secret_is_public(&j->is_ok, sizeof(j->is_ok));
	}
}

static int
seal_one(void *state, const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
	const struct aead_message *m)
{
	aead_seal(key, nonce, m);
	return 0;
}

static int
open_one(void *state, const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
	const struct aead_message *m)
{
	return aead_open(key, nonce, m);
}

const struct aead_backend aead_portable = {
	.name = "portable",
	.needs = "nothing",
	.is_supported = is_supported,
	.create = create,
	.destroy = destroy,
	.seal = seal_burst,
	.open = open_burst,
	.seal_one = seal_one,
	.open_one = open_one,
};
