/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel state in, next hops out: one scene a behaviour. */
#include <errno.h>

#include "routes_scene.h"

static void
assert_addr(const struct addr *a, const char *text)
{
	char is[ADDR_TEXT_BYTES];
	assert_string_equal(addr_format(a, is), text);
}

static void
assert_type(const struct nexthop *nh, enum nexthop_type type)
{
	assert_non_null(nh);
	assert_int_equal(nh->type, type);
}

/* A LINK to the neighbour whose MAC address ends in mac_last, from a port's whose ends in own. */
static void
assert_link(const struct nexthop *nh, uint16_t link_id, uint8_t mac_last, uint8_t own)
{
	const uint8_t header[12] = {2, 0, 0, 0, 1, mac_last, 2, 0, 0, 0, 0, own};
	assert_type(nh, NEXTHOP_LINK);
	assert_int_equal(nh->link_id, link_id);
	assert_int_equal(nh->ethernet_bytes, 14);
	assert_memory_equal(nh->ethernet, header, sizeof(header));
}

/* Two ports with an address each, a default gateway, a tunnel with a route. */
static int
set_up(void **state)
{
	static struct scene scene;
	struct scene *s = *state = &scene;
	scene_begin(s);
	scene_devices(s);
	scene_usual_rules(s);
	scene_addr(s, LO, "127.0.0.1/8", true);
	scene_addr(s, WAN, "192.0.2.2/24", true);
	scene_addr(s, LAN, "10.1.0.1/16", true);
	scene_addr(s, TUN, "10.9.0.1/24", true);
	ROUTE(s, .dst = "192.0.2.2/32", .dev = WAN, .type = RTN_LOCAL, .table = RT_TABLE_LOCAL);
	ROUTE(s, .dst = "192.0.2.255/32", .dev = WAN, .type = RTN_BROADCAST,
		.table = RT_TABLE_LOCAL);
	ROUTE(s, .dst = "192.0.2.0/24", .dev = WAN, .src = "192.0.2.2");
	ROUTE(s, .dst = "10.1.0.0/16", .dev = LAN, .src = "10.1.0.1");
	ROUTE(s, .dst = "10.9.0.0/24", .dev = TUN, .src = "10.9.0.1");
	ROUTE(s, .dst = "0.0.0.0/0", .dev = WAN, .via = "192.0.2.1");
	routes_settle(s->routes);
	return 0;
}

static int
tear_down(void **state)
{
	scene_end(*state);
	rcu_wait_retired();
	return 0;
}

static void
box_and_broadcast(void **state)
{
	struct scene *s = *state;
	struct addr own = addr_of("192.0.2.2"), lo = addr_of("127.0.0.1");
	struct addr broadcast = addr_of("192.0.2.255");
	assert_type(forward(s, "192.0.2.2"), NEXTHOP_LOCAL);
	assert_type(forward(s, "192.0.2.255"), NEXTHOP_KERNEL);
	assert_true(tables_is_local(s->tables, ADDR_V4, own.bytes));
	assert_true(tables_is_local(s->tables, ADDR_V4, lo.bytes));
	assert_false(tables_is_local(s->tables, ADDR_V4, broadcast.bytes));
	scene_addr(s, WAN, "192.0.2.2/24", false);
	routes_settle(s->routes);
	assert_false(tables_is_local(s->tables, ADDR_V4, own.bytes));
}

static void
gateway_resolves_and_fails(void **state)
{
	struct scene *s = *state;
	const struct nexthop *nh = forward(s, "8.8.8.8");
	assert_type(nh, NEXTHOP_GLEAN);
	assert_addr(&nh->via, "192.0.2.1");
	assert_addr(&nh->source, "192.0.2.2");
	assert_int_equal(s->n_asked, 1);
	assert_addr(&s->asked, "192.0.2.1");

	uint32_t generation = s->tables->underlay_generation;
	scene_neigh(s, WAN, "192.0.2.1", 1);
	assert_link(forward(s, "8.8.8.8"), 0, 1, 0x11);
	assert_link(underlay(s, "8.8.8.8"), 0, 1, 0x11);
	assert_int_equal(forward(s, "8.8.8.8")->mtu, 1500);
	scene_neigh(s, WAN, "192.0.2.1", 7); /* the gateway was swapped for another machine */
	assert_link(underlay(s, "8.8.8.8"), 0, 7, 0x11);
	scene_neigh(s, WAN, "192.0.2.1", 0);
	assert_type(underlay(s, "8.8.8.8"), NEXTHOP_GLEAN);
	assert_int_equal(s->n_forgotten, 0);
	/* The neighbour is also one on the connected network, whose routes come and go by it. */
	assert_in_range(s->tables->underlay_generation - generation, 0, 4);
}

static void
gateway_is_asked_again(void **state)
{
	struct scene *s = *state;
	routes_tick(s->routes, 1 * NS_IN_S);
	assert_int_equal(s->n_asked, 1);
	routes_tick(s->routes, 4 * NS_IN_S);
	assert_int_equal(s->n_asked, 2);
	scene_neigh(s, WAN, "192.0.2.1", 1);
	routes_tick(s->routes, 100 * NS_IN_S);
	assert_int_equal(s->n_asked, 2);
	struct net_neigh stale = {.ifindex = WAN, .addr = addr_of("192.0.2.1"), .has_mac = 1,
		.state = NUD_STALE, .mac = {{2, 0, 0, 0, 1, 1}}};
	routes_on_neigh(s->routes, NULL, &stale);
	assert_link(forward(s, "8.8.8.8"), 0, 1, 0x11);
	routes_tick(s->routes, 140 * NS_IN_S);
	assert_int_equal(s->n_asked, 3);
}

static void
connected_host(void **state)
{
	struct scene *s = *state;
	const struct nexthop *nh = forward(s, "10.1.0.5");
	assert_type(nh, NEXTHOP_GLEAN);
	assert_int_equal(nh->via.family, ADDR_NONE);
	assert_int_equal(nh->link_id, 1);
	assert_int_equal(nh->mtu, 9000);

	struct addr host = addr_of("10.1.0.5");
	s->n_asked = 0;
	routes_neighbour_wanted(s->routes, 1, &host, NS_IN_S);
	routes_neighbour_wanted(s->routes, 1, &host, NS_IN_S + NS_IN_MS);
	assert_int_equal(s->n_asked, 1);
	routes_neighbour_wanted(s->routes, 1, &host, 2 * NS_IN_S + NS_IN_MS);
	assert_int_equal(s->n_asked, 2);

	scene_neigh(s, LAN, "10.1.0.5", 5);
	assert_link(forward(s, "10.1.0.5"), 1, 5, 0x12);
	assert_addr(&forward(s, "10.1.0.5")->source, "10.1.0.1");
	assert_type(forward(s, "10.1.0.6"), NEXTHOP_GLEAN);
	routes_neighbour_wanted(s->routes, 1, &host, 9 * NS_IN_S);
	assert_int_equal(s->n_asked, 2); /* it is known already */

	scene_neigh(s, LAN, "10.1.0.5", 0);
	assert_type(forward(s, "10.1.0.5"), NEXTHOP_GLEAN);
	assert_int_equal(s->n_forgotten, 1); /* else the kernel would ask for ever */
}

static void
asks_are_bounded(void **state)
{
	struct scene *s = *state;
	s->n_asked = 0;
	for (uint32_t i = 0; i < 5000; i++) {
		struct addr a = addr_from_v4(0x0a010000 + i);
		routes_neighbour_wanted(s->routes, 1, &a, NS_IN_S);
	}
	assert_in_range(s->n_asked, 1, NEIGH_ASKS_A_SECOND);
	struct addr multicast = addr_of("224.0.0.5"), tunnel = addr_of("10.9.0.7");
	routes_tick(s->routes, 2 * NS_IN_S);
	s->n_asked = 0;
	routes_neighbour_wanted(s->routes, 1, &multicast, 2 * NS_IN_S);
	routes_neighbour_wanted(s->routes, link_of_iface(0), &tunnel, 2 * NS_IN_S);
	routes_neighbour_wanted(s->routes, 77, &tunnel, 2 * NS_IN_S);
	assert_int_equal(s->n_asked, 0);
}

/* Neighbours of another device, or where no connected route leads, are nobody's next hop. */
static void
neighbour_out_of_place(void **state)
{
	struct scene *s = *state;
	scene_neigh(s, WAN, "10.1.0.5", 5);
	assert_type(forward(s, "10.1.0.5"), NEXTHOP_GLEAN);
	scene_neigh(s, WAN, "198.51.100.1", 6);
	assert_addr(&forward(s, "198.51.100.1")->via, "192.0.2.1");
	ROUTE(s, .dst = "198.51.100.0/24", .dev = WAN);
	assert_link(forward(s, "198.51.100.1"), 0, 6, 0x11);
	ROUTE_GONE(s, .dst = "198.51.100.0/24", .dev = WAN);
	assert_addr(&forward(s, "198.51.100.1")->via, "192.0.2.1");
}

static void
lowest_metric_wins(void **state)
{
	struct scene *s = *state;
	scene_neigh(s, LAN, "10.1.0.9", 9);
	ROUTE(s, .dst = "172.16.0.0/12", .dev = WAN, .via = "192.0.2.1", .metric = 20);
	ROUTE(s, .dst = "172.16.0.0/12", .dev = LAN, .via = "10.1.0.9", .metric = 10);
	assert_link(forward(s, "172.16.1.1"), 1, 9, 0x12);
	ROUTE_GONE(s, .dst = "172.16.0.0/12", .dev = LAN, .via = "10.1.0.9", .metric = 10);
	assert_addr(&forward(s, "172.16.1.1")->via, "192.0.2.1");
	ROUTE_GONE(s, .dst = "172.16.0.0/12", .dev = WAN, .via = "192.0.2.1", .metric = 20);
	assert_addr(&forward(s, "172.16.1.1")->via, "192.0.2.1"); /* the default route again */
	ROUTE_GONE(s, .dst = "0.0.0.0/0", .dev = WAN, .via = "192.0.2.1");
	assert_null(forward(s, "172.16.1.1"));
}

static void
tunnel_is_no_underlay(void **state)
{
	struct scene *s = *state;
	const struct nexthop *nh = forward(s, "10.9.0.7");
	assert_type(nh, NEXTHOP_TUNNEL);
	assert_int_equal(nh->iface_id, 0);
	assert_int_equal(nh->link_id, link_of_iface(0));
	assert_int_equal(nh->mtu, 1420);
	assert_addr(&nh->source, "10.9.0.1");
	assert_addr(&underlay(s, "10.9.0.7")->via, "192.0.2.1");

	/* Within one prefix too: the route after the tunnel's serves outer packets. */
	ROUTE(s, .dst = "172.16.0.0/12", .dev = TUN, .metric = 10);
	ROUTE(s, .dst = "172.16.0.0/12", .dev = LAN, .via = "10.1.0.9", .metric = 20);
	assert_type(forward(s, "172.16.1.1"), NEXTHOP_TUNNEL);
	assert_addr(&underlay(s, "172.16.1.1")->via, "10.1.0.9");
}

/* By wg-quick's rules for two interfaces, each with a default route of its own. */
static void
add_default_tunnel(struct scene *s, uint16_t iface_id, uint32_t mark)
{
	struct routes_tunnel tun = {.iface_id = iface_id, .ifindex = TUN + iface_id,
		.fwmark = mark, .mtu = 1420};
	struct net_rule own = rule_of(ADDR_V4, 32764 - 2 * iface_id, mark);
	struct net_rule main_ = rule_of(ADDR_V4, 32763 - 2 * iface_id, RT_TABLE_MAIN);
	own.fwmark = mark;
	own.fwmask = UINT32_MAX;
	own.is_inverted = true;
	main_.suppress_prefix_len = 0;
	assert_int_equal(routes_tunnel_add(s->routes, &tun, NULL), 0);
	scene_rule(s, &own);
	scene_rule(s, &main_);
	ROUTE(s, .dst = "0.0.0.0/0", .dev = TUN + iface_id, .table = mark);
}

static uint8_t
underlay_of(const struct scene *s, uint16_t iface_id)
{
	return s->tables->ifaces[iface_id].underlay_idx;
}

static const struct nexthop *
outer(const struct scene *s, uint16_t iface_id, const char *to)
{
	struct addr a = addr_of(to);
	return look_up(s, TABLES_UNDERLAY + underlay_of(s, iface_id), &a);
}

static void
each_mark_has_its_underlay(void **state)
{
	struct scene *s = *state;
	struct net_rule other = rule_of(ADDR_V4, 100, 77);
	other.fwmark = 51821;
	other.fwmask = UINT32_MAX;
	add_default_tunnel(s, 0, MARK);
	add_default_tunnel(s, 1, 51821);
	routes_settle(s->routes);
	assert_int_not_equal(underlay_of(s, 0), underlay_of(s, 1));
	assert_int_equal(forward(s, "8.8.8.8")->iface_id, 1);
	assert_addr(&outer(s, 0, "8.8.8.8")->via, "192.0.2.1");
	assert_addr(&outer(s, 1, "8.8.8.8")->via, "192.0.2.1");

	/* A rule for one mark moves the outer packets of that interface alone. */
	ROUTE(s, .dst = "8.0.0.0/8", .dev = LAN, .via = "10.1.0.9", .table = 77);
	scene_rule(s, &other);
	routes_settle(s->routes);
	assert_addr(&outer(s, 0, "8.8.8.8")->via, "192.0.2.1");
	assert_addr(&outer(s, 1, "8.8.8.8")->via, "10.1.0.9");
	assert_type(forward(s, "8.8.8.8"), NEXTHOP_TUNNEL);
	ROUTE_GONE(s, .dst = "8.0.0.0/8", .dev = LAN, .via = "10.1.0.9", .table = 77);
	assert_addr(&outer(s, 1, "8.8.8.8")->via, "192.0.2.1");
	ROUTE(s, .dst = "8.0.0.0/8", .dev = LAN, .via = "10.1.0.9", .table = 77);
	assert_addr(&outer(s, 1, "8.8.8.8")->via, "10.1.0.9");
}

static void
a_mark_may_change(void **state)
{
	struct scene *s = *state;
	struct net_rule other = rule_of(ADDR_V4, 100, 77);
	other.fwmark = 5;
	other.fwmask = UINT32_MAX;
	scene_rule(s, &other);
	ROUTE(s, .dst = "8.0.0.0/8", .dev = LAN, .via = "10.1.0.9", .table = 77);
	struct routes_tunnel one = {.iface_id = 1, .ifindex = TUN + 1, .fwmark = MARK};
	assert_int_equal(routes_tunnel_add(s->routes, &one, NULL), 0);
	routes_settle(s->routes);
	assert_int_equal(underlay_of(s, 0), underlay_of(s, 1));
	uint32_t before = s->tables->underlay_generation;
	one.fwmark = 5;
	assert_int_equal(routes_tunnel_add(s->routes, &one, NULL), 0);
	routes_settle(s->routes);
	assert_int_not_equal(s->tables->underlay_generation, before);
	assert_addr(&outer(s, 0, "8.8.8.8")->via, "192.0.2.1");
	assert_addr(&outer(s, 1, "8.8.8.8")->via, "10.1.0.9");
	/* The other one follows: what was its underlay is empty again. */
	uint8_t was = underlay_of(s, 0);
	struct routes_tunnel zero = {.iface_id = 0, .ifindex = TUN, .fwmark = 5, .mtu = 1420};
	assert_int_equal(routes_tunnel_add(s->routes, &zero, NULL), 0);
	assert_int_equal(underlay_of(s, 0), underlay_of(s, 1)); /* at once: it is compiled */
	routes_settle(s->routes);
	assert_addr(&outer(s, 0, "8.8.8.8")->via, "10.1.0.9");
	assert_int_equal(route_count(s->tables->underlay[was][0]), 0);
	/* A mark that nobody shares stays where it is. */
	zero.fwmark = one.fwmark = 6;
	assert_int_equal(routes_tunnel_add(s->routes, &zero, NULL), 0);
	routes_tunnel_remove(s->routes, 1);
	routes_settle(s->routes);
	was = underlay_of(s, 0);
	zero.fwmark = 7;
	assert_int_equal(routes_tunnel_add(s->routes, &zero, NULL), 0);
	routes_settle(s->routes);
	assert_int_equal(underlay_of(s, 0), was);
}

static void
marks_are_bounded(void **state)
{
	struct scene *s = *state;
	struct err err = {0};
	struct routes_tunnel t = {.ifindex = 100};
	for (t.iface_id = 1; t.iface_id < TABLES_MAX_UNDERLAYS; t.iface_id++) {
		t.ifindex = 100u + t.iface_id;
		t.fwmark = t.iface_id;
		assert_int_equal(routes_tunnel_add(s->routes, &t, &err), 0);
	}
	t.ifindex++;
	t.fwmark = 99;
	assert_int_equal(routes_tunnel_add(s->routes, &t, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "FwMark 0x63"));
	t.fwmark = 3; /* one that another has */
	assert_int_equal(routes_tunnel_add(s->routes, &t, &err), 0);
	t.fwmark = 4; /* and another's */
	assert_int_equal(routes_tunnel_add(s->routes, &t, &err), 0);
	routes_settle(s->routes);
	for (unsigned i = 0; i < TABLES_MAX_UNDERLAYS; i++)
		assert_int_not_equal(route_count(s->tables->underlay[i][0]), 0);
	assert_int_equal(underlay_of(s, t.iface_id), underlay_of(s, 4));
}

static void
other_devices_and_errors(void **state)
{
	struct scene *s = *state;
	ROUTE(s, .dst = "172.17.0.0/16", .dev = 40);
	ROUTE(s, .dst = "172.18.0.0/16", .type = RTN_UNREACHABLE);
	ROUTE(s, .dst = "172.19.0.0/16", .type = RTN_BLACKHOLE);
	assert_type(forward(s, "172.17.1.1"), NEXTHOP_KERNEL);
	assert_type(forward(s, "172.18.1.1"), NEXTHOP_KERNEL);
	assert_type(underlay(s, "172.19.1.1"), NEXTHOP_BLACKHOLE);
	/* The device turns out to be a port. */
	struct routes_port late = {.port_idx = 2, .link_id = 2, .ifindex = 40, .mtu = 1500};
	assert_int_equal(routes_port_add(s->routes, &late, NULL), 0);
	routes_settle(s->routes);
	assert_type(forward(s, "172.17.1.1"), NEXTHOP_GLEAN);
	routes_port_remove(s->routes, 2);
	routes_settle(s->routes);
	assert_type(forward(s, "172.17.1.1"), NEXTHOP_KERNEL);
}

static void
multipath(void **state)
{
	struct scene *s = *state;
	ROUTE(s, .dst = "172.16.0.0/12", .dev = WAN, .via = "192.0.2.1", .weight = 3, .dev2 = LAN,
		.via2 = "10.1.0.9");
	const struct nexthop *nh = forward(s, "172.16.1.1");
	assert_type(nh, NEXTHOP_GROUP);
	assert_int_equal(nh->n_members, 4);
	assert_int_equal(nh->members[0], nh->members[2]);
	assert_int_not_equal(nh->members[0], nh->members[3]);
	scene_neigh(s, LAN, "10.1.0.9", 9);
	assert_link(tables_nexthop(s->tables, nh->members[3]), 1, 9, 0x12);
	/* A tunnel among the hops: outer packets take the other one. */
	ROUTE(s, .dst = "172.16.0.0/12", .dev = TUN, .dev2 = LAN, .via2 = "10.1.0.9");
	assert_type(forward(s, "172.16.1.1"), NEXTHOP_GROUP);
	assert_link(underlay(s, "172.16.1.1"), 1, 9, 0x12);
}

/* What wg-quick does for AllowedIPs = 0.0.0.0/0, and what it undoes. */
static void
wg_quick_default_route(void **state)
{
	struct scene *s = *state;
	struct net_rule marked = rule_of(ADDR_V4, 32765, MARK);
	struct net_rule suppress = rule_of(ADDR_V4, 32764, RT_TABLE_MAIN);
	marked.fwmark = MARK;
	marked.fwmask = UINT32_MAX;
	marked.is_inverted = 1;
	suppress.suppress_prefix_len = 0;
	scene_neigh(s, WAN, "192.0.2.1", 1);
	scene_rule(s, &marked);
	scene_rule(s, &suppress);
	ROUTE(s, .dst = "0.0.0.0/0", .dev = TUN, .table = MARK);
	routes_settle(s->routes);
	assert_type(forward(s, "8.8.8.8"), NEXTHOP_TUNNEL);
	assert_link(underlay(s, "8.8.8.8"), 0, 1, 0x11);
	assert_type(forward(s, "10.1.0.5"), NEXTHOP_GLEAN); /* main's longer routes go first */
	assert_type(forward(s, "192.0.2.2"), NEXTHOP_LOCAL);
	/* The LAN's neighbours stand where main's connected route wins. */
	scene_neigh(s, LAN, "10.1.0.5", 5);
	assert_link(forward(s, "10.1.0.5"), 1, 5, 0x12);

	routes_on_rule(s->routes, &marked, NULL);
	routes_on_rule(s->routes, &suppress, NULL);
	routes_settle(s->routes);
	assert_link(forward(s, "8.8.8.8"), 0, 1, 0x11);
}

/* ExitNode: for what passes through alone, whatever mark outer packets have. */
static void
default_route_for_forwarded(void **state)
{
	struct scene *s = *state;
	struct net_rule exit = rule_of(ADDR_V4, 32765, 51820);
	struct net_rule near = rule_of(ADDR_V4, 32764, RT_TABLE_MAIN);
	strcpy(exit.iif, "lo");
	strcpy(near.iif, "lo");
	exit.is_inverted = near.is_inverted = true;
	near.suppress_prefix_len = 0;
	scene_neigh(s, WAN, "192.0.2.1", 1);
	scene_rule(s, &exit);
	scene_rule(s, &near);
	ROUTE(s, .dst = "0.0.0.0/0", .dev = TUN, .table = 51820);
	routes_settle(s->routes);
	assert_type(forward(s, "8.8.8.8"), NEXTHOP_TUNNEL);
	assert_type(forward(s, "10.1.0.5"), NEXTHOP_GLEAN);
	assert_link(underlay(s, "8.8.8.8"), 0, 1, 0x11);
	routes_on_rule(s->routes, &exit, NULL);
	routes_settle(s->routes);
	assert_link(forward(s, "8.8.8.8"), 0, 1, 0x11);
}

static void
rules_that_cannot_be_followed(void **state)
{
	struct scene *s = *state;
	struct net_rule from = rule_of(ADDR_V4, 100, 100), iif = rule_of(ADDR_V4, 101, 100);
	struct net_rule jump = rule_of(ADDR_V4, 102, 0);
	from.src = prefix_of("10.1.0.0/16");
	memcpy(iif.iif, "hg-lan", 7);
	jump.action = FR_ACT_GOTO;
	jump.goto_priority = 32766;
	struct net_rule skipped = rule_of(ADDR_V4, 103, 100);
	scene_rule(s, &from);
	scene_rule(s, &iif);
	scene_rule(s, &jump);
	scene_rule(s, &skipped);
	ROUTE(s, .dst = "8.8.8.8/32", .type = RTN_BLACKHOLE, .table = 100);
	routes_settle(s->routes);
	assert_type(forward(s, "8.8.8.8"), NEXTHOP_GLEAN);
	routes_on_rule(s->routes, &jump, NULL);
	routes_settle(s->routes);
	assert_type(forward(s, "8.8.8.8"), NEXTHOP_BLACKHOLE);
}

static void
ipv6_link_local_gateway(void **state)
{
	struct scene *s = *state;
	scene_addr(s, WAN, "2001:db8::2/64", true);
	scene_addr(s, TUN, "fd00::1/64", true);
	ROUTE(s, .dst = "::/0", .dev = WAN, .via = "fe80::1");
	ROUTE(s, .dst = "2001:db8::/64", .dev = WAN);
	ROUTE(s, .dst = "ff00::/8", .dev = WAN, .table = RT_TABLE_LOCAL);
	ROUTE(s, .dst = "fd00::/8", .dev = TUN);
	routes_settle(s->routes);
	const struct nexthop *nh = underlay(s, "2606:4700::1");
	assert_type(nh, NEXTHOP_GLEAN);
	assert_addr(&nh->via, "fe80::1");
	assert_addr(&nh->source, "2001:db8::2");
	scene_neigh(s, WAN, "fe80::1", 3);
	assert_link(underlay(s, "2606:4700::1"), 0, 3, 0x11);
	scene_neigh(s, WAN, "2001:db8::77", 4);
	assert_link(forward(s, "2001:db8::77"), 0, 4, 0x11);
	assert_type(forward(s, "ff02::1"), NEXTHOP_KERNEL);
	assert_type(forward(s, "fd00::9"), NEXTHOP_TUNNEL);
}

static void
source_and_mtu_follow_the_device(void **state)
{
	struct scene *s = *state;
	struct net_link wan = {.ifindex = WAN, .mtu = 1400, .name = "hg-wan"};
	routes_on_link(s->routes, NULL, &wan);
	scene_addr(s, WAN, "198.51.100.2/24", true);
	scene_addr(s, WAN, "192.0.2.2/24", false);
	routes_settle(s->routes);
	assert_int_equal(underlay(s, "8.8.8.8")->mtu, 1400);
	assert_addr(&underlay(s, "8.8.8.8")->source, "198.51.100.2");
}

static void
device_goes(void **state)
{
	struct scene *s = *state;
	struct net_link lan = {.ifindex = LAN, .mtu = 9000, .name = "hg-lan"};
	struct addr own = addr_of("10.1.0.1");
	scene_neigh(s, LAN, "10.1.0.5", 5);
	routes_on_link(s->routes, &lan, NULL);
	ROUTE_GONE(s, .dst = "10.1.0.0/16", .dev = LAN, .src = "10.1.0.1");
	routes_settle(s->routes);
	assert_false(tables_is_local(s->tables, ADDR_V4, own.bytes));
	assert_addr(&forward(s, "10.1.0.5")->via, "192.0.2.1");
}

/* Ids of next hops rest before they are used again. */
static void
next_hops_rest(void **state)
{
	struct scene *s = *state;
	uint32_t n = s->tables->n_nexthops;
	ROUTE(s, .dst = "172.16.0.0/12", .dev = LAN, .via = "10.1.0.9");
	ROUTE_GONE(s, .dst = "172.16.0.0/12", .dev = LAN, .via = "10.1.0.9");
	assert_int_equal(s->tables->n_nexthops, n + 1);
	for (unsigned i = 1; i <= 6; i++)
		routes_tick(s->routes, i * NS_IN_S);
	assert_int_equal(s->tables->n_nexthops, n);
}

/* A change above many routes, and one of the next hop of all: no other prefix is touched. */
static void
many_routes_one_event(void **state)
{
	struct scene *s = *state;
	for (uint32_t i = 0; i < 100000; i++) {
		struct net_scratch scratch;
		struct net_route *r = route_of(&(struct words){.dst = "16.0.0.0/24", .dev = LAN,
			.via = "10.1.0.9"}, &scratch);
		r->dst.addr = addr_from_v4(0x10000000 + (i << 8));
		routes_on_route(s->routes, NULL, r);
	}
	uint32_t generation = s->tables->underlay_generation;
	for (unsigned i = 0; i < 1000; i++) {
		ROUTE(s, .dst = "16.0.0.0/12", .dev = WAN, .via = "192.0.2.1");
		ROUTE_GONE(s, .dst = "16.0.0.0/12", .dev = WAN, .via = "192.0.2.1");
		scene_neigh(s, LAN, "10.1.0.9", 1 + i % 2);
	}
	/* Each change of a route counts one: had others been written again, it would show. */
	assert_in_range(s->tables->underlay_generation - generation, 2000, 2010);
	assert_link(forward(s, "16.5.5.5"), 1, 2, 0x12);
}

/* Host = no: the config alone. */
static void
static_config(void **state)
{
	struct scene s;
	scene_begin(&s);
	struct intent *it = intent_create();
	struct port_intent *p = intent_port_add(it, "wan");
	struct interface_intent *i = intent_interface_add(it, "hg0");
	struct prefix own = prefix_of("192.0.2.2/24"), inner = prefix_of("10.9.0.1/24");
	struct prefix all = prefix_of("0.0.0.0/0");
	struct neighbour_intent gateway = {addr_of("192.0.2.1"), {{2, 0, 0, 0, 1, 1}}};
	prefix_list_add(&p->addresses, &own);
	prefix_list_add(&i->addresses, &inner);
	neighbour_add(p, &gateway);
	p->gateway_v4 = gateway.ip;
	struct routes_port port = {.link_id = 0, .mac = {{2, 0, 0, 0, 0, 0x11}}, .mtu = 1500};
	struct routes_tunnel tunnel = {.iface_id = 0, .mtu = 1420};
	routes_static_begin(s.routes);
	assert_int_equal(routes_static_port(s.routes, &port, NULL, p), 0);
	assert_int_equal(routes_static_tunnel(s.routes, &tunnel, NULL, i), 0);
	assert_link(forward(&s, "8.8.8.8"), 0, 1, 0x11);
	assert_type(forward(&s, "192.0.2.9"), NEXTHOP_GLEAN);
	assert_type(forward(&s, "192.0.2.2"), NEXTHOP_LOCAL);
	assert_type(forward(&s, "10.9.0.5"), NEXTHOP_TUNNEL);
	assert_true(tables_is_local(s.tables, ADDR_V4, inner.addr.bytes));
	routes_static_allowed(s.routes, 0, &all, true);
	assert_type(forward(&s, "8.8.8.8"), NEXTHOP_TUNNEL);
	assert_link(underlay(&s, "8.8.8.8"), 0, 1, 0x11);
	routes_static_allowed(s.routes, 0, &all, false);
	assert_link(forward(&s, "8.8.8.8"), 0, 1, 0x11);
	assert_int_equal(routes_static_tunnel(s.routes, &tunnel, i, NULL), 0);
	assert_link(forward(&s, "10.9.0.5"), 0, 1, 0x11);
	assert_int_equal(routes_static_port(s.routes, &port, p, NULL), 0);
	assert_null(forward(&s, "8.8.8.8"));
	intent_destroy(it);
	scene_end(&s);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(box_and_broadcast),
		SCENE(gateway_resolves_and_fails),
		SCENE(gateway_is_asked_again),
		SCENE(connected_host),
		SCENE(asks_are_bounded),
		SCENE(neighbour_out_of_place),
		SCENE(lowest_metric_wins),
		SCENE(tunnel_is_no_underlay),
		SCENE(each_mark_has_its_underlay),
		SCENE(a_mark_may_change),
		SCENE(marks_are_bounded),
		SCENE(other_devices_and_errors),
		SCENE(multipath),
		SCENE(wg_quick_default_route),
		SCENE(default_route_for_forwarded),
		SCENE(rules_that_cannot_be_followed),
		SCENE(ipv6_link_local_gateway),
		SCENE(source_and_mtu_follow_the_device),
		SCENE(device_goes),
		SCENE(next_hops_rest),
		SCENE(many_routes_one_event),
		cmocka_unit_test(static_config),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
