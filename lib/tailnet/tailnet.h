/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tailnet's client on a thread of its own, so that a large map, a slow server or a name that
 * is looked up holds up nobody. What comes of it waits in a place for one value each, which the
 * control thread empties:
 *
 *   control ── endpoints, stop ──► thread
 *   control ◄── view, status, node key ── thread
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "intent/intent.h"
#include "tailnet/client.h"

struct tailnet;

struct tailnet_config {
	const struct headscale_intent *intent; /* copied */
	const struct tailnet_state *state;     /* taken over; the caller wipes its own */
	const struct tailnet_times *times;     /* kept */
	bool has_own_node_key;                 /* of the config: it cannot be exchanged */
};

/*
 * Starts the thread. 0 or a negative errno with a sentence. All functions here are the control
 * thread's.
 */
int tailnet_start(const struct tailnet_config *config, struct tailnet **out, struct err *err);
/*
 * What the config says now of the same node (headscale_intent_is_same_node); copied. The server
 * hears of it, and no session ends. 0 or -ENOMEM with a sentence.
 */
int tailnet_change(struct tailnet *t, const struct headscale_intent *intent, struct err *err);
/* Withdraws what was offered and ends the thread: three seconds at most. NULL is allowed. */
void tailnet_stop(struct tailnet *t);

/* Where peers reach us; to be called when it may have changed. */
void tailnet_set_endpoints(struct tailnet *t, const struct own_endpoint *endpoints, size_t n);

/* What a person wants; it is done in a moment, as the status tells. */
void tailnet_wish(struct tailnet *t, enum tailnet_wish wish);

/* Whether a view or a key has come since this was last asked. Costs next to nothing. */
bool tailnet_has_news(struct tailnet *t);
/* The newest view that was not taken yet, the caller's to destroy; NULL: nothing new. */
struct tailnet_view *tailnet_take_view(struct tailnet *t);
/* Whether the node key was exchanged since; then out has it, and the caller wipes it. */
bool tailnet_take_node_key(struct tailnet *t, struct key *out);
/* The private disco key that peers know us by at the moment; the caller wipes out. */
void tailnet_disco_key(struct tailnet *t, struct key *out);
struct tailnet_status tailnet_status_of(struct tailnet *t);
/* "running", "needs login", … */
const char *tailnet_phase_name(enum tailnet_phase phase);
/* How many turns its loop has made: for the watchdog. */
uint64_t tailnet_turns(const struct tailnet *t);
