/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/json.h"

#include <stddef.h>

json_t *
json_read(const char *data, size_t n_bytes, struct err *err)
{
	json_error_t why;
	json_t *v = json_loadb(data, n_bytes, 0, &why);
	/* The reason cites the server, and is shown to people. */
	for (char *at = why.text; !v && *at; at++) {
		if (*at < 0x20 || *at >= 0x7f)
			*at = '?';
	}
	if (!v)
		err_set(err, -1, "the server's answer is no JSON: %s at byte %d", why.text,
			why.position);
	return v;
}

struct json_reader
json_reader_of(const json_t *v, const char *what)
{
	return (struct json_reader){v, json_is_object(v) ? NULL : what};
}

const json_t *
json_member(struct json_reader *r, const char *name)
{
	const json_t *v = r->failed ? NULL : json_object_get(r->object, name);
	return json_is_null(v) ? NULL : v;
}

/* NULL unless it is there and of one of the types. */
static const json_t *
member_of_type(struct json_reader *r, const char *name, json_type a, json_type b)
{
	const json_t *v = json_member(r, name);
	if (!v || json_typeof(v) == a || json_typeof(v) == b)
		return v;
	r->failed = name;
	return NULL;
}

const char *
json_text(struct json_reader *r, const char *name)
{
	const json_t *v = member_of_type(r, name, JSON_STRING, JSON_STRING);
	return v ? json_string_value(v) : "";
}

int64_t
json_integer_of(struct json_reader *r, const char *name)
{
	const json_t *v = member_of_type(r, name, JSON_INTEGER, JSON_INTEGER);
	return v ? json_integer_value(v) : 0;
}

bool
json_bool(struct json_reader *r, const char *name)
{
	const json_t *v = member_of_type(r, name, JSON_TRUE, JSON_FALSE);
	return v && json_is_true(v);
}

const json_t *
json_list(struct json_reader *r, const char *name)
{
	return member_of_type(r, name, JSON_ARRAY, JSON_ARRAY);
}

const json_t *
json_map(struct json_reader *r, const char *name)
{
	return member_of_type(r, name, JSON_OBJECT, JSON_OBJECT);
}

void
json_add_string(struct text *out, const char *text)
{
	text_add(out, "\"");
	for (const char *at = text; *at; at++) {
		unsigned char c = (unsigned char)*at;
		if (c == '"' || c == '\\')
			text_add(out, "\\%c", c);
		else if (c < 0x20)
			text_add(out, "\\u%04x", c);
		else
			text_add_bytes(out, at, 1);
	}
	text_add(out, "\"");
}
