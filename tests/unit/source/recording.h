/* SPDX-License-Identifier: BSD-3-Clause */
/* What a real server sent, as it stands in tests/vectors/tailnet. */
#pragma once

#include <jansson.h>
#include <sodium/utils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The caller's to json_decref. */
static inline json_t *
recording(const char *name)
{
	char path[512];
	json_error_t why;
	snprintf(path, sizeof(path), "%s/%s.json", TAILNET_VECTORS, name);
	json_t *v = json_load_file(path, 0, &why);
	if (!v) {
		fprintf(stderr, "%s: %s\n", path, why.text);
		abort();
	}
	return v;
}

/* The bytes of a member that holds hexadecimal digits; the caller's to free. */
static inline uint8_t *
recorded_bytes(const json_t *v, const char *name, size_t *n_bytes)
{
	const char *hex = json_string_value(json_object_get(v, name));
	size_t n = strlen(hex);
	uint8_t *out = malloc(n / 2 + 1);
	if (sodium_hex2bin(out, n / 2, hex, n, NULL, n_bytes, NULL))
		abort();
	return out;
}
