/* SPDX-License-Identifier: BSD-3-Clause */
/* The map stream: messages into the netmap, the netmap into views; updates of what we are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/log.h"
#include "source/headscale/map_request.h"
#include "tailnet/client_inner.h"

enum {
	BRIEF_FAILURES = 7,  /* who ends each stream behind a first map is asked twice a second */
	PUBLISH_MS = 10,
	SKEW_S = 60,           /* clocks that differ by less are taken for the same */
	DAY_S = 24 * 3600,
	EXPIRY_SOON_S = 14 * DAY_S,
};

#define PATH "/machine/map"

void
client_map_reset(struct client *c)
{
	c->map_stream = c->update_stream = 0;
	c->map_status = 0;
	map_frames_fini(&c->frames);
	if (map_frames_init(&c->frames))
		log_error("tailnet: memory is short");
}

static int32_t
post(struct client *c, bool is_stream)
{
	struct hostinfo hostinfo = client_hostinfo(c);
	struct text body;
	const struct map_request request = {
		.version = TAILNET_CAPABILITY_VERSION,
		.node_public = client_node_public(c),
		.disco_public = c->disco_public,
		.endpoints = c->endpoints,
		.n_endpoints = c->n_endpoints,
		.keeps_endpoints = !c->knows_endpoints,
		.hostinfo = &hostinfo,
		.is_stream = is_stream,
	};
	text_init(&body);
	map_request_format(&request, &body);
	int32_t stream = session_post(c->session, PATH, &body);
	text_fini(&body);
	return stream;
}

void
client_map_begin(struct client *c)
{
	struct err err;
	if (!c->frames.zstd) {
		err_set(&err, -ENOMEM, "memory is short");
		client_fail(c, &err, 0);
		return;
	}
	netmap_begin_stream(&c->map);
	int32_t stream = post(c, true);
	if (stream <= 0) {
		err_set(&err, stream, "the request for the map cannot be sent");
		client_fail(c, &err, 0);
		return;
	}
	c->map_stream = stream;
	c->heard_ms = c->pinged_ms = uv_now(c->config.loop);
}

void
client_update(struct client *c)
{
	c->update_is_wanted = c->update_stream != 0 || !c->is_ready;
	if (c->update_is_wanted)
		return;
	int32_t stream = post(c, false);
	c->update_stream = stream > 0 ? stream : 0;
}

/* ---- Views ---- */

static void
publish(struct client *c, struct tailnet_view *v)
{
	if (!v) {
		log_error("tailnet: no memory to take in the map");
		return;
	}
	c->next_expiry_s = v->next_expiry_s;
	v->stream_ns = c->stream_ns;
	c->config.on_view(c->config.ctx, v);
}

static void
on_publish(uv_timer_t *timer)
{
	struct client *c = timer->data;
	if (!c->map_is_broken)
		publish(c, view_create(&c->map, client_server_time(c)));
}

void
client_publish_soon(struct client *c)
{
	if (!uv_is_active((uv_handle_t *)&c->publish) && !c->is_stopping)
		uv_timer_start(&c->publish, on_publish, PUBLISH_MS, 0);
}

void
client_publish_nothing(struct client *c)
{
	uv_timer_stop(&c->publish);
	netmap_fini(&c->map);
	netmap_init(&c->map);
	publish(c, view_create_empty());
}

/* ---- Messages ---- */

static bool
has_endpoint(const struct tailnet_node *n, const struct endpoint *e)
{
	for (size_t i = 0; i < n->n_endpoints; i++) {
		if (endpoint_is_equal(&n->endpoints[i], e))
			return true;
	}
	return false;
}

/*
 * Whether the server knows where we are. Headscale learns it from the request for the stream;
 * others take only updates for it, and an update costs every peer a message.
 */
static bool
is_known(const struct client *c)
{
	const struct tailnet_node *self = c->map.self;
	if (!key_is_equal(&self->disco, &c->disco_public) ||
		(c->knows_endpoints && self->n_endpoints != c->n_endpoints))
		return false;
	for (size_t i = 0; i < c->n_endpoints; i++) {
		if (!has_endpoint(self, &c->endpoints[i].at))
			return false;
	}
	return true;
}

static void
first_message(struct client *c)
{
	c->n_failures = MIN_OF(c->n_failures, BRIEF_FAILURES);
	c->stream_ns = clock_boot_ns();
	c->status.key_expiry_s = c->map.self->key_expiry_s;
	client_set_phase(c, TAILNET_RUNNING, "");
	log_info("tailnet: this node is %s, with %zu peers", c->map.self->name, c->map.n_peers);
	if (!is_known(c))
		client_update(c);
}

static void
note_clock(struct client *c, int64_t server_s)
{
	int64_t skew = server_s ? server_s - (int64_t)time(NULL) : c->skew_s;
	c->skew_s = skew > SKEW_S || skew < -SKEW_S ? skew : 0;
}

/* What a map changes of it without another phase. */
static void
note_status(struct client *c)
{
	struct tailnet_status *s = &c->status;
	int64_t expiry_s = c->map.self ? c->map.self->key_expiry_s : 0;
	if (s->key_expiry_s == expiry_s && s->skew_s == c->skew_s)
		return;
	s->key_expiry_s = expiry_s;
	s->skew_s = c->skew_s;
	c->config.on_status(c->config.ctx, s);
}

static int
take_message(struct client *c, struct err *err)
{
	struct netmap_news news;
	bool is_first = c->map.waits_for_first;
	int rc = netmap_apply(&c->map, c->frames.json.data, c->frames.json.n_bytes, &news, err);
	c->map_is_broken = rc || (c->map_is_broken && is_first && c->map.waits_for_first);
	if (rc)
		return rc;
	c->status.n_maps++;
	note_clock(c, news.control_time_s);
	if (news.ping.url[0])
		client_ping(c, &news.ping);
	if (is_first && !c->map.waits_for_first)
		first_message(c);
	note_status(c);
	if (news.has_self || news.has_peers || news.has_filter || news.has_derp)
		client_publish_soon(c);
	return 0;
}

bool
client_map_data(struct client *c, const uint8_t *data, size_t n_bytes)
{
	struct err err = {0};
	if (c->map_status != 200)
		return true; /* the text of a refusal */
	c->heard_ms = uv_now(c->config.loop);
	int rc = map_frames_feed(&c->frames, data, n_bytes, &err);
	if (!rc)
		rc = map_frames_next(&c->frames, &err);
	while (rc == 1) {
		rc = take_message(c, &err);
		if (!rc && c->map_stream)
			rc = map_frames_next(&c->frames, &err);
	}
	if (rc < 0)
		client_fail(c, &err, 0); /* and a new stream brings the whole map */
	return rc >= 0;
}

/* The registration tells why a stream has ended. */
void
client_map_end(struct client *c, bool is_whole)
{
	struct err err;
	int status = c->map_status;
	if (status == 404 || status == 400) {
		client_publish_nothing(c);
		c->config.state->is_registered = false;
		err_set(&err, -ENOENT, "%s no longer knows this node", c->url.authority);
	} else if (status != 200) {
		err_set(&err, -EPROTO, "%s answered %d to the request for the map",
			c->url.authority, status);
	} else {
		err_set(&err, -ECONNRESET, "%s ended the map's stream", c->url.authority);
	}
	client_fail(c, &err, 0);
}

/* ---- Time ---- */

static bool
is_silent(const struct client *c, uint64_t now)
{
	const struct tailnet_times *t = c->config.times;
	bool is_stuck = c->register_stream && !c->waits_for_login &&
		now - c->registered_ms > t->register_ms;
	bool is_dead = session_waits_for_pong(c->session) && now - c->pinged_ms > t->pong_ms;
	return is_stuck || is_dead || (c->map_stream && now - c->heard_ms > t->silence_ms);
}

/* Once a day, from two weeks before. */
static void
warn_of_expiry(struct client *c)
{
	int64_t now_s = client_server_time(c), left_s = c->status.key_expiry_s - now_s;
	if (!c->status.key_expiry_s || left_s <= 0 || left_s > EXPIRY_SOON_S ||
		now_s < c->warned_s + DAY_S)
		return;
	c->warned_s = now_s;
	log_warn("tailnet: this node's key expires in %lld h: disable its expiry at the server, or "
		"be ready to let it in anew", (long long)(left_s / 3600));
}

bool
client_has_expired(const struct client *c)
{
	return c->map.self && (c->map.self->is_expired || (c->status.key_expiry_s &&
		c->status.key_expiry_s <= client_server_time(c)));
}

/* Now and then, and sooner when the map says that our key has expired: then we need another. */
static bool
is_check_due(const struct client *c, uint64_t now)
{
	const struct tailnet_times *t = c->config.times;
	return c->map_stream && !c->register_stream &&
		now - c->registered_ms > (client_has_expired(c) ? t->expired_ms : t->check_ms);
}

/* A server that ends each stream soon is one that fails; a stream that lasts forgives it all. */
static void
note_steady(struct client *c)
{
	if (c->n_failures && c->status.phase == TAILNET_RUNNING &&
		clock_boot_ns() - c->stream_ns > (ns_t)c->config.times->steady_ms * NS_IN_MS)
		c->n_failures = 0;
}

void
client_map_tick(struct client *c, uint64_t now)
{
	struct err err;
	if (c->next_expiry_s <= client_server_time(c))
		client_publish_soon(c);
	client_ping_tick(c, now);
	if (!c->is_ready)
		return;
	note_steady(c);
	warn_of_expiry(c);
	if (is_silent(c, now)) {
		err_set(&err, -ETIMEDOUT, "%s has fallen silent", c->url.authority);
		client_fail(c, &err, 0);
		return;
	}
	if (now - c->pinged_ms > c->config.times->ping_ms && !session_waits_for_pong(c->session)) {
		c->pinged_ms = now;
		session_ping(c->session);
	}
	if (is_check_due(c, now))
		client_register(c, REGISTER_TO_CHECK);
}
