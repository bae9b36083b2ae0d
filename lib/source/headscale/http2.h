/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HTTP/2 by prior knowledge (RFC 9113) over nghttp2, a client's side: bytes in and bytes out, many
 * requests at once. Windows are large, for a server gives up on a reader whose window is full.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "source/text.h"

enum {
	HTTP2_STREAM_WINDOW_BYTES = 4 << 20,
	HTTP2_WINDOW_BYTES = 64 << 20,
	HTTP2_MAX_REQUESTS = 16, /* at once */
};

/* What a request hears of its answer; called from within http2_feed. */
struct http2_events {
	void *ctx;
	void (*on_status)(void *ctx, int32_t stream, int status);
	/* A piece of the body. False: the connection is to end (http2_feed then fails). */
	bool (*on_data)(void *ctx, int32_t stream, const uint8_t *data, size_t n_bytes);
	/* The last of it; is_whole: it ended as it should, and was not cut off. */
	void (*on_end)(void *ctx, int32_t stream, bool is_whole);
	/* The answer to a ping. */
	void (*on_pong)(void *ctx);
};

struct http2;

/* events is copied. Its preface and settings wait for http2_pull. NULL when memory is short. */
struct http2 *http2_create(const struct http2_events *events);
/* Streams end without on_end. NULL is allowed. */
void http2_destroy(struct http2 *h);
/* All of what came. 0, -EPROTO or -ENOMEM with a sentence: the connection is over. */
int http2_feed(struct http2 *h, const void *data, size_t n_bytes, struct err *err);
/* Appends all there is to send. 0 or -ENOMEM. */
int http2_pull(struct http2 *h, struct text *out);
/*
 * POST of a JSON body (copied, and wiped when it went out) to "/machine/map" or the like. The
 * stream's number, or -ENOSPC, -ENOMEM, or -ESHUTDOWN when the server takes no more requests.
 */
int32_t http2_post(struct http2 *h, const char *authority, const char *path,
	const struct text *body);
/* HEAD, without a body; the same. */
int32_t http2_head(struct http2 *h, const char *authority, const char *path);
/* The stream is of no more interest: on_end is not called. */
void http2_cancel(struct http2 *h, int32_t stream);
void http2_ping(struct http2 *h);
/* False: the server has said that it ends, and no stream is left. */
bool http2_is_alive(const struct http2 *h);
