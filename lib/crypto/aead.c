/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/aead.h"

#include <errno.h>
#include <sodium/crypto_aead_chacha20poly1305.h>
#include <sodium/crypto_aead_xchacha20poly1305.h>

#include "base/secret.h"

void
aead_seal(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
	const struct aead_message *m)
{
	(void)crypto_aead_chacha20poly1305_ietf_encrypt(
		m->out, NULL, m->in, m->in_bytes, m->aad, m->aad_bytes, NULL, nonce, key);
}

/* Makes sure that a refused message left nothing behind that could be taken for plain text. */
static int
opened(const struct aead_message *m, int refused)
{
	/* The verdict is public: a forged message is dropped. */
	secret_is_public(&refused, sizeof(refused));
	if (!refused)
		return 0;
	if (m->in_bytes >= AEAD_TAG_BYTES)
		secret_wipe(m->out, m->in_bytes - AEAD_TAG_BYTES);
	return -EBADMSG;
}

int
aead_open(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
	const struct aead_message *m)
{
	return opened(m, crypto_aead_chacha20poly1305_ietf_decrypt(m->out, NULL, NULL, m->in,
				 m->in_bytes, m->aad, m->aad_bytes, nonce, key));
}

void
xaead_seal(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[XAEAD_NONCE_BYTES],
	const struct aead_message *m)
{
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(
		m->out, NULL, m->in, m->in_bytes, m->aad, m->aad_bytes, NULL, nonce, key);
}

int
xaead_open(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[XAEAD_NONCE_BYTES],
	const struct aead_message *m)
{
	return opened(m, crypto_aead_xchacha20poly1305_ietf_decrypt(m->out, NULL, NULL, m->in,
				 m->in_bytes, m->aad, m->aad_bytes, nonce, key));
}
