/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/c2n.h"

#include <stdint.h>
#include <string.h>

#include "source/headscale/http1.h"

static void
answer(struct text *out, const char *status, const void *body, size_t n_bytes)
{
	text_add(out, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
		status, n_bytes);
	text_add_bytes(out, body, n_bytes);
}

static void
answer_text(struct text *out, const char *status)
{
	answer(out, status, status, strlen(status));
}

void
c2n_answer(const void *request, size_t n_bytes, struct text *out)
{
	struct http1_head head;
	if (http1_parse_request(request, n_bytes, &head) != 1) {
		answer_text(out, "400 Bad Request");
		return;
	}
	size_t room = n_bytes - head.n_bytes;
	size_t n_body = head.body_bytes < 0 ? 0 : (size_t)head.body_bytes;
	if (strcmp(head.path, "/echo") != 0)
		answer_text(out, "404 Not Found");
	else if (n_body > room)
		answer_text(out, "400 Bad Request");
	else
		answer(out, "200 OK", (const char *)request + head.n_bytes, n_body);
}
