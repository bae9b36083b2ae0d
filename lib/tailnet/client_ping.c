/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the server asks a node in its maps (PingRequest): a sign of life, without which a router
 * loses its routes to another, or a request of its own (c2n). Answers go to the server and nobody
 * else, whatever host the URL names: of that only the path is used.
 */
#include <string.h>

#include "base/log.h"
#include "source/headscale/c2n.h"
#include "tailnet/client_inner.h"

enum { ANSWER_MS = 15000 };

static void
on_answered(void *ctx, int rc, int status, const struct text *body, const struct err *why)
{
	struct client_ping *p = ctx;
	if (rc)
		log_debug("tailnet: the answer to a ping did not go out: %s", why->text);
	p->fetch = NULL;
}

/* NULL: it was answered already, or too many are under way. */
static struct client_ping *
take_place(struct client *c, const char *url)
{
	for (unsigned i = 0; i < CLIENT_MAX_PINGS; i++) {
		if (strcmp(c->pings[i].url, url) == 0)
			return NULL;
	}
	for (unsigned i = 0; i < CLIENT_MAX_PINGS; i++) {
		struct client_ping *p = &c->pings[c->next_ping++ % CLIENT_MAX_PINGS];
		if (p->fetch || p->stream)
			continue;
		strcpy(p->url, url);
		return p;
	}
	return NULL;
}

/* To where the server is reached; a proxy in front of it may have given it another name. */
static void
answer_beside(struct client *c, struct client_ping *p, const char *path)
{
	struct server_url url = c->url;
	struct err err;
	strcpy(url.path, path);
	const struct fetch_config fc = {
		.loop = c->config.loop,
		.url = &url,
		.method = "HEAD",
		.proxy = client_proxy(c),
		.ca_file = c->config.intent->ca_file,
		.timeout_ms = ANSWER_MS,
		.ctx = p,
		.on_done = on_answered,
	};
	p->fetch = fetch_begin(&fc, &err);
}

static void
answer_c2n(struct client *c, struct client_ping *p, const struct netmap_ping *ping,
	const char *path)
{
	struct text body;
	text_init(&body);
	c2n_answer(ping->payload, ping->n_payload_bytes, &body);
	p->stream = session_post(c->session, path, &body);
	text_fini(&body);
}

void
client_ping(struct client *c, const struct netmap_ping *ping)
{
	struct server_url url;
	bool is_c2n = strcmp(ping->types, "c2n") == 0;
	if (server_url_parse(ping->url, &url) || (ping->types[0] && !is_c2n)) {
		log_debug("tailnet: the server asks for a ping that is not answered");
		return;
	}
	struct client_ping *p = take_place(c, ping->url);
	if (!p)
		return;
	p->since_ms = uv_now(c->config.loop);
	if (is_c2n)
		answer_c2n(c, p, ping, url.path);
	else if (ping->is_noise)
		p->stream = session_head(c->session, url.path);
	else
		answer_beside(c, p, url.path);
	if (p->stream < 0)
		p->stream = 0;
}

bool
client_ping_end(struct client *c, int32_t stream)
{
	for (unsigned i = 0; i < CLIENT_MAX_PINGS && stream; i++) {
		if (c->pings[i].stream == stream) {
			c->pings[i].stream = 0;
			return true;
		}
	}
	return false;
}

void
client_ping_tick(struct client *c, uint64_t now)
{
	for (unsigned i = 0; i < CLIENT_MAX_PINGS; i++) {
		struct client_ping *p = &c->pings[i];
		if (p->stream && now - p->since_ms > ANSWER_MS) {
			session_cancel(c->session, p->stream);
			p->stream = 0;
		}
	}
}

void
client_ping_reset(struct client *c)
{
	for (unsigned i = 0; i < CLIENT_MAX_PINGS; i++)
		c->pings[i].stream = 0;
}

void
client_ping_stop(struct client *c)
{
	for (unsigned i = 0; i < CLIENT_MAX_PINGS; i++) {
		fetch_cancel(c->pings[i].fetch);
		c->pings[i].fetch = NULL;
	}
}
