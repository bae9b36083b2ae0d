/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/key_text.h"

#include <errno.h>
#include <string.h>

int
key_text_parse(const char *kind, const char *text, struct key *out)
{
	size_t n = strlen(kind);
	int rc = strncmp(text, kind, n) == 0 ? key_from_hex(out, text + n) : -EINVAL;
	if (rc)
		*out = (struct key){{0}};
	return rc;
}

const char *
key_text_format(const char *kind, const struct key *k, char out[KEY_TEXT_BYTES])
{
	size_t n = strnlen(kind, KEY_TEXT_BYTES - KEY_HEX_BYTES);
	memcpy(out, kind, n);
	key_to_hex(k, out + n);
	return out;
}
