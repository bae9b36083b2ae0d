/* SPDX-License-Identifier: BSD-3-Clause */
/* 32-byte keys and their texts: base64 as in wg files, hex as in the UAPI. Constant time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	KEY_BYTES = 32,
	KEY_BASE64_BYTES = 45,   /* 44 characters and the end */
	KEY_HEX_BYTES = 65,      /* 64 characters and the end */
	KEY_SHORT_BYTES = 12,    /* "Ab3d…xY0=": how logs name a peer without a name */
};

struct key {
	uint8_t bytes[KEY_BYTES];
};

/* Exactly 44 characters with canonical padding. 0 or -EINVAL. */
int key_from_base64(struct key *out, const char *text);
void key_to_base64(const struct key *k, char out[KEY_BASE64_BYTES]);
/* Exactly 64 hexadecimal digits. 0 or -EINVAL. */
int key_from_hex(struct key *out, const char *text);
void key_to_hex(const struct key *k, char out[KEY_HEX_BYTES]);
/* The first 4 and last 4 characters of a PUBLIC key's base64. Returns out. */
const char *key_short(const struct key *public_key, char out[KEY_SHORT_BYTES]);
bool key_is_equal(const struct key *a, const struct key *b);
bool key_is_zero(const struct key *k);
