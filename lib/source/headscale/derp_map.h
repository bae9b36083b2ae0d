/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The relays that the server tells its nodes of, as far as they say by STUN how the world sees us.
 * An immutable value with counted references, which any thread may take and drop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "source/headscale/json.h"

enum {
	DERP_MAX_REGIONS = 64,        /* more are left out */
	DERP_SERVERS_A_REGION = 2,    /* as well */
	DERP_CODE_BYTES = 32,
	DERP_NAME_BYTES = 64,
	DERP_HOST_BYTES = 254,
};

struct stun_server {
	struct addr v4, v6;          /* ADDR_NONE: none is told */
	bool asks_v4, asks_v6;       /* the address of that family is to be looked up by host */
	uint16_t port;
	char host[DERP_HOST_BYTES];  /* printable */
};

struct derp_region {
	int32_t id;
	char code[DERP_CODE_BYTES];  /* printable, as the name is; cut to length */
	char name[DERP_NAME_BYTES];
	unsigned n_servers;
	struct stun_server servers[DERP_SERVERS_A_REGION];
};

struct derp_map {
	unsigned n_refs;
	size_t n_regions;
	struct derp_region regions[]; /* by ascending id */
};

/*
 * The regions of a DERPMap with one reference, the caller's; NULL with a sentence: a member is
 * of another type than it should be, or memory is short.
 */
struct derp_map *derp_map_parse(const json_t *v, struct err *err);
/* NULL is allowed in all of them. */
struct derp_map *derp_map_get(struct derp_map *m);
void derp_map_put(struct derp_map *m);
