/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A text that grows as it is written. It may hold keys, so what it grows out of is wiped. Once an
 * append has failed all later ones do nothing, and the writer checks `failed` once at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *data; /* n_bytes of it, and a zero behind them once anything was added */
	size_t n_bytes;
	size_t room_bytes;
	bool failed; /* memory ran out */
};

void text_init(struct text *t);
/* Wipes and frees. */
void text_fini(struct text *t);
void text_add_bytes(struct text *t, const void *data, size_t n_bytes);
void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for n_bytes more behind the text, or NULL; text_grew says how many were written there. */
char *text_room(struct text *t, size_t n_bytes);
void text_grew(struct text *t, size_t n_bytes);
