/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbours: what the kernel knows of link-layer addresses, whom the path or a route needs, and
 * the asking. The kernel does ARP and ND; here it is asked to resolve and to keep an address:
 *
 *   a gateway       at once when a route needs it, and again while it is not resolved
 *   a destination   when the path met it on a connected network (EVENT_NEIGHBOUR_WANTED), at most
 *                   once a second each and NEIGH_ASKS_A_SECOND in all: a scan must not flood
 *   a stale entry   now and then while a next hop uses it, since the kernel does not see our
 *                   packets and would never check it
 *
 * A destination that does not answer is forgotten, else the kernel would ask for it for ever.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "control/rib.h"
#include "host/state.h"
#include "intent/hash.h"

struct hop;

enum {
	NEIGH_ASKS_A_SECOND = 512,
	NEIGH_WANTED_SLOTS = 2048,
};

/* The kernel's ears; any may be NULL. */
struct neigh_ops {
	void *ctx;
	/* 0: it will be kept; 1: asked once, ask again while it is needed; or a negative errno. */
	int (*resolve)(void *ctx, uint32_t ifindex, const struct addr *addr);
	void (*forget)(void *ctx, uint32_t ifindex, const struct addr *addr);
};

struct neigh {
	struct hash_link by_addr;
	struct rib_neighbour at;    /* in the tree while it is resolved */
	struct hop *hops;           /* next hops that lead to it; the hops' own list */
	struct neigh *prev, *next;  /* of those in use */
	struct addr addr;
	uint32_t ifindex;
	uint16_t state;             /* NUD_ of the kernel's entry; 0: the kernel has none */
	uint32_t n_uses;            /* next hops to it that something leads to */
	bool has_mac;
	bool is_asked;              /* by us: ours to forget */
	struct mac mac;
	ns_t asked_ns;
};

struct neigh_wanted {
	struct addr addr;
	uint32_t ifindex;
	ns_t asked_ns;
};

struct neighs {
	struct hash_table by_addr;
	struct neigh *in_use;       /* those with n_uses */
	struct neigh_ops ops;
	struct neigh_wanted *wanted; /* direct-mapped: the last one asked for in each slot */
	unsigned n_asks_left;       /* until the next tick */
	ns_t now_ns;                /* of the last tick or event */
};

int neighs_init(struct neighs *ns, const struct neigh_ops *ops); /* 0 or -ENOMEM */
void neighs_fini(struct neighs *ns);

struct neigh *neigh_find(const struct neighs *ns, uint32_t ifindex, const struct addr *addr);
/* Finds or makes one. NULL: no memory. */
struct neigh *neigh_get(struct neighs *ns, uint32_t ifindex, const struct addr *addr);
/* Frees it unless the kernel knows it or was asked, the tree holds it or a next hop leads to it. */
void neigh_tidy(struct neighs *ns, struct neigh *n);

/* Takes in what the kernel says (NULL: it is gone) and returns whether MAC or validity changed. */
bool neigh_update(struct neigh *n, const struct net_neigh *now);
/* Whether frames can be sent to it: a MAC address that the kernel holds for usable. */
bool neigh_is_resolved(const struct neigh *n);

/* A next hop that leads to it comes into use, or goes out of use. */
void neigh_use(struct neighs *ns, struct neigh *n);
void neigh_unuse(struct neighs *ns, struct neigh *n);

/* Asks the kernel for a gateway, unless the second's asks are spent: then the next tick does. */
void neigh_ask(struct neighs *ns, struct neigh *n);
/* Asks for a destination that the path wants, within the limits above. */
void neigh_want(struct neighs *ns, uint32_t ifindex, const struct addr *addr);
/* Forgets an unanswered destination of ours. After neigh_update; n stays. */
void neigh_forget_failed(struct neighs *ns, struct neigh *n);
/* Once a second. Asks again where that is due. */
void neighs_tick(struct neighs *ns, ns_t now_ns);
