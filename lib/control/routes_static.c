/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Host = no: what a kernel would make of the config is made here and fed in as if the mirror had
 * told it. Devices get numbers of our own, so they need no kernel.
 */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "control/routes.h"

enum {
	LOCAL_PRIORITY = 0,
	MAIN_PRIORITY = 32766,
};

static uint32_t
ifindex_of_link(uint16_t link_id)
{
	return 1u + link_id;
}

void
routes_static_begin(struct routes *r)
{
	static const uint8_t families[] = {ADDR_V4, ADDR_V6};
	for (unsigned i = 0; i < 2; i++) {
		struct net_rule rule = {.family = families[i], .action = FR_ACT_TO_TBL,
			.suppress_prefix_len = -1, .priority = LOCAL_PRIORITY,
			.table = RT_TABLE_LOCAL};
		routes_on_rule(r, NULL, &rule);
		rule.priority = MAIN_PRIORITY;
		rule.table = RT_TABLE_MAIN;
		routes_on_rule(r, NULL, &rule);
	}
}

/* What is made of a config comes or goes. */
struct act {
	struct routes *r;
	uint32_t ifindex;
	bool is_there;
};

static void
route(const struct act *a, const struct prefix *dst, uint8_t type, const struct addr *via)
{
	struct net_scratch scratch;
	memset(&scratch, 0, sizeof(scratch));
	struct net_route *n = &scratch.object.route;
	n->table = type == RTN_LOCAL ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
	n->dst = prefix_masked(dst);
	/* A tunnel's 0.0.0.0/0 goes before a port's gateway; outer packets do not see it. */
	n->metric = a->ifindex > LINK_FIRST_TUNNEL ? a->ifindex : LINK_COUNT + a->ifindex;
	n->src.addr.family = dst->addr.family;
	n->type = type;
	n->protocol = RTPROT_STATIC;
	n->n_hops = 1;
	n->hops[0] = (struct net_hop){.ifindex = a->ifindex, .weight = 1};
	if (via)
		n->hops[0].via = *via;
	routes_on_route(a->r, a->is_there ? NULL : n, a->is_there ? n : NULL);
}

static void
address(const struct act *a, const struct prefix *p)
{
	uint8_t scope = addr_is_link_local(&p->addr) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	struct net_addr n = {.ifindex = a->ifindex, .prefix = *p, .scope = scope};
	struct prefix own = {.addr = p->addr, .len = (uint8_t)addr_bits(p->addr.family)};
	routes_on_addr(a->r, a->is_there ? NULL : &n, a->is_there ? &n : NULL);
	route(a, &own, RTN_LOCAL, NULL);
	if (p->len < own.len)
		route(a, p, RTN_UNICAST, NULL);
}

static void
gateway(const struct act *a, const struct addr *via)
{
	struct prefix all = {.addr.family = via->family};
	if (via->family)
		route(a, &all, RTN_UNICAST, via);
}

static void
port(const struct act *a, const struct port_intent *p)
{
	for (size_t i = 0; p && i < p->addresses.n; i++)
		address(a, &p->addresses.items[i]);
	for (size_t i = 0; p && i < p->n_neighbours; i++) {
		struct net_neigh n = {.ifindex = a->ifindex, .state = NUD_PERMANENT, .has_mac = 1,
			.addr = p->neighbours[i].ip, .mac = p->neighbours[i].mac};
		routes_on_neigh(a->r, a->is_there ? NULL : &n, a->is_there ? &n : NULL);
	}
	if (p) {
		gateway(a, &p->gateway_v4);
		gateway(a, &p->gateway_v6);
	}
}

int
routes_static_port(struct routes *r, const struct routes_port *p, const struct port_intent *was,
	const struct port_intent *now)
{
	struct act act = {.r = r, .ifindex = ifindex_of_link(p->link_id)};
	struct routes_port own = *p;
	own.ifindex = act.ifindex;
	int rc = now ? routes_port_add(r, &own, NULL) : 0;
	if (rc)
		return rc;
	port(&act, was);
	act.is_there = true;
	port(&act, now);
	if (!now)
		routes_port_remove(r, p->link_id);
	routes_settle(r);
	return 0;
}

static void
tunnel(const struct act *a, const struct interface_intent *i)
{
	for (size_t k = 0; i && k < i->addresses.n; k++)
		address(a, &i->addresses.items[k]);
}

int
routes_static_tunnel(struct routes *r, const struct routes_tunnel *t,
	const struct interface_intent *was, const struct interface_intent *now)
{
	struct act act = {.r = r, .ifindex = ifindex_of_link(link_of_iface(t->iface_id))};
	struct routes_tunnel own = *t;
	own.ifindex = act.ifindex;
	int rc = now ? routes_tunnel_add(r, &own, NULL) : 0;
	if (rc)
		return rc;
	tunnel(&act, was);
	act.is_there = true;
	tunnel(&act, now);
	if (!now)
		routes_tunnel_remove(r, t->iface_id);
	routes_settle(r);
	return 0;
}

void
routes_static_allowed(struct routes *r, uint16_t iface_id, const struct prefix *prefix,
	bool is_there)
{
	struct act act = {.r = r, .ifindex = ifindex_of_link(link_of_iface(iface_id)),
		.is_there = is_there};
	route(&act, prefix, RTN_UNICAST, NULL);
}
