/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HTTP/1.0, so that the body comes as it is and ends where Content-Length or the connection says.
 */
#include "tailnet/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/headscale/http1.h"
#include "tailnet/conn.h"

struct fetch {
	struct fetch_config config;
	struct server_url url;
	struct conn *conn;
	uv_timer_t timer;
	struct text in;
};

static void
on_closed(uv_handle_t *handle)
{
	struct fetch *f = handle->data;
	text_fini(&f->in);
	free(f);
}

void
fetch_cancel(struct fetch *f)
{
	if (!f || uv_is_closing((uv_handle_t *)&f->timer))
		return;
	conn_close(f->conn);
	uv_close((uv_handle_t *)&f->timer, on_closed);
}

static void
done(struct fetch *f, int rc, const struct err *why)
{
	struct http1_head head = {0};
	struct text body = {0};
	struct err wrong = {0};
	if (!rc && http1_parse_head(f->in.data, f->in.n_bytes, &head) != 1) {
		rc = err_set(&wrong, -EPROTO, "what answers at %s does not speak HTTP/1",
			f->url.authority);
		why = &wrong;
	}
	if (!rc)
		body = (struct text){.data = f->in.data + head.n_bytes,
			.n_bytes = f->in.n_bytes - head.n_bytes};
	f->config.on_done(f->config.ctx, rc, head.status, &body, why);
	fetch_cancel(f);
}

static bool
is_whole(const struct fetch *f)
{
	struct http1_head head;
	int rc = http1_parse_head(f->in.data, f->in.n_bytes, &head);
	if (rc <= 0)
		return rc < 0;
	return strcmp(f->config.method, "HEAD") == 0 ||
		(head.body_bytes >= 0 && f->in.n_bytes - head.n_bytes >= (size_t)head.body_bytes);
}

static void
on_open(void *ctx)
{
	struct fetch *f = ctx;
	struct text request;
	text_init(&request);
	text_add(&request, "%s %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n",
		f->config.method, f->url.path, f->url.authority);
	conn_write(f->conn, &request);
}

static void
on_data(void *ctx, const void *data, size_t n_bytes)
{
	struct fetch *f = ctx;
	struct err why;
	text_add_bytes(&f->in, data, n_bytes);
	if (f->in.failed || f->in.n_bytes > FETCH_MAX_BYTES)
		done(f, err_set(&why, -EMSGSIZE, "%s answers too much", f->url.authority), &why);
	else if (is_whole(f))
		done(f, 0, NULL);
}

/* The end of the connection is the end of a body whose length was not said. */
static void
on_end(void *ctx, int rc, const struct err *why)
{
	struct fetch *f = ctx;
	struct http1_head head;
	bool is_body = rc == -ECONNRESET && f->in.n_bytes &&
		http1_parse_head(f->in.data, f->in.n_bytes, &head) == 1 && head.body_bytes < 0;
	done(f, is_body ? 0 : rc, why);
}

static void
on_timeout(uv_timer_t *timer)
{
	struct fetch *f = timer->data;
	struct err why;
	done(f, err_set(&why, -ETIMEDOUT, "%s does not answer", f->url.authority), &why);
}

struct fetch *
fetch_begin(const struct fetch_config *config, struct err *err)
{
	struct fetch *f = calloc(1, sizeof(*f));
	if (!f) {
		err_set(err, -ENOMEM, "memory is short");
		return NULL;
	}
	f->config = *config;
	f->url = *config->url;
	text_init(&f->in);
	const struct conn_config cc = {
		.loop = config->loop,
		.url = &f->url,
		.proxy = config->proxy,
		.ca_file = config->ca_file,
		.first = config->first,
		.events = {f, on_open, on_data, on_end},
	};
	f->conn = conn_open(&cc, err);
	if (!f->conn) {
		free(f);
		return NULL;
	}
	uv_timer_init(config->loop, &f->timer);
	f->timer.data = f;
	uv_timer_start(&f->timer, on_timeout, config->timeout_ms, 0);
	return f;
}
