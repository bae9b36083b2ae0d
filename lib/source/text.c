/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

enum { FIRST_BYTES = 1024 };

void
text_init(struct text *t)
{
	*t = (struct text){0};
}

void
text_fini(struct text *t)
{
	if (t->data)
		secret_wipe(t->data, t->room_bytes);
	free(t->data);
	*t = (struct text){0};
}

static void
grow(struct text *t, size_t need_bytes)
{
	size_t room = t->room_bytes ? t->room_bytes : FIRST_BYTES;
	while (room < need_bytes)
		room *= 2;
	char *data = calloc(1, room);
	if (!data) {
		t->failed = true;
		return;
	}
	if (t->data) {
		memcpy(data, t->data, t->n_bytes);
		secret_wipe(t->data, t->room_bytes);
		free(t->data);
	}
	t->data = data;
	t->room_bytes = room;
}

char *
text_room(struct text *t, size_t n_bytes)
{
	if (n_bytes > SIZE_MAX / 4 - t->n_bytes)
		t->failed = true;
	else if (!t->failed && t->n_bytes + n_bytes + 1 > t->room_bytes)
		grow(t, t->n_bytes + n_bytes + 1);
	return t->failed ? NULL : t->data + t->n_bytes;
}

void
text_grew(struct text *t, size_t n_bytes)
{
	t->n_bytes += n_bytes;
	t->data[t->n_bytes] = 0;
}

void
text_add_bytes(struct text *t, const void *data, size_t n_bytes)
{
	char *at = text_room(t, n_bytes);
	if (!at)
		return;
	memcpy(at, data, n_bytes);
	text_grew(t, n_bytes);
}

void
text_add(struct text *t, const char *format, ...)
{
	va_list ap, again;
	va_start(ap, format);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, format, ap);
	char *at = n < 0 ? NULL : text_room(t, (size_t)n);
	if (at) {
		vsnprintf(at, (size_t)n + 1, format, again);
		text_grew(t, (size_t)n);
	} else {
		t->failed = true;
	}
	va_end(again);
	va_end(ap);
}
