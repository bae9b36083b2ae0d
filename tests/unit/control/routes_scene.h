/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A gateway's kernel in a few words, for the tests of control/routes.h:
 *
 *   hg-wan (ifindex 11, link 0)    hg-lan (12, link 1)    hg0 (13, interface 0)    lo (1)
 *
 * What a test says here reaches the routes as the mirror would tell it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "control/routes.h"

enum {
	LO = 1,
	WAN = 11,
	LAN = 12,
	TUN = 13,
	MARK = 51820,
};

struct scene {
	struct tables *tables;
	struct routes *routes;
	unsigned n_asked, n_forgotten;
	struct addr asked; /* the last one */
	int answer;
};

static inline int
scene_resolve(void *ctx, uint32_t ifindex, const struct addr *addr)
{
	struct scene *s = ctx;
	s->n_asked++;
	s->asked = *addr;
	return s->answer;
}

static inline void
scene_forget(void *ctx, uint32_t ifindex, const struct addr *addr)
{
	struct scene *s = ctx;
	s->n_forgotten++;
}

static inline struct addr
addr_of(const char *text)
{
	struct addr a = {0};
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static inline struct prefix
prefix_of(const char *text)
{
	struct prefix p = {0};
	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

/* The tables and routes alone, no device yet. */
static inline void
scene_begin(struct scene *s)
{
	struct err err;
	memset(s, 0, sizeof(*s));
	s->tables = tables_create(64, &protocol_times_default, &err);
	assert_non_null(s->tables);
	const struct neigh_ops asks = {.ctx = s, .resolve = scene_resolve, .forget = scene_forget};
	const struct routes_config config = {.tables = s->tables, .asks = &asks};
	assert_int_equal(routes_create(&config, &s->routes, &err), 0);
}

static inline void
scene_end(struct scene *s)
{
	routes_destroy(s->routes);
	for (unsigned f = 0; f < 2; f++) {
		assert_int_equal(route_count(s->tables->forward[f]), 0);
		for (unsigned i = 0; i < TABLES_MAX_UNDERLAYS; i++)
			assert_int_equal(route_count(s->tables->underlay[i][f]), 0);
	}
	assert_int_equal(s->tables->n_nexthops, 0);
	tables_destroy(s->tables);
}

static inline void
scene_devices(struct scene *s)
{
	struct routes_port wan = {.port_idx = 0, .link_id = 0, .ifindex = WAN, .mtu = 1500,
		.mac = {{2, 0, 0, 0, 0, 0x11}}, .netdev = "eth1"};
	struct routes_port lan = {.port_idx = 1, .link_id = 1, .ifindex = LAN, .mtu = 9000,
		.mac = {{2, 0, 0, 0, 0, 0x12}}};
	struct routes_tunnel tun = {.iface_id = 0, .ifindex = TUN, .fwmark = MARK, .mtu = 1420};
	assert_int_equal(routes_port_add(s->routes, &wan, NULL), 0);
	assert_int_equal(routes_port_add(s->routes, &lan, NULL), 0);
	assert_int_equal(routes_tunnel_add(s->routes, &tun, NULL), 0);
}

static inline struct net_rule
rule_of(uint8_t family, uint32_t priority, uint32_t table)
{
	return (struct net_rule){.family = family, .priority = priority, .table = table,
		.action = FR_ACT_TO_TBL, .suppress_prefix_len = -1};
}

static inline void
scene_rule(struct scene *s, const struct net_rule *rule)
{
	routes_on_rule(s->routes, NULL, rule);
}

/* local, main, default: as each kernel starts, for both families. */
static inline void
scene_usual_rules(struct scene *s)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct net_rule local = rule_of(v6 ? ADDR_V6 : ADDR_V4, 0, RT_TABLE_LOCAL);
		struct net_rule main_ = rule_of(v6 ? ADDR_V6 : ADDR_V4, 32766, RT_TABLE_MAIN);
		scene_rule(s, &local);
		scene_rule(s, &main_);
	}
}

/* A route in words: `.dst = "10.0.0.0/8", .via = "192.0.2.1", .dev = WAN`. */
struct words {
	const char *dst, *via, *src;
	uint32_t dev, table, metric; /* table 0: main */
	uint8_t type;                /* 0: unicast */
	const char *via2;            /* a second hop */
	uint32_t dev2;
	uint16_t weight;
};

static inline struct net_route *
route_of(const struct words *w, struct net_scratch *scratch)
{
	memset(scratch, 0, sizeof(*scratch));
	struct net_route *r = &scratch->object.route;
	r->dst = prefix_of(w->dst);
	r->src.addr.family = r->dst.addr.family;
	r->table = w->table ? w->table : RT_TABLE_MAIN;
	r->metric = w->metric;
	r->type = w->type ? w->type : RTN_UNICAST;
	if (w->src)
		r->preferred_src = addr_of(w->src);
	if (w->dev)
		r->hops[r->n_hops++] = (struct net_hop){.ifindex = w->dev,
			.weight = w->weight ? w->weight : 1, .via = w->via ? addr_of(w->via) :
			(struct addr){.family = ADDR_NONE}};
	if (w->dev2)
		r->hops[r->n_hops++] = (struct net_hop){.ifindex = w->dev2, .weight = 1,
			.via = w->via2 ? addr_of(w->via2) :
			(struct addr){.family = ADDR_NONE}};
	return r;
}

static inline void
scene_route(struct scene *s, const struct words *w)
{
	struct net_scratch scratch;
	routes_on_route(s->routes, NULL, route_of(w, &scratch));
}

static inline void
scene_route_gone(struct scene *s, const struct words *w)
{
	struct net_scratch scratch;
	routes_on_route(s->routes, route_of(w, &scratch), NULL);
}
#define ROUTE(s, ...) scene_route((s), &(struct words){__VA_ARGS__})
#define ROUTE_GONE(s, ...) scene_route_gone((s), &(struct words){__VA_ARGS__})

static inline void
scene_addr(struct scene *s, uint32_t dev, const char *prefix, bool is_there)
{
	struct net_addr a = {.ifindex = dev, .prefix = prefix_of(prefix)};
	a.scope = dev == LO ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
	routes_on_addr(s->routes, is_there ? NULL : &a, is_there ? &a : NULL);
}

/* mac_last 0: the kernel has tried and failed. */
static inline void
scene_neigh(struct scene *s, uint32_t dev, const char *addr, uint8_t mac_last)
{
	struct net_neigh n = {.ifindex = dev, .addr = addr_of(addr), .has_mac = mac_last != 0,
		.state = mac_last ? NUD_REACHABLE : NUD_FAILED,
		.mac = {{2, 0, 0, 0, 1, mac_last}}};
	routes_on_neigh(s->routes, NULL, &n);
}

/* What the path finds for an address; NULL: no route. */
static inline const struct nexthop *
look_up(const struct scene *s, enum tables_which which, const struct addr *a)
{
	struct tables *t = s->tables;
	uint32_t id = route_lookup(*tables_trie(t, which, a->family), a->bytes);
	return id ? tables_nexthop(t, id) : NULL;
}

static inline const struct nexthop *
forward(const struct scene *s, const char *addr)
{
	struct addr a = addr_of(addr);
	return look_up(s, TABLES_FORWARD, &a);
}

static inline const struct nexthop *
underlay(const struct scene *s, const char *addr)
{
	struct addr a = addr_of(addr);
	return look_up(s, TABLES_UNDERLAY, &a);
}
