/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON, read with jansson and written by hand: what is written may hold an auth key, and only
 * struct text wipes what it grows out of. In what is read a member that is absent or null is its
 * zero; one of another type than it should be fails the whole.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "source/text.h"

/* A value of at most 128 levels, or NULL with a sentence. The caller's to json_decref. */
json_t *json_read(const char *data, size_t n_bytes, struct err *err);

/* Reads members one after the other; `failed` names the first that had the wrong type. */
struct json_reader {
	const json_t *object;
	const char *failed;
};

/* v is taken for an empty object when it is none, and that has failed. */
struct json_reader json_reader_of(const json_t *v, const char *what);
/* NULL: absent or null. */
const json_t *json_member(struct json_reader *r, const char *name);
const char *json_text(struct json_reader *r, const char *name); /* "" when absent */
int64_t json_integer_of(struct json_reader *r, const char *name);
bool json_bool(struct json_reader *r, const char *name);
/* An array, NULL when absent or null. */
const json_t *json_list(struct json_reader *r, const char *name);
/* An object, NULL when absent or null. */
const json_t *json_map(struct json_reader *r, const char *name);

/* Appends "text" with quotes and what must be escaped. */
void json_add_string(struct text *out, const char *text);
