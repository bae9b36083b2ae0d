/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A node's life with its server, on a loop of its own:
 *
 *   key ──► session ──► register ─┬─► map stream ─► views
 *    ▲         ▲           ▲      ├─► login awaited ─► register
 *    │         │           │      └─► refused ─► a long wait
 *    └─────────┴───────────┴── failure: a wait that grows, and is not the same twice
 *
 * The last good map stands whatever becomes of the server; only the server's word that we are no
 * longer a node takes it away.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/addr.h"
#include "base/err.h"
#include "intent/intent.h"
#include "source/headscale/map_request.h"
#include "source/headscale/state_text.h"
#include "tailnet/times.h"
#include "tailnet/view.h"

enum { TAILNET_CAPABILITY_VERSION = 131 };

enum tailnet_phase {
	TAILNET_STARTING,
	TAILNET_CONNECTING,   /* to the server, or again to it */
	TAILNET_NEEDS_LOGIN,  /* a person has to open the URL */
	TAILNET_REFUSED,      /* the server does not want us */
	TAILNET_RUNNING,      /* registered, and maps come */
	TAILNET_DOWN,         /* by our own wish; still a node */
	TAILNET_LOGGED_OUT,   /* by our own wish, and no node any more */
	TAILNET_N_PHASES,
};

/* What a person wants of us. */
enum tailnet_wish {
	TAILNET_WISH_UP,
	TAILNET_WISH_DOWN,
	TAILNET_WISH_LOGOUT,
};

enum { TAILNET_URL_BYTES = 512 };

/* How the client is, as a value. */
struct tailnet_status {
	enum tailnet_phase phase;
	char trouble[512];     /* why it is not running; "": nothing is known to be wrong */
	char auth_url[TAILNET_URL_BYTES];
	char login[128];       /* whose node we are */
	int64_t since_s;       /* of this phase: calendar time */
	int64_t key_expiry_s;  /* of our own node key; 0: never */
	int64_t skew_s;        /* the server's clock ahead of ours; 0: much the same */
	uint64_t n_maps;       /* messages of maps taken in */
	struct addr server;    /* where it, or a proxy before it, was reached last */
};

struct client_config {
	uv_loop_t *loop;
	const struct headscale_intent *intent; /* outlives the client */
	const char *state_path;
	struct tailnet_state *state;           /* as loaded; the client keeps it, and saves it */
	const struct tailnet_times *times;     /* outlives the client */
	bool has_own_node_key;                 /* of the config: it cannot be exchanged */
	void *ctx;
	/* A new view, which the callee owns. */
	void (*on_view)(void *ctx, struct tailnet_view *view);
	void (*on_status)(void *ctx, const struct tailnet_status *status);
	/* The node key was exchanged: config.state has the new one. */
	void (*on_node_key)(void *ctx);
	/* The private disco key, from now on; called from client_create, too. NULL: nobody asks. */
	void (*on_disco_key)(void *ctx, const struct key *disco_private);
	/* client_stop is done: no callback comes any more, and the loop may be run out. */
	void (*on_stopped)(void *ctx);
};

struct client;

/* NULL: memory is short. */
struct client *client_create(const struct client_config *config, struct err *err);
/* Where we are reached from now on; copied. Told to the server when it is not the same. */
void client_set_endpoints(struct client *c, const struct own_endpoint *endpoints, size_t n);
/* config.intent says something else now of the same node: the server hears of it. */
void client_changed(struct client *c);
/*
 * Down: what we offer is withdrawn and the session ends; logout: the server forgets us first, as
 * soon as it is reached. Either leaves nothing of the tailnet here. Up: again.
 */
void client_wish(struct client *c, enum tailnet_wish wish);
/* Withdraws what we offer, ends the session, and calls on_stopped within two seconds. */
void client_stop(struct client *c);
/* After on_stopped and once the loop has no handles left. */
void client_destroy(struct client *c);
