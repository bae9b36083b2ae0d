/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tailnet as the server has told of it, kept by applying its messages in order. The first
 * message of a stream replaces everything, later ones change it. A message that does not parse is
 * the end of its stream: only a new one brings certainty again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "source/headscale/derp_map.h"
#include "source/headscale/node.h"

enum {
	NETMAP_MAX_PEERS = 200000,
	NETMAP_URL_BYTES = 512,
	NETMAP_TYPES_BYTES = 64,
	NETMAP_PAYLOAD_BYTES = 4096,
};

struct netmap {
	struct tailnet_node *self;   /* NULL before the first message */
	struct tailnet_node **peers; /* by ascending id */
	size_t n_peers, room;
	struct derp_map *derp;       /* NULL: none was told */
	json_t *filters;             /* name → rules; effective in the order of names */
	bool has_filter;             /* false: none came yet, so nothing may come in */
	bool waits_for_first;        /* of a stream */
};

/* What a message held. */
struct netmap_news {
	bool is_keepalive;
	bool has_self, has_peers, has_filter, has_derp; /* changed, maybe */
	int64_t control_time_s;               /* the server's clock; 0: not told */
	struct netmap_ping {
		char url[NETMAP_URL_BYTES];     /* "": none */
		char types[NETMAP_TYPES_BYTES]; /* "": a HEAD will do */
		bool is_noise;                  /* over this connection, not beside it */
		uint8_t payload[NETMAP_PAYLOAD_BYTES];
		size_t n_payload_bytes;
	} ping; /* a PingRequest */
};

void netmap_init(struct netmap *m);
void netmap_fini(struct netmap *m);
/* A new stream begins; until its first message all stays as it is. */
void netmap_begin_stream(struct netmap *m);
/*
 * Applies one message. 0 and news, or a negative errno with a sentence: then the map is half done
 * and is to be left alone until a stream begins.
 */
int netmap_apply(struct netmap *m, const char *json, size_t n_bytes, struct netmap_news *news,
	struct err *err);
/* NULL: there is none of that id. */
struct tailnet_node *netmap_find(const struct netmap *m, int64_t id);
