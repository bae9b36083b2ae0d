/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the world sees us: STUN requests to several servers at once, each repeated until it is
 * answered or given up, and what the answers amount to. Whether UDP passes at all, our public
 * endpoint of either family, whether it is another for each destination, how far each region is.
 *
 * A struct netcheck belongs to one thread and takes the time as an argument.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "reach/stun.h"

enum {
	NETCHECK_MAX_TARGETS = 64,
	NETCHECK_TRIES = 3,
};

/* One address of a server, and the region whose distance it tells. */
struct netcheck_target {
	struct endpoint server;
	int32_t region;
};

struct netcheck_probe {
	struct netcheck_target target;
	unsigned n_sent;
	ns_t sent_ns[NETCHECK_TRIES];
	struct stun_txid txids[NETCHECK_TRIES];
	ns_t latency_ns;            /* with `seen` */
	struct endpoint seen;       /* where the server saw us; ADDR_NONE: it has not answered */
};

struct netcheck {
	ns_t begun_ns;              /* 0: never was */
	unsigned n_probes;
	struct netcheck_probe probes[NETCHECK_MAX_TARGETS];
};

/* To be sent as a datagram from the port that is asked about. */
struct netcheck_request {
	struct endpoint server;
	uint8_t bytes[STUN_REQUEST_BYTES];
};

enum netcheck_mapping {
	MAPPING_UNKNOWN,            /* fewer than two servers of one family answered */
	MAPPING_SAME,               /* all see the same endpoint */
	MAPPING_VARIES,             /* each destination may see another: a hard NAT */
};

/* What came of the servers of one region; 0: no answer by that family. */
struct netcheck_region {
	int32_t id;
	ns_t v4_ns, v6_ns;
};

struct netcheck_report {
	bool is_done;               /* else answers may still come */
	struct endpoint v4, v6;     /* as the nearest server saw us; ADDR_NONE: unknown */
	enum netcheck_mapping mapping;
	int32_t nearest;            /* region; 0: none answered */
	unsigned n_regions;
	struct netcheck_region regions[NETCHECK_MAX_TARGETS]; /* in the order of the targets */
};

/* Begins anew; more targets than there is room for are left out. now is never 0. */
void netcheck_begin(struct netcheck *n, const struct netcheck_target *targets, size_t n_targets,
	ns_t now);
/*
 * Writes the requests that are due and returns how many. *next_ns: when to call again; 0: all have
 * answered or were given up.
 */
unsigned netcheck_tick(struct netcheck *n, ns_t now,
	struct netcheck_request out[NETCHECK_MAX_TARGETS], ns_t *next_ns);
/* A datagram for which stun_is_response holds. False: it answers nothing we asked. */
bool netcheck_answer(struct netcheck *n, ns_t now, const void *payload, size_t n_bytes);
/* What is known by now. */
void netcheck_report(const struct netcheck *n, ns_t now, struct netcheck_report *out);
