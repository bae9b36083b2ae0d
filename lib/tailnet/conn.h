/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection to a server by its URL: the name is looked up, its addresses are tried one after
 * the other, a proxy is asked for the way if there is one, TLS is spoken if the URL says so; then
 * it is bytes. Nothing here blocks its loop.
 */
#pragma once

#include <uv.h>

#include "base/addr.h"
#include "base/err.h"
#include "source/headscale/proxy.h"
#include "source/headscale/server_url.h"
#include "source/text.h"

struct conn_events {
	void *ctx;
	void (*on_open)(void *ctx);
	void (*on_data)(void *ctx, const void *data, size_t n_bytes);
	/* It could not be, or has ended; the last event. The owner still calls conn_close. */
	void (*on_end)(void *ctx, int rc, const struct err *why);
};

struct conn_config {
	uv_loop_t *loop;
	const struct server_url *url; /* copied */
	const struct proxy *proxy;    /* copied; NULL: none */
	const char *ca_file;          /* copied by TLS; "" for none */
	unsigned first;               /* which address is tried first, modulo their number */
	struct conn_events events;
};

struct conn;

/* Begins. NULL with a sentence: it cannot even begin. on_end is not called from within. */
struct conn *conn_open(const struct conn_config *config, struct err *err);
/* No event comes any more; it frees itself in a later turn of the loop. NULL is allowed. */
void conn_close(struct conn *c);
/* After on_open: whom it leads to. */
struct addr conn_peer(const struct conn *c);
/* After on_open. Takes the bytes out of `out`. Failures come as on_end. */
void conn_write(struct conn *c, struct text *out);
