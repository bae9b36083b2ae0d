/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the world sees the WireGuard port of a node: its public endpoint, of which the server is
 * told, and what `headgate netcheck` prints. The servers that are asked are the relays of the
 * tailnet's map, for they answer STUN.
 *
 *   map ── names looked up ──► targets ── reacher: requests, answers ──► report ─┬─► endpoints
 *            every 23 s the nearest, every 5 min all, or when a person asks ─────┘
 *
 * The control thread's. A NAT forgets a port that is silent: that is what the short one is for.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "reach/netcheck.h"
#include "source/headscale/derp_map.h"
#include "source/headscale/map_request.h"

struct control;
struct outside_lookup;

/* An endpoint as the world saw it, and when. */
struct outside_seen {
	struct endpoint endpoint;
	ns_t at_ns;
};

/* What names of servers led to, by their place in the map; ADDR_NONE: nothing, yet. */
struct outside_found {
	struct addr v4, v6;
};

/* Zeroed at first. */
struct outside {
	struct derp_map *derp;         /* a reference; NULL: none was told */
	struct outside_found found[DERP_MAX_REGIONS][DERP_SERVERS_A_REGION];
	struct outside_lookup *lookup; /* the one under way */
	size_t next_name;              /* place of the next server */
	ns_t looked_up_ns;             /* when all had been; 0: not yet */
	bool is_running;               /* a check */
	bool is_full;                  /* it asks all */
	uint64_t n_full;               /* checks of all that are done */
	ns_t checked_ns, full_ns;      /* when the last one of either kind began */
	struct netcheck_report report; /* of the last that asked all */
	struct outside_seen v4, v6;
};

/* The map's relays from now on; NULL is allowed. Names are looked up while the loop goes on. */
void outside_set_map(struct control *c, struct derp_map *derp);
/* Begins checks and takes them in. About every second, while we are a node. */
void outside_tick(struct control *c, ns_t now);
/* A person asks: begins a check of all. 0, or -ENOENT with a sentence: there is nobody to ask. */
int outside_check(struct control *c, struct err *err);
/*
 * Where peers reach us: `Endpoints` of the config, our addresses, and the public endpoints that no
 * NAT has forgotten yet. Writes at most max and returns how many.
 */
size_t outside_endpoints(struct control *c, ns_t now, struct own_endpoint *out, size_t max);
/* The last report in the words of `tailscale netcheck`; NULL: memory is short. */
json_t *outside_to_json(const struct outside *o);
/* We are no node any more. */
void outside_forget(struct outside *o);

/* outside_names.c: goes on looking names up. */
void outside_look_up(struct control *c);
/* Ends what is under way, without an answer. */
void outside_names_forget(struct outside *o);
/* The server at that place of the map; NULL: none. Places are DERP_SERVERS_A_REGION a region. */
const struct stun_server *outside_server(const struct outside *o, size_t place);
