/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes: what the kernel knows (or, with Host = no, what the config says) compiled into the
 * tables' forward and underlay routes, next hops and local addresses.
 *
 *   netlink ─► mirror ─┬─ links ──► carriers, MTUs             devices.h
 *   (or static)        ├─ addresses ──► locals, sources        devices.h
 *                      ├─ rules ──► steps                      policy.h
 *                      ├─ routes ──► winners ──► published     rib.h, fib.h
 *                      └─ neighbours ──► MACs ──► next hops    neigh.h, hops.h
 *
 * A route, neighbour or address costs the same with ten routes and with 100,000. Rules, and ports
 * and tunnels that come or go, compile everything anew, once for a batch (routes_settle).
 *
 * The control thread owns it; nobody else calls anything here. It keeps no RCU read side.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "control/neigh.h"
#include "host/mirror.h"
#include "host/twin.h"
#include "intent/intent.h"
#include "tables/tables.h"

struct routes;

struct routes_config {
	struct tables *tables;
	bool has_host;                 /* opens a mirror and asks the kernel for neighbours */
	const struct neigh_ops *asks;  /* in the kernel's place; NULL: the kernel, with has_host */
	/* A port's netdev got or lost its carrier, or is gone. May be NULL. */
	void (*set_link)(void *ctx, unsigned port_idx, bool is_up);
	void *ctx;
};

struct routes_port {
	unsigned port_idx;             /* for set_link */
	uint16_t link_id;
	uint32_t ifindex;              /* of the twin */
	char netdev[IF_NAMESIZE];      /* under the port; empty: its carrier is not ours to watch */
	struct twin *twin;             /* its carrier follows the netdev's; may be NULL */
	struct mac mac;
	uint16_t mtu;                  /* until the mirror says better */
};

struct routes_tunnel {
	uint16_t iface_id;
	uint32_t ifindex;
	uint32_t fwmark;               /* of its outer packets; there is a limit, see marks.h */
	uint16_t mtu;
};

/* With has_host the mirror fills as routes_process is called. The config is copied. */
int routes_create(const struct routes_config *config, struct routes **out, struct err *err);
/* Takes everything out of the tables. NULL is allowed. */
void routes_destroy(struct routes *r);

/* The mirror's descriptor for the event loop, readable when routes_process has work; -1: none. */
int routes_fd(const struct routes *r);
/* Takes in what the kernel says. Negative errno and a sentence: the mirror is broken for good. */
int routes_process(struct routes *r, struct err *err);
/* Waits until the whole state is read and published. 0, -ETIMEDOUT, or as routes_process. */
int routes_sync(struct routes *r, int timeout_ms, struct err *err);
/* The addresses of the ports that packets from elsewhere may come to. How many, at most max. */
size_t routes_port_addresses(const struct routes *r, struct addr *out, size_t max);
/* Whether the prefix has anything in common with a network that a port is in. */
bool routes_is_attached(const struct routes *r, const struct prefix *p);
/* The i-th of the networks that the machine is in, its own address in each; NULL: no more. */
const struct prefix *routes_network(const struct routes *r, size_t i);
/* The mirror, for those who look things up in it; NULL with Host = no. */
const struct mirror *routes_mirror(const struct routes *r);

/*
 * Ports and tunnels come (again: perhaps with other values) and go, and are felt from
 * routes_settle on. add: 0, or -ENOSPC or -EINVAL and a sentence.
 */
int routes_port_add(struct routes *r, const struct routes_port *port, struct err *err);
void routes_port_remove(struct routes *r, uint16_t link_id);
int routes_tunnel_add(struct routes *r, const struct routes_tunnel *tunnel, struct err *err);
void routes_tunnel_remove(struct routes *r, uint16_t iface_id);

/* Publishes what waits for the end of a batch: rules, devices, addresses. The tick does too. */
void routes_settle(struct routes *r);

/* EVENT_NEIGHBOUR_WANTED: the path has no MAC address for addr on that link. */
void routes_neighbour_wanted(struct routes *r, uint16_t link_id, const struct addr *addr,
	ns_t now_ns);
/* Once a second. */
void routes_tick(struct routes *r, ns_t now_ns);

/* ---- Events, as struct mirror_observer has them: old NULL is new, now NULL is gone ---- */

void routes_on_link(struct routes *r, const struct net_link *old, const struct net_link *now);
void routes_on_addr(struct routes *r, const struct net_addr *old, const struct net_addr *now);
void routes_on_rule(struct routes *r, const struct net_rule *old, const struct net_rule *now);
void routes_on_route(struct routes *r, const struct net_route *old, const struct net_route *now);
void routes_on_neigh(struct routes *r, const struct net_neigh *old, const struct net_neigh *now);

/* ---- Host = no: the config in the kernel's place (routes_static.c) ---- */

/* The kernel's usual rules, which nobody else sets then. Once, after routes_create. */
void routes_static_begin(struct routes *r);
/*
 * A port with its addresses, gateways and neighbours, added or with other values: then was is
 * what it had (NULL at first). Its routes_port is made here.
 */
int routes_static_port(struct routes *r, const struct routes_port *port,
	const struct port_intent *was, const struct port_intent *now);
/* A tunnel's addresses, added or with other values. was NULL: at first; now NULL: it goes. */
int routes_static_tunnel(struct routes *r, const struct routes_tunnel *tunnel,
	const struct interface_intent *was, const struct interface_intent *now);
/* A route of an allowed-ip into the tunnel comes or goes. */
void routes_static_allowed(struct routes *r, uint16_t iface_id, const struct prefix *prefix,
	bool is_there);
