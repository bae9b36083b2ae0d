/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A node of the tailnet as the server tells of it, as an immutable value: a change makes a new
 * one, so two maps are compared by comparing pointers. Counted references, which any thread may
 * take and drop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/key.h"
#include "source/headscale/json.h"

enum {
	NODE_NAME_BYTES = 256,      /* a DNS name and the end */
	NODE_TAGS_BYTES = 512,
	NODE_MAX_PREFIXES = 4096,
	NODE_MAX_ENDPOINTS = 64,    /* more are left out */
};

struct tailnet_node {
	unsigned n_refs;
	int64_t id;                 /* the server's */
	int64_t user;
	char name[NODE_NAME_BYTES]; /* "gw1.tail.example.com", printable */
	char tags[NODE_TAGS_BYTES]; /* "tag:a,tag:b", printable; as many as fit */
	struct key key;             /* WireGuard's; never zero */
	struct key disco;           /* zero: none */
	int64_t key_expiry_s;       /* since 1970; 0: never */
	int64_t last_seen_s;        /* 0: not told */
	int32_t home_derp;          /* 0: none */
	bool is_online;             /* a hint and no more */
	bool is_expired;
	bool is_jailed;             /* may not open flows to us */
	bool is_wireguard_only;     /* no disco, no relay */
	bool has_peer_api_only;     /* its allowed-ips are its addresses */
	struct prefix *addresses;   /* its own, single ones */
	struct prefix *allowed;     /* masked, sorted, each once; all that it may send from */
	struct endpoint *endpoints;
	size_t n_addresses, n_allowed, n_endpoints;
};

/* A node with one reference, the caller's; NULL with a sentence: a member is wrong. */
struct tailnet_node *node_parse(const json_t *v, struct err *err);
/* An element of PeersChangedPatch applied: a new node, or NULL with a sentence. */
struct tailnet_node *node_patch(const struct tailnet_node *was, const json_t *patch,
	struct err *err);
/* A copy with one reference that may be written to until it is shared; NULL: memory is short. */
struct tailnet_node *node_copy(const struct tailnet_node *n);
/* Returns n. */
struct tailnet_node *node_get(struct tailnet_node *n);
/* NULL is allowed. */
void node_put(struct tailnet_node *n);
/* Whether the prefix is one of its own single addresses. */
bool node_is_at(const struct tailnet_node *n, const struct prefix *p);
/* Whether it is among its allowed prefixes. */
bool node_has_prefix(const struct tailnet_node *n, const struct prefix *p);
/* All members alike. */
bool node_is_equal(const struct tailnet_node *a, const struct tailnet_node *b);

/* "2026-11-22T04:10:06.229Z" to seconds since 1970; the zero time and "" to 0. 0 or -EINVAL. */
int time_parse(const char *text, int64_t *out_s);
