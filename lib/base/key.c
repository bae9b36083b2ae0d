/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/key.h"

#include <errno.h>
#include <sodium/utils.h>
#include <string.h>

#include "base/secret.h"

/* libsodium 1.0.18 takes bytes past 0x7f for letters of base64. Looks at every byte. */
static bool
is_ascii(const char *text, size_t n_bytes)
{
	uint8_t bits = 0;
	for (size_t i = 0; i < n_bytes; i++)
		bits |= (uint8_t)text[i];
	return !(bits & 0x80);
}

int
key_from_base64(struct key *out, const char *text)
{
	size_t n = 0;
	const char *end = NULL;
	struct key k;
	if (strnlen(text, KEY_BASE64_BYTES) != KEY_BASE64_BYTES - 1 ||
		!is_ascii(text, KEY_BASE64_BYTES - 1) ||
		sodium_base642bin(k.bytes, KEY_BYTES, text, KEY_BASE64_BYTES - 1, NULL, &n, &end,
			sodium_base64_VARIANT_ORIGINAL) != 0 ||
		n != KEY_BYTES || *end != 0) {
		secret_wipe(&k, sizeof(k));
		return -EINVAL;
	}
	*out = k;
	secret_wipe(&k, sizeof(k));
	return 0;
}

void
key_to_base64(const struct key *k, char out[KEY_BASE64_BYTES])
{
	sodium_bin2base64(out, KEY_BASE64_BYTES, k->bytes, KEY_BYTES,
		sodium_base64_VARIANT_ORIGINAL);
}

int
key_from_hex(struct key *out, const char *text)
{
	size_t n = 0;
	const char *end = NULL;
	struct key k;
	if (strnlen(text, KEY_HEX_BYTES) != KEY_HEX_BYTES - 1 ||
		!is_ascii(text, KEY_HEX_BYTES - 1) ||
		sodium_hex2bin(k.bytes, KEY_BYTES, text, KEY_HEX_BYTES - 1, NULL, &n, &end) != 0 ||
		n != KEY_BYTES || *end != 0) {
		secret_wipe(&k, sizeof(k));
		return -EINVAL;
	}
	*out = k;
	secret_wipe(&k, sizeof(k));
	return 0;
}

void
key_to_hex(const struct key *k, char out[KEY_HEX_BYTES])
{
	sodium_bin2hex(out, KEY_HEX_BYTES, k->bytes, KEY_BYTES);
}

const char *
key_short(const struct key *public_key, char out[KEY_SHORT_BYTES])
{
	char text[KEY_BASE64_BYTES];
	key_to_base64(public_key, text);
	memcpy(out, text, 4);
	memcpy(out + 4, "\xe2\x80\xa6", 3);
	memcpy(out + 7, text + 40, 4);
	out[11] = 0;
	return out;
}

bool
key_is_equal(const struct key *a, const struct key *b)
{
	return secret_is_equal(a->bytes, b->bytes, KEY_BYTES);
}

bool
key_is_zero(const struct key *k)
{
	return secret_is_zero(k->bytes, KEY_BYTES);
}
