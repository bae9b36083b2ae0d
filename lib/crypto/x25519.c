/* SPDX-License-Identifier: BSD-3-Clause */
#include "crypto/x25519.h"

#include <errno.h>
#include <sodium/crypto_scalarmult_curve25519.h>

#include "base/secret.h"

void
x25519_clamp(uint8_t private_key[X25519_BYTES])
{
	private_key[0] &= 248;
	private_key[31] = (uint8_t)((private_key[31] & 127) | 64);
}

void
x25519_keygen(uint8_t private_key[X25519_BYTES])
{
	secret_random(private_key, X25519_BYTES);
	x25519_clamp(private_key);
}

void
x25519_public(uint8_t public_key[X25519_BYTES], const uint8_t private_key[X25519_BYTES])
{
	/* It cannot fail: the base point is not of small order. */
	(void)crypto_scalarmult_curve25519_base(public_key, private_key);
}

int
x25519_shared(uint8_t shared[X25519_BYTES], const uint8_t private_key[X25519_BYTES],
	const uint8_t public_key[X25519_BYTES])
{
	if (crypto_scalarmult_curve25519(shared, private_key, public_key) == 0)
		return 0;
	secret_wipe(shared, X25519_BYTES);
	return -EKEYREJECTED;
}
