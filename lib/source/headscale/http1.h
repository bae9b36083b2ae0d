/* SPDX-License-Identifier: BSD-3-Clause */
/* The little of HTTP/1 (RFC 9112) that a node speaks: the head of an answer, or of a request. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	HTTP1_MAX_HEAD_BYTES = 16 << 10,
	HTTP1_VALUE_BYTES = 64,
};

struct http1_head {
	int status;                       /* of an answer */
	char path[HTTP1_VALUE_BYTES];     /* of a request, without its query */
	size_t n_bytes;                   /* of the head, with its empty line */
	int64_t body_bytes;               /* Content-Length; -1: not said */
	char upgrade[HTTP1_VALUE_BYTES];  /* "" when there is none */
};

/*
 * 1 and the head when it is whole; 0: more is needed; -EBADMSG: this is no HTTP/1; -EMSGSIZE: the
 * head is longer than HTTP1_MAX_HEAD_BYTES.
 */
int http1_parse_head(const void *data, size_t n_bytes, struct http1_head *out);
/* The same of a request. */
int http1_parse_request(const void *data, size_t n_bytes, struct http1_head *out);
