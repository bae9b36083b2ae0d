/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A session with the server: conn, channel and http2 one upon the other. Requests may be posted
 * from on_ready on; when it breaks, all of them are gone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "noise/ts2021.h"
#include "source/headscale/proxy.h"
#include "source/headscale/server_url.h"
#include "source/text.h"

struct session_events {
	void *ctx;
	void (*on_ready)(void *ctx);
	void (*on_status)(void *ctx, int32_t stream, int status);
	/* A piece of a body. False: what the server said is of no use, the stream is cancelled. */
	bool (*on_data)(void *ctx, int32_t stream, const uint8_t *data, size_t n_bytes);
	/* The stream has ended, but not by the session's end. */
	void (*on_end)(void *ctx, int32_t stream, bool is_whole);
	/* The last event. The owner still calls session_close. */
	void (*on_broken)(void *ctx, int rc, const struct err *why);
};

struct session_config {
	uv_loop_t *loop;
	const struct server_url *url; /* copied */
	const struct proxy *proxy;    /* copied; NULL: none */
	const char *ca_file;
	unsigned first;               /* address */
	const struct ts2021_identity *who; /* not kept */
	struct session_events events;
};

struct session;

/* NULL with a sentence. No event comes from within. */
struct session *session_open(const struct session_config *config, struct err *err);
/* No event any more. NULL is allowed. */
void session_close(struct session *s);
/* From on_ready on: where the server, or a proxy before it, was reached. */
struct addr session_peer(const struct session *s);
/* As http2_post; what is to be sent goes out at once. */
int32_t session_post(struct session *s, const char *path, const struct text *body);
int32_t session_head(struct session *s, const char *path);
void session_cancel(struct session *s, int32_t stream);
void session_ping(struct session *s);
/* Whether a ping has gone unanswered so far. */
bool session_waits_for_pong(const struct session *s);
