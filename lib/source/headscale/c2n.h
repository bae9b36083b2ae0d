/* SPDX-License-Identifier: BSD-3-Clause */
/* What a server may have a node do for it (c2n): the requests it sends, and our answers. */
#pragma once

#include <stddef.h>

#include "source/text.h"

/*
 * Appends the HTTP/1.1 answer to an HTTP/1.1 request, both whole: /echo gives its body back, and
 * whatever else is asked for there is not.
 */
void c2n_answer(const void *request, size_t n_bytes, struct text *out);
