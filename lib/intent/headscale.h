/* SPDX-License-Identifier: BSD-3-Clause */
/* [Headscale] as a value: which tailnet an interface is a node of, and what it does there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/key.h"
#include "intent/peers.h"
#include "intent/prefixes.h"

enum {
	HEADSCALE_TEXT_BYTES = 256,
	HEADSCALE_MAX_ENDPOINTS = 8,
	HEADSCALE_NAME_BYTES = 64, /* a DNS label and the end */
	HEADSCALE_MTU = 1280,      /* what tailnet peers have */
};

struct headscale_intent {
	struct origin origin;
	char server[HEADSCALE_TEXT_BYTES];        /* its URL */
	struct key server_key;                    /* the only one that it may have; zero: any */
	struct key node_public;                   /* of a PrivateKey; zero: the state file's */
	char proxy[HEADSCALE_TEXT_BYTES];         /* may hold a password; "": environment */
	char ca_file[HEADSCALE_TEXT_BYTES];       /* trusted beside the system's; "": none */
	char auth_key_file[HEADSCALE_TEXT_BYTES]; /* "": a person lets us in */
	char state_file[HEADSCALE_TEXT_BYTES];
	char hostname[HEADSCALE_NAME_BYTES];
	char tags[HEADSCALE_TEXT_BYTES];          /* "tag:a,tag:b"; "": none */
	struct endpoint endpoints[HEADSCALE_MAX_ENDPOINTS]; /* we are reached there, too */
	unsigned n_endpoints;
	struct prefix_list routes;                /* masked; that we offer */
	bool offers_exit;
	char exit_node[HEADSCALE_TEXT_BYTES];     /* a node's name or address; "": none */
	bool accepts_routes;
	bool is_ephemeral;                        /* the server may forget us once we are gone */
};

/* NULL: memory is short. */
struct headscale_intent *headscale_intent_create(void);
struct headscale_intent *headscale_intent_copy(const struct headscale_intent *h);
/* The values change places. */
void headscale_intent_swap(struct headscale_intent *a, struct headscale_intent *b);
/* NULL is allowed. */
void headscale_intent_destroy(struct headscale_intent *h);
/* The same node of the same server, reached in the same way: nothing has to be joined anew. */
bool headscale_intent_is_same_node(const struct headscale_intent *a,
	const struct headscale_intent *b);
/* Where it was written does not matter. Both may be NULL. */
bool headscale_intent_is_equal(const struct headscale_intent *a, const struct headscale_intent *b);
