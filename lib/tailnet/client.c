/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/secret.h"
#include "crypto/x25519.h"
#include "source/headscale/control_key.h"
#include "tailnet/backoff.h"
#include "tailnet/client_inner.h"
#include "tailnet/state_file.h"

enum {
	TICK_MS = 1000,
	REFUSALS_UNTIL_KEY = 3, /* then the server's key is asked for again */
	STOP_MS = 1500,
};

#define VERSION "headgate-0.1"

static void attempt(struct client *c);

/* ---- What the others ask ---- */

struct key
client_node_public(const struct client *c)
{
	struct key k;
	x25519_public(k.bytes, c->config.state->node_private.bytes);
	return k;
}

struct hostinfo
client_hostinfo(const struct client *c)
{
	static const struct prefix_list nothing;
	const struct headscale_intent *it = c->config.intent;
	bool offers = !c->is_stopping && c->wish == TAILNET_WISH_UP;
	return (struct hostinfo){
		.hostname = it->hostname,
		.version = VERSION,
		.routes = offers ? &it->routes : &nothing,
		.offers_exit = offers && it->offers_exit,
		.tags = it->tags,
	};
}

int64_t
client_server_time(const struct client *c)
{
	return (int64_t)time(NULL) + c->skew_s;
}

void
client_save(struct client *c)
{
	struct err err = {0};
	if (state_file_save(c->config.state_path, c->config.state, &err))
		log_error("tailnet: %s", err.text);
}

void
client_set_phase(struct client *c, enum tailnet_phase phase, const char *trouble)
{
	struct tailnet_status *s = &c->status;
	bool is_news = s->phase != phase || strcmp(s->trouble, trouble) != 0;
	if (s->phase != phase)
		s->since_s = time(NULL);
	s->phase = phase;
	snprintf(s->trouble, sizeof(s->trouble), "%s", trouble);
	if (phase == TAILNET_RUNNING)
		s->auth_url[0] = 0;
	if (is_news && *trouble)
		log_warn("tailnet: %s", trouble);
	c->config.on_status(c->config.ctx, s);
}

/* ---- Failing ---- */

static void
drop_session(struct client *c)
{
	fetch_cancel(c->key_fetch);
	c->key_fetch = NULL;
	session_close(c->session);
	c->session = NULL;
	c->is_ready = false;
	client_register_reset(c);
	client_map_reset(c);
	client_ping_reset(c);
}

static void
stopped(struct client *c)
{
	if (c->is_stopped)
		return;
	c->is_stopped = true;
	drop_session(c);
	client_ping_stop(c);
	uv_close((uv_handle_t *)&c->retry, NULL);
	uv_close((uv_handle_t *)&c->tick, NULL);
	uv_close((uv_handle_t *)&c->publish, NULL);
	c->config.on_stopped(c->config.ctx);
}

static void
on_retry(uv_timer_t *timer)
{
	attempt(timer->data);
}

void
client_fail(struct client *c, const struct err *why, uint32_t wait_ms)
{
	uint32_t random;
	if (c->is_stopped)
		return;
	drop_session(c);
	if (c->is_stopping) {
		stopped(c);
		return;
	}
	if (c->wish == TAILNET_WISH_DOWN) {
		client_rest(c, TAILNET_DOWN);
		return;
	}
	secret_random(&random, sizeof(random));
	uint32_t ms = backoff_ms(++c->n_failures, random);
	/* A server that wants a person, or refuses, says so by its phase. */
	if (c->status.phase == TAILNET_NEEDS_LOGIN || c->status.phase == TAILNET_REFUSED)
		client_set_phase(c, c->status.phase, why->text);
	else
		client_set_phase(c, TAILNET_CONNECTING, why->text);
	uv_timer_start(&c->retry, on_retry, MAX_OF(ms, wait_ms), 0);
}

/* ---- The session ---- */

static void
on_ready(void *ctx)
{
	struct client *c = ctx;
	c->is_ready = true;
	c->status.server = session_peer(c->session);
	c->n_refusals = 0;
	client_register(c, c->wish == TAILNET_WISH_LOGOUT ? REGISTER_TO_LEAVE : REGISTER_TO_JOIN);
}

static void
on_status(void *ctx, int32_t stream, int status)
{
	struct client *c = ctx;
	if (stream == c->register_stream)
		client_register_status(c, status);
	else if (stream == c->map_stream)
		c->map_status = status;
}

static bool
on_data(void *ctx, int32_t stream, const uint8_t *data, size_t n_bytes)
{
	struct client *c = ctx;
	if (stream == c->register_stream)
		return client_register_data(c, data, n_bytes);
	return stream == c->map_stream ? client_map_data(c, data, n_bytes) : true;
}

static void
on_end(void *ctx, int32_t stream, bool is_whole)
{
	struct client *c = ctx;
	if (stream == c->register_stream) {
		client_register_end(c, is_whole);
	} else if (stream == c->map_stream) {
		client_map_end(c, is_whole);
	} else if (client_ping_end(c, stream)) {
		return;
	} else if (stream == c->update_stream) {
		c->update_stream = 0;
		if (c->is_stopping)
			stopped(c);
		else if (c->is_leaving)
			client_rest(c, TAILNET_DOWN);
		else if (c->update_is_wanted)
			client_update(c);
	}
}

static void
on_broken(void *ctx, int rc, const struct err *why)
{
	struct client *c = ctx;
	c->n_refusals = rc == -EBADMSG ? c->n_refusals + 1 : 0;
	client_fail(c, why, 0);
}

static void
open_session(struct client *c)
{
	struct err err = {0};
	struct ts2021_identity who = {
		.version = TAILNET_CAPABILITY_VERSION,
		.server_public = c->config.state->server_public,
		.machine_private = c->config.state->machine_private,
	};
	const struct session_config sc = {
		.loop = c->config.loop,
		.url = &c->url,
		.proxy = client_proxy(c),
		.ca_file = c->config.intent->ca_file,
		.first = c->n_failures,
		.who = &who,
		.events = {c, on_ready, on_status, on_data, on_end, on_broken},
	};
	c->session = session_open(&sc, &err);
	secret_wipe(&who, sizeof(who));
	if (!c->session)
		client_fail(c, &err, 0);
}

/* ---- The server's key ---- */

/* One that is not the pinned one is refused. Over plain HTTP there is always a pinned one. */
static int
judge_key(const struct client *c, const struct key *k, struct err *err)
{
	const struct key *pinned = &c->config.intent->server_key;
	const struct tailnet_state *s = c->config.state;
	bool is_known = !key_is_zero(&s->server_public) &&
		strcmp(s->server, c->config.intent->server) == 0;
	if (!key_is_zero(pinned))
		return key_is_equal(k, pinned) ? 0 : err_set(err, -EKEYREJECTED,
			"%s has another key than ServerKey says: is it the right server?",
			c->url.authority);
	if (is_known && !key_is_equal(k, &s->server_public))
		log_warn("tailnet: %s has a new key; its certificate is right, so it is taken",
			c->url.authority);
	return 0;
}

static void
on_key(void *ctx, int rc, int status, const struct text *body, const struct err *why)
{
	struct client *c = ctx;
	struct tailnet_state *s = c->config.state;
	struct err err = {0};
	struct key k;
	c->key_fetch = NULL;
	if (rc)
		err = *why;
	else if (status != 200)
		rc = err_set(&err, -EPROTO, "%s answered %d when asked for its key: is it a "
			"Headscale server%s?", c->url.authority, status,
			status == 400 && !c->url.is_tls ? ", and its URL not https://" : "");
	else
		rc = control_key_parse(body->data ? body->data : "", body->n_bytes, &k, &err);
	if (!rc)
		rc = judge_key(c, &k, &err);
	if (rc) {
		client_fail(c, &err, rc == -EKEYREJECTED ? c->config.times->refused_ms : 0);
		return;
	}
	s->server_public = k;
	if (strcmp(s->server, c->config.intent->server) != 0)
		s->is_registered = false;
	snprintf(s->server, sizeof(s->server), "%s", c->config.intent->server);
	client_save(c);
	open_session(c);
}

static void
fetch_key(struct client *c)
{
	struct err err = {0};
	struct server_url url = c->url;
	const struct fetch_config fc = {
		.loop = c->config.loop,
		.url = &url,
		.method = "GET",
		.proxy = client_proxy(c),
		.ca_file = c->config.intent->ca_file,
		.first = c->n_failures,
		.timeout_ms = c->config.times->attempt_ms,
		.ctx = c,
		.on_done = on_key,
	};
	snprintf(url.path, sizeof(url.path), "/key?v=%d", TAILNET_CAPABILITY_VERSION);
	c->key_fetch = fetch_begin(&fc, &err);
	if (!c->key_fetch)
		client_fail(c, &err, 0);
}

/* Each time anew, for the config may have changed. */
static bool
choose_proxy(struct client *c)
{
	struct err err;
	int rc = proxy_choose(c->config.intent->proxy, &c->url, &c->proxy, &err);
	c->has_proxy = rc == 1;
	if (rc < 0)
		client_fail(c, &err, BACKOFF_MAX_MS);
	return rc >= 0;
}

const struct proxy *
client_proxy(const struct client *c)
{
	return c->has_proxy ? &c->proxy : NULL;
}

static void
attempt(struct client *c)
{
	const struct tailnet_state *s = c->config.state;
	const struct key *pinned = &c->config.intent->server_key;
	bool is_known = !key_is_zero(&s->server_public) &&
		strcmp(s->server, c->config.intent->server) == 0 &&
		(key_is_zero(pinned) || key_is_equal(pinned, &s->server_public));
	drop_session(c); /* of a wish that was given up */
	c->tried_ms = uv_now(c->config.loop);
	if (!choose_proxy(c))
		return;
	if (!is_known || c->n_refusals >= REFUSALS_UNTIL_KEY)
		fetch_key(c);
	else
		open_session(c);
}

/* ---- Life ---- */

static void
on_tick(uv_timer_t *timer)
{
	struct client *c = timer->data;
	uint64_t now = uv_now(c->config.loop);
	struct err err;
	if (c->is_stopping) {
		if (now - c->stopping_ms > STOP_MS)
			stopped(c);
		return;
	}
	if (c->is_leaving && now - c->stopping_ms > STOP_MS) {
		client_rest(c, TAILNET_DOWN);
		return;
	}
	if (c->session && !c->is_ready && now - c->tried_ms > c->config.times->attempt_ms) {
		err_set(&err, -ETIMEDOUT, "%s does not answer", c->url.authority);
		client_fail(c, &err, 0);
		return;
	}
	client_map_tick(c, now);
}

/* Peers take another key for a word that our sessions are gone, and shake hands anew at once. */
static void
renew_disco(struct client *c)
{
	x25519_keygen(c->disco_private.bytes);
	x25519_public(c->disco_public.bytes, c->disco_private.bytes);
	if (c->config.on_disco_key)
		c->config.on_disco_key(c->config.ctx, &c->disco_private);
}

struct client *
client_create(const struct client_config *config, struct err *err)
{
	struct client *c = calloc(1, sizeof(*c));
	if (!c || map_frames_init(&c->frames)) {
		free(c);
		err_set(err, -ENOMEM, "no memory for the tailnet");
		return NULL;
	}
	c->config = *config;
	c->next_expiry_s = INT64_MAX;
	netmap_init(&c->map);
	text_init(&c->register_body);
	renew_disco(c);
	if (server_url_parse(config->intent->server, &c->url)) {
		err_set(err, -EINVAL, "no URL of a server: %s", config->intent->server);
		client_destroy(c);
		return NULL;
	}
	uv_timer_init(config->loop, &c->retry);
	uv_timer_init(config->loop, &c->tick);
	uv_timer_init(config->loop, &c->publish);
	c->retry.data = c->tick.data = c->publish.data = c;
	uv_timer_start(&c->tick, on_tick, TICK_MS, TICK_MS);
	uv_timer_start(&c->retry, on_retry, 0, 0);
	client_set_phase(c, TAILNET_CONNECTING, "");
	return c;
}

static bool
is_same_endpoints(const struct client *c, const struct own_endpoint *endpoints, size_t n)
{
	for (size_t i = 0; i < n && n == c->n_endpoints; i++) {
		if (!own_endpoint_is_equal(&c->endpoints[i], &endpoints[i]))
			return false;
	}
	return n == c->n_endpoints;
}

void
client_set_endpoints(struct client *c, const struct own_endpoint *endpoints, size_t n)
{
	n = MIN_OF(n, CLIENT_MAX_ENDPOINTS);
	c->knows_endpoints |= n > 0;
	if (c->is_stopping || is_same_endpoints(c, endpoints, n))
		return;
	memcpy(c->endpoints, endpoints, n * sizeof(*endpoints));
	c->n_endpoints = n;
	if (c->status.phase == TAILNET_RUNNING)
		client_update(c);
}

/* Refused, or waiting for a person: maybe the auth key is another one now, or there is one. */
static bool
is_stopped_for_key(const struct client *c)
{
	return c->status.phase == TAILNET_REFUSED ||
		(c->status.phase == TAILNET_NEEDS_LOGIN && c->config.intent->auth_key_file[0]);
}

void
client_changed(struct client *c)
{
	if (c->is_stopping || c->wish != TAILNET_WISH_UP)
		return;
	if (c->status.phase == TAILNET_RUNNING) {
		client_update(c);
	} else if (is_stopped_for_key(c)) {
		c->waits_for_login = false;
		c->n_failures = 0;
		uv_timer_start(&c->retry, on_retry, 0, 0);
	}
}

void
client_rest(struct client *c, enum tailnet_phase phase)
{
	c->is_leaving = c->waits_for_login = false;
	c->status.auth_url[0] = 0;
	c->status.key_expiry_s = 0;
	drop_session(c);
	uv_timer_stop(&c->retry);
	client_publish_nothing(c);
	client_set_phase(c, phase, "");
}

/* False: there is nothing to be withdrawn, or nobody to be told. */
static bool
withdraw(struct client *c)
{
	bool has_offers = c->config.intent->routes.n || c->config.intent->offers_exit;
	if (!c->is_ready || c->status.phase != TAILNET_RUNNING || !has_offers)
		return false;
	if (c->update_stream)
		session_cancel(c->session, c->update_stream);
	c->update_stream = 0;
	client_update(c);
	return true;
}

static void
go_up(struct client *c)
{
	c->is_leaving = c->waits_for_login = false;
	c->n_failures = 0;
	renew_disco(c);
	client_set_phase(c, TAILNET_CONNECTING, "");
	uv_timer_start(&c->retry, on_retry, 0, 0);
}

static void
go_down(struct client *c)
{
	c->stopping_ms = uv_now(c->config.loop);
	c->is_leaving = withdraw(c);
	if (!c->is_leaving)
		client_rest(c, TAILNET_DOWN);
}

static void
log_out(struct client *c)
{
	/* What is withdrawn, for "down" came first, is not to end this session too early. */
	c->is_leaving = c->waits_for_login = false;
	if (c->is_ready && c->register_stream) {
		session_cancel(c->session, c->register_stream);
		client_register_reset(c);
	}
	if (c->is_ready)
		client_register(c, REGISTER_TO_LEAVE);
	else if (!c->session && !c->key_fetch)
		uv_timer_start(&c->retry, on_retry, 0, 0);
}

void
client_wish(struct client *c, enum tailnet_wish wish)
{
	if (c->is_stopping || c->wish == wish)
		return;
	c->wish = wish;
	if (wish == TAILNET_WISH_UP)
		go_up(c);
	else if (wish == TAILNET_WISH_DOWN)
		go_down(c);
	else
		log_out(c);
}

void
client_stop(struct client *c)
{
	if (c->is_stopping)
		return;
	c->is_stopping = true;
	c->stopping_ms = uv_now(c->config.loop);
	if (!withdraw(c))
		stopped(c);
}

void
client_destroy(struct client *c)
{
	if (!c)
		return;
	netmap_fini(&c->map);
	map_frames_fini(&c->frames);
	text_fini(&c->register_body);
	secret_wipe(c, sizeof(*c));
	free(c);
}
