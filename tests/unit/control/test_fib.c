/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The compiled tables against a model that does what the kernel does for each packet: rule by
 * rule, longest prefix in the rule's table, lowest metric. Rules, routes, neighbours and tunnels
 * come and go at random; every answer of the tables must be the model's after each step.
 */
#include "routes_scene.h"

#include <stdlib.h>

#include "base/bytes.h"

enum {
	MAX_ROUTES = 96,
	MAX_RULES = 10,
	MAX_NEIGHS = 24,
	N_ROUNDS = 60,
	N_STEPS = 120,
	N_QUERIES = 24,
	KERNEL_DEVICE = 40,
};

struct model {
	struct scene scene;
	uint8_t family;
	bool may_throw;
	bool has_tunnel;
	struct net_route *routes[MAX_ROUTES];
	unsigned n_routes;
	struct net_rule rules[MAX_RULES];
	unsigned n_rules;
	struct net_neigh neighs[MAX_NEIGHS];
	unsigned n_neighs;
};

static uint64_t seed = 88172645463325252ull;

static uint32_t
any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % below;
}

/* Few bits vary, so that prefixes cover each other often. */
static struct addr
any_addr(uint8_t family)
{
	struct addr a = {.family = family};
	a.bytes[0] = 10 + (uint8_t)any(2) * 64;
	a.bytes[1] = (uint8_t)any(4) << 6;
	a.bytes[2] = (uint8_t)any(2) * 0xc0;
	a.bytes[addr_n_bytes(family) - 1] = (uint8_t)any(4);
	return a;
}

static struct prefix
any_prefix(uint8_t family)
{
	static const uint8_t lens[] = {0, 0, 1, 4, 8, 9, 10, 16, 17, 24, 30, 31, 255, 255};
	struct prefix p = {.addr = any_addr(family), .len = lens[any(ARRAY_COUNT(lens))]};
	if (p.len == 255)
		p.len = (uint8_t)addr_bits(family);
	return prefix_masked(&p);
}

static uint32_t
any_table(void)
{
	static const uint32_t tables[] = {255, 254, 254, 51820, 100, 7};
	return tables[any(ARRAY_COUNT(tables))];
}

/* ---- What the kernel would do ---- */

struct verdict {
	const struct net_route *route;
	const struct net_hop *hop;
};

static const struct net_hop *
hop_of_route(const struct model *m, enum tables_which which, const struct net_route *r)
{
	for (unsigned i = 0; i < r->n_hops; i++) {
		if (which == TABLES_FORWARD || !m->has_tunnel || r->hops[i].ifindex != TUN)
			return &r->hops[i];
	}
	return NULL;
}

static bool
is_better(const struct net_route *r, const struct net_route *best)
{
	return !best || r->dst.len > best->dst.len ||
		(r->dst.len == best->dst.len && r->metric < best->metric);
}

static const struct net_route *
in_table(const struct model *m, enum tables_which which, const struct net_rule *rule,
	const struct addr *to)
{
	const struct net_route *best = NULL;
	for (unsigned i = 0; i < m->n_routes; i++) {
		const struct net_route *r = m->routes[i];
		bool counts = r->table == rule->table && prefix_has(&r->dst, to) &&
			(r->type != RTN_UNICAST || hop_of_route(m, which, r));
		if (counts && is_better(r, best))
			best = r;
	}
	if (best && (int)best->dst.len <= rule->suppress_prefix_len)
		return NULL;
	return best && best->type == RTN_THROW ? NULL : best;
}

static struct verdict
model_look_up(const struct model *m, enum tables_which which, const struct addr *to)
{
	uint32_t mark = which == TABLES_UNDERLAY && m->has_tunnel ? MARK : 0;
	for (unsigned i = 0; i < m->n_rules; i++) {
		const struct net_rule *rule = &m->rules[i];
		if ((((rule->fwmark ^ mark) & rule->fwmask) == 0) == rule->is_inverted)
			continue;
		const struct net_route *r = in_table(m, which, rule, to);
		if (r)
			return (struct verdict){r, hop_of_route(m, which, r)};
	}
	return (struct verdict){NULL, NULL};
}

static const struct net_neigh *
model_neigh(const struct model *m, uint32_t ifindex, const struct addr *a)
{
	for (unsigned i = 0; i < m->n_neighs; i++) {
		const struct net_neigh *n = &m->neighs[i];
		if (n->ifindex == ifindex && addr_is_equal(&n->addr, a) && n->has_mac)
			return n;
	}
	return NULL;
}

static void
check_hop(const struct model *m, const struct verdict *v, const struct addr *to,
	const struct nexthop *nh)
{
	const struct addr *via = v->hop->via.family ? &v->hop->via : to;
	const struct net_neigh *n = model_neigh(m, v->hop->ifindex, via);
	if (v->hop->ifindex == TUN) {
		assert_int_equal(nh->type, m->has_tunnel ? NEXTHOP_TUNNEL : NEXTHOP_KERNEL);
	} else if (v->hop->ifindex == KERNEL_DEVICE) {
		assert_int_equal(nh->type, NEXTHOP_KERNEL);
	} else if (n) {
		assert_int_equal(nh->type, NEXTHOP_LINK);
		assert_int_equal(nh->link_id, v->hop->ifindex == WAN ? 0 : 1);
		assert_memory_equal(nh->ethernet, n->mac.bytes, 6);
	} else {
		assert_int_equal(nh->type, NEXTHOP_GLEAN);
		assert_int_equal(nh->link_id, v->hop->ifindex == WAN ? 0 : 1);
		assert_int_equal(nh->via.family, v->hop->via.family);
		assert_memory_equal(nh->via.bytes, v->hop->via.bytes, 16);
	}
}

static void
check(const struct model *m, enum tables_which which, const struct addr *to)
{
	struct verdict v = model_look_up(m, which, to);
	const struct nexthop *nh = look_up(&m->scene, which, to);
	if (!v.route) {
		/* Where throws leave nothing, the kernel is asked to say so. */
		assert_true(!nh || (m->may_throw && nh->type == NEXTHOP_KERNEL));
		return;
	}
	assert_non_null(nh);
	if (v.route->type == RTN_UNICAST)
		check_hop(m, &v, to, nh);
	else
		assert_int_equal(nh->type, v.route->type == RTN_LOCAL ? NEXTHOP_LOCAL :
			v.route->type == RTN_BLACKHOLE ? NEXTHOP_BLACKHOLE : NEXTHOP_KERNEL);
}

/* ---- Random steps ---- */

static void
fill_route(const struct model *m, struct net_route *r)
{
	static const uint32_t devices[] = {WAN, LAN, LAN, TUN, TUN, KERNEL_DEVICE};
	static const uint8_t types[] = {RTN_LOCAL, RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_THROW};
	r->dst = any_prefix(m->family);
	r->table = any_table();
	r->metric = any(2);
	r->type = any(4) ? RTN_UNICAST : types[any(m->may_throw ? 4 : 3)];
	if (r->type != RTN_UNICAST)
		return;
	r->n_hops = 1;
	r->hops[0] = (struct net_hop){.ifindex = devices[any(ARRAY_COUNT(devices))], .weight = 1};
	if (any(2) && r->hops[0].ifindex != TUN)
		r->hops[0].via = any_addr(m->family);
}

static void
route_gone(struct model *m, unsigned i)
{
	routes_on_route(m->scene.routes, m->routes[i], NULL);
	free(m->routes[i]);
	m->routes[i] = m->routes[--m->n_routes];
}

static void
step_route(struct model *m)
{
	if (m->n_routes == MAX_ROUTES || (m->n_routes && any(5) < 2)) {
		route_gone(m, any(m->n_routes));
		return;
	}
	struct net_route *r = calloc(1, sizeof(*r) + sizeof(r->hops[0]));
	assert_non_null(r);
	fill_route(m, r);
	unsigned i = 0;
	while (i < m->n_routes && !(m->routes[i]->table == r->table &&
		m->routes[i]->metric == r->metric && prefix_is_equal(&m->routes[i]->dst, &r->dst)))
		i++;
	routes_on_route(m->scene.routes, i < m->n_routes ? m->routes[i] : NULL, r);
	if (i < m->n_routes)
		free(m->routes[i]);
	else
		m->n_routes++;
	m->routes[i] = r;
}

static void
step_rule(struct model *m)
{
	if (m->n_rules == MAX_RULES || (m->n_rules && any(2))) {
		unsigned i = any(m->n_rules);
		routes_on_rule(m->scene.routes, &m->rules[i], NULL);
		m->n_rules--;
		memmove(&m->rules[i], &m->rules[i + 1], (m->n_rules - i) * sizeof(m->rules[0]));
		return;
	}
	struct net_rule rule = rule_of(m->family, any(100000), any_table());
	rule.suppress_prefix_len = any(3) ? -1 : (int32_t)any(3) * 8;
	rule.fwmark = rule.fwmask = any(3) ? 0 : MARK;
	rule.is_inverted = rule.fwmask && any(2);
	unsigned i = m->n_rules++;
	for (; i > 0 && m->rules[i - 1].priority > rule.priority; i--)
		m->rules[i] = m->rules[i - 1];
	m->rules[i] = rule;
	routes_on_rule(m->scene.routes, NULL, &rule);
}

static void
step_neigh(struct model *m)
{
	struct net_neigh n = {.ifindex = any(2) ? WAN : LAN, .addr = any_addr(m->family),
		.has_mac = any(3) != 0, .mac = {{2, 0, 0, 0, 1, (uint8_t)any(200)}}};
	n.state = n.has_mac ? NUD_REACHABLE : NUD_FAILED;
	unsigned i = 0;
	while (i < m->n_neighs && !(m->neighs[i].ifindex == n.ifindex &&
		addr_is_equal(&m->neighs[i].addr, &n.addr)))
		i++;
	if (i == MAX_NEIGHS) {
		i = any(MAX_NEIGHS);
		routes_on_neigh(m->scene.routes, &m->neighs[i], NULL);
		m->neighs[i] = m->neighs[--m->n_neighs];
		return;
	}
	m->n_neighs += i == m->n_neighs;
	m->neighs[i] = n;
	routes_on_neigh(m->scene.routes, NULL, &n);
}

static void
step_tunnel(struct model *m)
{
	struct routes_tunnel tun = {.ifindex = TUN, .fwmark = MARK, .mtu = 1420};
	if (m->has_tunnel)
		routes_tunnel_remove(m->scene.routes, 0);
	else
		assert_int_equal(routes_tunnel_add(m->scene.routes, &tun, NULL), 0);
	m->has_tunnel = !m->has_tunnel;
}

static void
step(struct model *m)
{
	unsigned what = any(20);
	if (what < 13)
		step_route(m);
	else if (what < 18)
		step_neigh(m);
	else if (what < 19)
		step_rule(m);
	else
		step_tunnel(m);
	routes_settle(m->scene.routes);
	if (!any(10))
		routes_tick(m->scene.routes, any(1000) * NS_IN_S);
}

static void
play(uint8_t family, bool may_throw)
{
	struct model m = {.family = family, .may_throw = may_throw, .has_tunnel = true};
	scene_begin(&m.scene);
	scene_devices(&m.scene);
	for (unsigned i = 0; i < 4; i++)
		step_rule(&m);
	for (unsigned i = 0; i < N_STEPS; i++) {
		step(&m);
		for (unsigned q = 0; q < N_QUERIES; q++) {
			struct addr to = any_addr(family);
			check(&m, q % 2 ? TABLES_UNDERLAY : TABLES_FORWARD, &to);
		}
	}
	while (m.n_routes)
		route_gone(&m, any(m.n_routes));
	scene_end(&m.scene);
}

static void
model_v4(void **state)
{
	for (unsigned i = 0; i < N_ROUNDS; i++)
		play(ADDR_V4, false);
}

static void
model_v6(void **state)
{
	for (unsigned i = 0; i < N_ROUNDS; i++)
		play(ADDR_V6, false);
}

static void
model_with_throws(void **state)
{
	for (unsigned i = 0; i < N_ROUNDS; i++)
		play(i % 2 ? ADDR_V6 : ADDR_V4, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model_v4),
		cmocka_unit_test(model_v6),
		cmocka_unit_test(model_with_throws),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
