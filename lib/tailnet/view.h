/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tailnet at one moment, handed from the client's thread to the control thread as an
 * immutable value. Nodes that did not change are the same values in the next view.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "source/headscale/netmap.h"

struct tailnet_view {
	struct tailnet_node *self;   /* NULL: no map yet, or we were thrown out */
	struct tailnet_node **peers; /* by ascending id; without those expired or jailed */
	size_t n_peers;
	char *filters;               /* PacketFilters as JSON, sorted by name; NULL: none came */
	struct derp_map *derp;       /* a reference of its own; NULL: none was told */
	ns_t stream_ns;              /* when its stream began; 0: there was none */
	int64_t next_expiry_s;       /* of a peer that is in it; INT64_MAX: never */
};

/* now_s: the server's time. NULL: memory is short. */
struct tailnet_view *view_create(const struct netmap *m, int64_t now_s);
/* One that has nothing in it. */
struct tailnet_view *view_create_empty(void);
/* NULL is allowed. */
void view_destroy(struct tailnet_view *v);
