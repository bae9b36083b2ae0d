/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/http2.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* A request whose answer is not whole yet. */
struct request {
	int32_t stream; /* 0: the place is free */
	int status;
	struct text body;
	size_t n_sent;
};

struct http2 {
	nghttp2_session *session;
	struct http2_events events;
	struct request requests[HTTP2_MAX_REQUESTS];
};

static struct request *
find(struct http2 *h, int32_t stream)
{
	for (size_t i = 0; i < ARRAY_COUNT(h->requests); i++) {
		if (h->requests[i].stream == stream)
			return &h->requests[i];
	}
	return NULL;
}

static void
release(struct request *r)
{
	text_fini(&r->body);
	memset(r, 0, sizeof(*r));
}

static ssize_t
read_body(nghttp2_session *session, int32_t stream, uint8_t *out, size_t room, uint32_t *flags,
	nghttp2_data_source *source, void *ctx)
{
	struct request *r = find(ctx, stream);
	if (!r)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	size_t n = MIN_OF(room, r->body.n_bytes - r->n_sent);
	memcpy(out, r->body.data + r->n_sent, n);
	r->n_sent += n;
	if (r->n_sent == r->body.n_bytes)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t n_name,
	const uint8_t *value, size_t n_value, uint8_t flags, void *ctx)
{
	struct request *r = find(ctx, frame->hd.stream_id);
	if (r && n_name == 7 && memcmp(name, ":status", 7) == 0 && n_value == 3)
		r->status = (value[0] - '0') * 100 + (value[1] - '0') * 10 + value[2] - '0';
	return 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct http2 *h = ctx;
	struct request *r = find(h, frame->hd.stream_id);
	if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) &&
		h->events.on_pong)
		h->events.on_pong(h->events.ctx);
	if (frame->hd.type == NGHTTP2_HEADERS && r && frame->hd.stream_id && r->status >= 200)
		h->events.on_status(h->events.ctx, r->stream, r->status);
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
	size_t n_bytes, void *ctx)
{
	struct http2 *h = ctx;
	if (!stream || !find(h, stream))
		return 0;
	return h->events.on_data(h->events.ctx, stream, data, n_bytes) ? 0 :
		NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int
on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *ctx)
{
	struct http2 *h = ctx;
	struct request *r = stream ? find(h, stream) : NULL;
	if (!r)
		return 0;
	release(r);
	h->events.on_end(h->events.ctx, stream, error == NGHTTP2_NO_ERROR);
	return 0;
}

static int
make_session(struct http2 *h)
{
	static const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_STREAM_WINDOW_BYTES},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 64 << 10},
	};
	nghttp2_session_callbacks *cb;
	if (nghttp2_session_callbacks_new(&cb))
		return -ENOMEM;
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
	int rc = nghttp2_session_client_new(&h->session, cb, h);
	nghttp2_session_callbacks_del(cb);
	if (!rc)
		rc = nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
			ARRAY_COUNT(settings));
	if (!rc)
		rc = nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
			HTTP2_WINDOW_BYTES);
	return rc ? -ENOMEM : 0;
}

struct http2 *
http2_create(const struct http2_events *events)
{
	struct http2 *h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->events = *events;
	if (make_session(h)) {
		http2_destroy(h);
		return NULL;
	}
	return h;
}

void
http2_destroy(struct http2 *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < ARRAY_COUNT(h->requests); i++)
		release(&h->requests[i]);
	nghttp2_session_del(h->session);
	free(h);
}

int
http2_feed(struct http2 *h, const void *data, size_t n_bytes, struct err *err)
{
	ssize_t n = nghttp2_session_mem_recv(h->session, data, n_bytes);
	if (n >= 0)
		return 0;
	return err_set(err, n == NGHTTP2_ERR_NOMEM ? -ENOMEM : -EPROTO,
		"the server's HTTP/2 is broken: %s", nghttp2_strerror((int)n));
}

int
http2_pull(struct http2 *h, struct text *out)
{
	for (;;) {
		const uint8_t *data;
		ssize_t n = nghttp2_session_mem_send(h->session, &data);
		if (n < 0)
			return -ENOMEM;
		if (n == 0)
			return out->failed ? -ENOMEM : 0;
		text_add_bytes(out, data, (size_t)n);
	}
}

static nghttp2_nv
header(const char *name, const char *value)
{
	return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
		strlen(value), NGHTTP2_NV_FLAG_NONE};
}

int32_t
http2_post(struct http2 *h, const char *authority, const char *path, const struct text *body)
{
	char length[24];
	struct request *r = find(h, 0);
	if (!r)
		return -ENOSPC;
	if (body->failed || !body->data)
		return -ENOMEM;
	snprintf(length, sizeof(length), "%zu", body->n_bytes);
	const nghttp2_nv headers[] = {
		header(":method", "POST"),
		header(":scheme", "https"),
		header(":authority", authority),
		header(":path", path),
		header("content-type", "application/json"),
		header("content-length", length),
	};
	const nghttp2_data_provider provider = {.read_callback = read_body};
	text_add_bytes(&r->body, body->data, body->n_bytes);
	int32_t stream = r->body.failed ? NGHTTP2_ERR_NOMEM :
		nghttp2_submit_request(h->session, NULL, headers, ARRAY_COUNT(headers), &provider,
			NULL);
	if (stream > 0) {
		r->stream = stream;
		return stream;
	}
	release(r);
	return stream == NGHTTP2_ERR_NOMEM ? -ENOMEM : -ESHUTDOWN;
}

int32_t
http2_head(struct http2 *h, const char *authority, const char *path)
{
	struct request *r = find(h, 0);
	if (!r)
		return -ENOSPC;
	const nghttp2_nv headers[] = {
		header(":method", "HEAD"),
		header(":scheme", "https"),
		header(":authority", authority),
		header(":path", path),
	};
	int32_t stream = nghttp2_submit_request(h->session, NULL, headers, ARRAY_COUNT(headers),
		NULL, NULL);
	if (stream > 0)
		r->stream = stream;
	else
		stream = stream == NGHTTP2_ERR_NOMEM ? -ENOMEM : -ESHUTDOWN;
	return stream;
}

void
http2_cancel(struct http2 *h, int32_t stream)
{
	struct request *r = stream > 0 ? find(h, stream) : NULL;
	if (!r)
		return;
	release(r);
	nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
}

void
http2_ping(struct http2 *h)
{
	nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, NULL);
}

bool
http2_is_alive(const struct http2 *h)
{
	return nghttp2_session_want_read(h->session) || nghttp2_session_want_write(h->session);
}
