/* SPDX-License-Identifier: BSD-3-Clause */
#include "tailnet/session.h"

#include <errno.h>
#include <stdlib.h>

#include "base/secret.h"
#include "source/headscale/channel.h"
#include "source/headscale/http2.h"
#include "tailnet/conn.h"

struct session {
	struct session_config config;
	struct server_url url;
	struct ts2021_identity who; /* wiped once the handshake has begun */
	struct conn *conn;
	struct channel channel;
	struct http2 *http2; /* NULL until the handshake is done */
	bool has_channel, waits_for_pong, is_closed;
	bool is_busy; /* in HTTP/2, which is not to be entered again */
	uv_timer_t later; /* frees it in a turn of its own */
};

static void
on_later_closed(uv_handle_t *handle)
{
	struct session *s = handle->data;
	http2_destroy(s->http2);
	if (s->has_channel)
		channel_fini(&s->channel);
	secret_wipe(&s->who, sizeof(s->who));
	free(s);
}

void
session_close(struct session *s)
{
	if (!s || s->is_closed)
		return;
	s->is_closed = true;
	conn_close(s->conn);
	uv_close((uv_handle_t *)&s->later, on_later_closed);
}

static void
broken(struct session *s, int rc, const struct err *why)
{
	if (!s->is_closed)
		s->config.events.on_broken(s->config.events.ctx, rc, why);
}

/*
 * Sends what HTTP/2 has to say. Not from within its callbacks, which a stream's end while it is
 * sent calls, too: they return to where it is done.
 */
static void
flush(struct session *s)
{
	struct text plain, records;
	if (s->is_busy || s->is_closed)
		return;
	text_init(&plain);
	text_init(&records);
	s->is_busy = true;
	int rc = http2_pull(s->http2, &plain);
	s->is_busy = false;
	if (!rc && plain.n_bytes)
		rc = channel_seal(&s->channel, plain.data, plain.n_bytes, &records);
	text_fini(&plain);
	if (rc) {
		struct err why;
		text_fini(&records);
		err_set(&why, rc, "memory is short");
		broken(s, rc, &why);
	} else if (records.n_bytes) {
		conn_write(s->conn, &records);
	}
}

/* ---- HTTP/2's events ---- */

static void
on_status(void *ctx, int32_t stream, int status)
{
	struct session *s = ctx;
	if (!s->is_closed)
		s->config.events.on_status(s->config.events.ctx, stream, status);
}

static bool
on_data(void *ctx, int32_t stream, const uint8_t *data, size_t n_bytes)
{
	struct session *s = ctx;
	if (!s->is_closed &&
		!s->config.events.on_data(s->config.events.ctx, stream, data, n_bytes))
		http2_cancel(s->http2, stream);
	return !s->is_closed;
}

static void
on_stream_end(void *ctx, int32_t stream, bool is_whole)
{
	struct session *s = ctx;
	if (!s->is_closed)
		s->config.events.on_end(s->config.events.ctx, stream, is_whole);
}

static void
on_pong(void *ctx)
{
	struct session *s = ctx;
	s->waits_for_pong = false;
}

/* ---- The connection's events ---- */

static void
on_open(void *ctx)
{
	struct session *s = ctx;
	struct text out;
	struct err why = {0};
	text_init(&out);
	int rc = channel_begin(&s->channel, &s->who, s->url.authority, &out, &why);
	secret_wipe(&s->who, sizeof(s->who));
	s->has_channel = true;
	if (!rc)
		conn_write(s->conn, &out);
	text_fini(&out);
	if (rc)
		broken(s, rc, &why);
}

static int
become_ready(struct session *s, struct err *why)
{
	const struct http2_events events = {s, on_status, on_data, on_stream_end, on_pong};
	s->http2 = http2_create(&events);
	if (!s->http2)
		return err_set(why, -ENOMEM, "memory is short");
	s->config.events.on_ready(s->config.events.ctx);
	return 0;
}

static void
on_bytes(void *ctx, const void *data, size_t n_bytes)
{
	struct session *s = ctx;
	struct text plain;
	struct err why = {0};
	text_init(&plain);
	int rc = channel_feed(&s->channel, data, n_bytes, &plain, &why);
	if (!rc && !s->http2 && channel_is_ready(&s->channel))
		rc = become_ready(s, &why);
	if (!rc && s->http2 && plain.n_bytes && !s->is_closed) {
		s->is_busy = true;
		rc = http2_feed(s->http2, plain.data, plain.n_bytes, &why);
		s->is_busy = false;
	}
	text_fini(&plain);
	if (rc)
		broken(s, rc, &why);
	else if (s->http2)
		flush(s);
	if (!rc && s->http2 && !s->is_closed && !http2_is_alive(s->http2))
		broken(s, err_set(&why, -ECONNRESET, "%s ended the session", s->url.authority),
			&why);
}

/* Once upgraded, a server that ends before its answer has refused ours, and does not say why. */
static void
on_conn_end(void *ctx, int rc, const struct err *why)
{
	struct session *s = ctx;
	struct err refused;
	if (rc == -ECONNRESET && s->has_channel && s->channel.state == CHANNEL_SHAKING) {
		rc = err_set(&refused, -EBADMSG, "%s refused the handshake: its key is another one "
			"now, or it wants newer clients", s->url.authority);
		why = &refused;
	}
	broken(s, rc, why);
}

/* ---- For the owner ---- */

struct addr
session_peer(const struct session *s)
{
	return conn_peer(s->conn);
}

struct session *
session_open(const struct session_config *config, struct err *err)
{
	struct session *s = calloc(1, sizeof(*s));
	if (!s) {
		err_set(err, -ENOMEM, "memory is short");
		return NULL;
	}
	s->config = *config;
	s->url = *config->url;
	s->who = *config->who;
	const struct conn_config cc = {
		.loop = config->loop,
		.url = &s->url,
		.proxy = config->proxy,
		.ca_file = config->ca_file,
		.first = config->first,
		.events = {s, on_open, on_bytes, on_conn_end},
	};
	s->conn = conn_open(&cc, err);
	if (!s->conn) {
		secret_wipe(s, sizeof(*s));
		free(s);
		return NULL;
	}
	uv_timer_init(config->loop, &s->later);
	s->later.data = s;
	return s;
}

int32_t
session_post(struct session *s, const char *path, const struct text *body)
{
	int32_t stream = http2_post(s->http2, s->url.authority, path, body);
	if (stream > 0)
		flush(s);
	return stream;
}

int32_t
session_head(struct session *s, const char *path)
{
	int32_t stream = http2_head(s->http2, s->url.authority, path);
	if (stream > 0)
		flush(s);
	return stream;
}

void
session_cancel(struct session *s, int32_t stream)
{
	http2_cancel(s->http2, stream);
	flush(s);
}

void
session_ping(struct session *s)
{
	s->waits_for_pong = true;
	http2_ping(s->http2);
	flush(s);
}

bool
session_waits_for_pong(const struct session *s)
{
	return s->waits_for_pong;
}
