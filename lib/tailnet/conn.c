/* SPDX-License-Identifier: BSD-3-Clause */
#include "tailnet/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "source/headscale/http1.h"
#include "tailnet/tls.h"

enum {
	KEEPALIVE_S = 30,
	UNANSWERED_MS = 45000, /* a server that acknowledges nothing for that long is gone */
	READ_BYTES = 64 << 10,
	UNSENT_BYTES = 16 << 20, /* a server that asks and does not read is left */
};

struct conn {
	struct conn_config config;
	struct server_url url;
	struct proxy proxy;
	bool has_proxy, is_asking; /* the proxy for the way */
	struct text answer;        /* its, as far as it came */
	char whom[SERVER_AUTHORITY_BYTES + 16]; /* is connected to */
	struct tls *tls; /* NULL: plain */
	uv_getaddrinfo_t lookup;
	struct addrinfo *addresses, *at;
	unsigned n_left;  /* addresses to be tried */
	uv_tcp_t tcp;
	uv_connect_t connecting;
	uv_timer_t later; /* ends it in a turn of its own */
	bool has_tcp, is_looking_up, is_closing, has_ended, is_open;
	unsigned n_handles; /* that close */
	int rc;
	struct err why;
	char buffer[READ_BYTES];
};

struct write_job {
	uv_write_t req;
	struct text bytes;
};

static void try_next(struct conn *c);

/* ---- The end ---- */

static void
free_if_done(struct conn *c)
{
	if (!c->is_closing || c->is_looking_up || c->n_handles)
		return;
	uv_freeaddrinfo(c->addresses);
	tls_destroy(c->tls);
	text_fini(&c->answer);
	secret_wipe(&c->proxy, sizeof(c->proxy));
	free(c);
}

static void
on_later_closed(uv_handle_t *handle)
{
	struct conn *c = handle->data;
	c->n_handles--;
	free_if_done(c);
}

static void
on_tcp_closed(uv_handle_t *handle)
{
	struct conn *c = handle->data;
	c->n_handles--;
	c->has_tcp = false;
	if (c->is_closing)
		free_if_done(c);
	else if (!c->has_ended)
		try_next(c);
}

static void
close_tcp(struct conn *c)
{
	if (c->has_tcp && !uv_is_closing((uv_handle_t *)&c->tcp))
		uv_close((uv_handle_t *)&c->tcp, on_tcp_closed);
}

void
conn_close(struct conn *c)
{
	if (!c || c->is_closing)
		return;
	c->is_closing = true;
	if (c->is_looking_up)
		uv_cancel((uv_req_t *)&c->lookup);
	close_tcp(c);
	uv_close((uv_handle_t *)&c->later, on_later_closed);
}

static void
on_later(uv_timer_t *timer)
{
	struct conn *c = timer->data;
	c->config.events.on_end(c->config.events.ctx, c->rc, &c->why);
}

/* Tells of the end, once, and not from within a call of the owner's. */
static void
end(struct conn *c, int rc)
{
	if (c->is_closing || c->has_ended)
		return;
	c->has_ended = true;
	c->rc = rc;
	close_tcp(c);
	uv_timer_start(&c->later, on_later, 0, 0);
}

/* What is cancelled by the end does not become the reason for it. */
static void
end_uv(struct conn *c, int rc, const char *what)
{
	if (!c->has_ended)
		err_set(&c->why, rc, "%s %s: %s", what, c->whom, uv_strerror(rc));
	end(c, rc);
}

/* ---- Bytes ---- */

static void
on_written(uv_write_t *req, int status)
{
	struct write_job *job = CONTAINER_OF(req, struct write_job, req);
	struct conn *c = req->data;
	text_fini(&job->bytes);
	free(job);
	if (status)
		end_uv(c, status, "sending to");
}

/* Takes the bytes over. */
static void
write_raw(struct conn *c, struct text *bytes)
{
	struct write_job *job = bytes->n_bytes && !bytes->failed ? calloc(1, sizeof(*job)) : NULL;
	if (!job) {
		bool is_short = bytes->n_bytes || bytes->failed;
		text_fini(bytes);
		if (is_short)
			end_uv(c, UV_ENOMEM, "sending to");
		return;
	}
	job->bytes = *bytes;
	text_init(bytes);
	if (uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp) > UNSENT_BYTES) {
		text_fini(&job->bytes);
		free(job);
		end_uv(c, UV_ENOBUFS, "sending to");
		return;
	}
	job->req.data = c;
	uv_buf_t buf = uv_buf_init(job->bytes.data, (unsigned)job->bytes.n_bytes);
	int rc = uv_write(&job->req, (uv_stream_t *)&c->tcp, &buf, 1, on_written);
	if (rc) {
		text_fini(&job->bytes);
		free(job);
		end_uv(c, rc, "sending to");
	}
}

void
conn_write(struct conn *c, struct text *out)
{
	struct text sealed;
	if (c->has_ended || c->is_closing || !c->is_open) {
		text_fini(out);
		return;
	}
	if (!c->tls) {
		write_raw(c, out);
		return;
	}
	text_init(&sealed);
	int rc = out->failed ? -ENOMEM : tls_write(c->tls, out->data, out->n_bytes, &sealed);
	text_fini(out);
	if (rc) {
		text_fini(&sealed);
		end_uv(c, rc, "sending to");
		return;
	}
	write_raw(c, &sealed);
}

static void
become_open(struct conn *c)
{
	c->is_open = true;
	c->config.events.on_open(c->config.events.ctx);
}

static void
take_tls(struct conn *c, const void *data, size_t n_bytes)
{
	struct tls_yield y = {{0}, {0}};
	int rc = tls_feed(c->tls, data, n_bytes, &y, &c->why);
	if (y.wire.n_bytes)
		write_raw(c, &y.wire);
	if (!rc && !c->is_open && tls_is_open(c->tls))
		become_open(c);
	if (y.plain.n_bytes && !c->has_ended && !c->is_closing)
		c->config.events.on_data(c->config.events.ctx, y.plain.data, y.plain.n_bytes);
	text_fini(&y.plain);
	text_fini(&y.wire);
	if (rc)
		end(c, rc);
}

/* ---- The proxy ---- */

static void
begin(struct conn *c)
{
	if (c->tls)
		take_tls(c, NULL, 0);
	else
		become_open(c);
}

static void
ask_proxy(struct conn *c)
{
	struct text request;
	text_init(&request);
	proxy_request(&c->proxy, &c->url, &request);
	c->is_asking = true;
	write_raw(c, &request);
}

/* What stands behind its answer would be the server's, who has not been spoken to yet. */
static void
take_answer(struct conn *c, const void *data, size_t n_bytes)
{
	struct http1_head head;
	text_add_bytes(&c->answer, data, n_bytes);
	int rc = http1_parse_head(c->answer.data, c->answer.n_bytes, &head);
	if (!rc && !c->answer.failed)
		return;
	if (rc == 1)
		rc = proxy_judge(&c->proxy, &c->url, head.status, &c->why);
	else
		rc = err_set(&c->why, -EPROTO, "%s does not speak HTTP/1", c->whom);
	if (!rc && c->answer.n_bytes > head.n_bytes)
		rc = err_set(&c->why, -EPROTO, "%s says more than it was asked", c->whom);
	text_fini(&c->answer);
	text_init(&c->answer);
	c->is_asking = false;
	if (rc)
		end(c, rc);
	else
		begin(c);
}

static void
on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
	struct conn *c = handle->data;
	*out = uv_buf_init(c->buffer, sizeof(c->buffer));
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = stream->data;
	if (c->is_closing || c->has_ended || n == 0)
		return;
	if (n == UV_EOF) {
		err_set(&c->why, -ECONNRESET, "%s ended the connection", c->whom);
		end(c, -ECONNRESET);
	} else if (n < 0) {
		end_uv(c, (int)n, "reading from");
	} else if (c->is_asking) {
		take_answer(c, buf->base, (size_t)n);
	} else if (c->tls) {
		take_tls(c, buf->base, (size_t)n);
	} else {
		c->config.events.on_data(c->config.events.ctx, buf->base, (size_t)n);
	}
}

/* ---- Getting there ---- */

static void
set_options(struct conn *c)
{
	unsigned ms = UNANSWERED_MS;
	int fd;
	uv_tcp_nodelay(&c->tcp, 1);
	uv_tcp_keepalive(&c->tcp, 1, KEEPALIVE_S);
	if (uv_fileno((uv_handle_t *)&c->tcp, &fd) == 0)
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

struct addr
conn_peer(const struct conn *c)
{
	struct sockaddr_storage to;
	struct endpoint e = {0};
	int n_bytes = sizeof(to);
	if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&to, &n_bytes) == 0)
		(void)endpoint_from_sockaddr((struct sockaddr *)&to, &e);
	return e.addr;
}

static void
on_connected(uv_connect_t *req, int status)
{
	struct conn *c = req->data;
	if (c->is_closing || c->has_ended)
		return;
	if (status) {
		err_set(&c->why, status, "connecting to %s: %s", c->whom, uv_strerror(status));
		c->rc = status;
		close_tcp(c); /* and then the next address */
		return;
	}
	set_options(c);
	c->tcp.data = c;
	int rc = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
	if (rc)
		end_uv(c, rc, "reading from");
	else if (c->has_proxy)
		ask_proxy(c);
	else
		begin(c);
}

static void
try_next(struct conn *c)
{
	if (!c->n_left) {
		end(c, c->rc ? c->rc : -EADDRNOTAVAIL);
		return;
	}
	const struct addrinfo *a = c->at;
	c->at = a->ai_next ? a->ai_next : c->addresses;
	c->n_left--;
	int rc = uv_tcp_init(c->config.loop, &c->tcp);
	if (rc) {
		end_uv(c, rc, "connecting to");
		return;
	}
	c->has_tcp = true;
	c->n_handles++;
	c->tcp.data = c;
	c->connecting.data = c;
	rc = uv_tcp_connect(&c->connecting, &c->tcp, a->ai_addr, on_connected);
	if (rc) {
		err_set(&c->why, rc, "connecting to %s: %s", c->whom, uv_strerror(rc));
		c->rc = rc;
		close_tcp(c);
	}
}

static void
on_looked_up(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
	struct conn *c = req->data;
	c->is_looking_up = false;
	c->addresses = found;
	if (c->is_closing) {
		free_if_done(c);
		return;
	}
	if (status || !found) {
		err_set(&c->why, status, "%s cannot be looked up: %s",
			c->has_proxy ? c->whom : c->url.host, uv_strerror(status));
		end(c, status ? status : -ENOENT);
		return;
	}
	for (const struct addrinfo *a = found; a; a = a->ai_next)
		c->n_left++;
	c->at = found;
	for (unsigned i = c->config.first % c->n_left; i; i--)
		c->at = c->at->ai_next;
	try_next(c);
}

/* Whom to connect to; the caller closes the connection on failure. */
static int
look_up(struct conn *c, struct err *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	const struct server_url *to = c->has_proxy ? &c->proxy.url : &c->url;
	char port[8];
	snprintf(port, sizeof(port), "%u", to->port);
	snprintf(c->whom, sizeof(c->whom), "%s%s", c->has_proxy ? "the proxy " : "",
		to->authority);
	int rc = uv_getaddrinfo(c->config.loop, &c->lookup, on_looked_up, to->host, port, &hints);
	c->is_looking_up = rc == 0;
	return rc ? err_set(err, rc, "%s cannot be looked up: %s", c->whom, uv_strerror(rc)) : 0;
}

struct conn *
conn_open(const struct conn_config *config, struct err *err)
{
	struct conn *c = calloc(1, sizeof(*c));
	if (!c) {
		err_set(err, -ENOMEM, "no memory for a connection");
		return NULL;
	}
	c->config = *config;
	c->url = *config->url;
	c->has_proxy = config->proxy;
	if (c->has_proxy)
		c->proxy = *config->proxy;
	text_init(&c->answer);
	if (c->url.is_tls && !(c->tls = tls_create(c->url.host, config->ca_file, err))) {
		secret_wipe(&c->proxy, sizeof(c->proxy));
		free(c);
		return NULL;
	}
	uv_timer_init(config->loop, &c->later);
	c->later.data = c;
	c->n_handles = 1;
	c->lookup.data = c;
	if (look_up(c, err)) {
		conn_close(c);
		return NULL;
	}
	return c;
}
