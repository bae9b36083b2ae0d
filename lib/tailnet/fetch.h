/* SPDX-License-Identifier: BSD-3-Clause */
/* One plain request over a connection of its own: the server's key, the answer to its pings. */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "source/headscale/proxy.h"
#include "source/headscale/server_url.h"
#include "source/text.h"

enum { FETCH_MAX_BYTES = 64 << 10 };

struct fetch_config {
	uv_loop_t *loop;
	const struct server_url *url; /* copied, with its path */
	const char *method;           /* "GET" or "HEAD": a constant */
	const struct proxy *proxy;    /* copied; NULL: none */
	const char *ca_file;
	unsigned first;               /* address */
	unsigned timeout_ms;
	void *ctx;
	/*
	 * The answer: status and body; or rc negative and why. The last event; the fetch is gone
	 * when it returns.
	 */
	void (*on_done)(void *ctx, int rc, int status, const struct text *body,
		const struct err *why);
};

struct fetch;

/* NULL with a sentence. */
struct fetch *fetch_begin(const struct fetch_config *config, struct err *err);
/* Without an event. NULL is allowed. */
void fetch_cancel(struct fetch *f);
