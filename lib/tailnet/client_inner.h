/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the client share. Nobody else includes this. */
#pragma once

#include "source/headscale/hostinfo.h"
#include "source/headscale/map_frames.h"
#include "source/headscale/netmap.h"
#include "source/headscale/register.h"
#include "tailnet/client.h"
#include "tailnet/fetch.h"
#include "tailnet/session.h"

enum {
	CLIENT_MAX_ENDPOINTS = 32,
	CLIENT_MAX_PINGS = 4, /* answered at once */
};

/* Over a connection of its own, or as a stream; neither: the place is free. */
struct client_ping {
	struct fetch *fetch;
	int32_t stream;
	uint64_t since_ms;          /* of the stream */
	char url[NETMAP_URL_BYTES]; /* stays: the same ping is not answered twice */
};

enum register_use {
	REGISTER_IDLE,
	REGISTER_TO_JOIN,    /* before the map */
	REGISTER_TO_CHECK,   /* beside it: are we still a node? */
	REGISTER_TO_LEAVE,   /* logging out */
};

struct client {
	struct client_config config;
	struct server_url url;
	struct proxy proxy;     /* on the way to it, of this attempt */
	bool has_proxy;
	struct tailnet_status status;
	struct key disco_private, disco_public;
	struct own_endpoint endpoints[CLIENT_MAX_ENDPOINTS];
	size_t n_endpoints;
	bool knows_endpoints;      /* we were told of some; until then the server's list stands */

	uv_timer_t retry, tick;
	uint32_t n_failures;    /* in a row */
	uint32_t n_refusals;    /* of the handshake by the server, in a row */
	uint64_t tried_ms;      /* when this attempt began */

	struct fetch *key_fetch;
	struct session *session;
	bool is_ready;          /* requests may be posted */

	/* Registering. */
	enum register_use use;
	int32_t register_stream; /* 0: none */
	int register_status;
	struct text register_body;
	uint64_t registered_ms; /* when it was last asked */
	bool sent_auth_key, waits_for_login;
	bool is_forgotten;      /* the server asked for a login, so it does not know us */
	struct key old_node_public; /* that our present key takes the place of; zero: none */

	/* The map. */
	int32_t map_stream;
	int map_status;
	struct map_frames frames;
	struct netmap map;
	bool map_is_broken;     /* by a message that did not parse: until a first one came */
	ns_t stream_ns;         /* when its first message came */
	uint64_t heard_ms;      /* the last message of the stream */
	uint64_t pinged_ms;
	int32_t update_stream;
	bool update_is_wanted;
	uv_timer_t publish;     /* gathers what comes close together */
	int64_t skew_s;         /* the server's clock ahead of ours */
	int64_t next_expiry_s;
	int64_t warned_s;       /* when it was last said that our key expires soon */
	struct client_ping pings[CLIENT_MAX_PINGS];
	unsigned next_ping;     /* whose place is taken next */

	enum tailnet_wish wish;
	bool is_leaving;        /* going down: what we offered is being withdrawn */
	bool is_stopping, is_stopped;
	uint64_t stopping_ms;   /* …since then, or leaving */
};

/* client.c: this attempt has failed; another follows after a wait, of wait_ms at least. */
void client_fail(struct client *c, const struct err *why, uint32_t wait_ms);
void client_set_phase(struct client *c, enum tailnet_phase phase, const char *trouble);
/* Writes the state file; that it could not be is logged. */
void client_save(struct client *c);
/* Nothing of the tailnet is left, and nothing is tried until a wish comes. */
void client_rest(struct client *c, enum tailnet_phase phase);
struct hostinfo client_hostinfo(const struct client *c);
/* NULL: there is none on the way. */
const struct proxy *client_proxy(const struct client *c);
struct key client_node_public(const struct client *c);
int64_t client_server_time(const struct client *c);

/* client_register.c */
void client_register(struct client *c, enum register_use use);
void client_register_status(struct client *c, int status);
bool client_register_data(struct client *c, const uint8_t *data, size_t n_bytes);
void client_register_end(struct client *c, bool is_whole);
/* Wipes what an answer left; the stream is gone. */
void client_register_reset(struct client *c);

/* client_map.c */
/* By what the map says of us, and the server's clock. */
bool client_has_expired(const struct client *c);
void client_map_begin(struct client *c);
bool client_map_data(struct client *c, const uint8_t *data, size_t n_bytes);
void client_map_end(struct client *c, bool is_whole);
void client_map_reset(struct client *c);
void client_map_tick(struct client *c, uint64_t now_ms);
/* Says what we are, unless that is under way. */
void client_update(struct client *c);
/* Publishes what stands in the map, a moment later. */
void client_publish_soon(struct client *c);
/* The server says that we are no node: nothing of the tailnet is left. */
void client_publish_nothing(struct client *c);

/* client_ping.c */
void client_ping(struct client *c, const struct netmap_ping *ping);
/* The stream of an answer has ended; false: it is none of these. */
bool client_ping_end(struct client *c, int32_t stream);
void client_ping_tick(struct client *c, uint64_t now_ms);
/* The session is gone, and its streams with it. */
void client_ping_reset(struct client *c);
/* No answer is under way any more. */
void client_ping_stop(struct client *c);
