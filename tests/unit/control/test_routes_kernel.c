/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Routes from a real kernel, in a network namespace of our own (root; skipped without):
 *
 *   hg-wan 192.0.2.2/24, 2001:db8::2/64 ── the twin of a port over veth "nic" (its far end "wire")
 *   hg0    10.9.0.1/24                   ── a tunnel
 */
#include "routes_scene.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

struct kernel {
	struct scene scene;
	struct netlink *nl;
	struct twin wan, tun;
	int n_links;
	bool link_is_up;
};

static void
set_link(void *ctx, unsigned port_idx, bool is_up)
{
	struct kernel *k = ctx;
	k->n_links++;
	k->link_is_up = is_up;
}

static void
sh(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

/* Takes events in until what is there is true, for two seconds at most. */
#define WAIT_FOR(k, what)                                                                          \
	do {                                                                                       \
		ns_t end_ns = clock_boot_ns() + 2 * NS_IN_S;                                       \
		while (turn(k), !(what) && clock_boot_ns() < end_ns)                               \
			;                                                                          \
		assert_true(what);                                                                 \
	} while (0)

static void
turn(struct kernel *k)
{
	struct err err;
	struct pollfd p = {.fd = routes_fd(k->scene.routes), .events = POLLIN};
	poll(&p, 1, 20);
	assert_int_equal(routes_process(k->scene.routes, &err), 0);
}

static enum nexthop_type
type_of(const struct nexthop *nh)
{
	return nh ? nh->type : 0;
}

static void
begin_routes(struct kernel *k)
{
	struct err err;
	const struct routes_config config = {.tables = k->scene.tables, .has_host = true,
		.set_link = set_link, .ctx = k};
	struct routes_port wan = {.link_id = 0, .ifindex = k->wan.ifindex, .netdev = "nic",
		.twin = &k->wan, .mtu = 1500, .mac = {{2, 0, 0, 0, 0, 0x11}}};
	struct routes_tunnel tun = {.ifindex = k->tun.ifindex, .fwmark = MARK, .mtu = 1420};
	if (routes_create(&config, &k->scene.routes, &err))
		fail_msg("%s", err.text);
	assert_int_equal(routes_port_add(k->scene.routes, &wan, &err), 0);
	assert_int_equal(routes_tunnel_add(k->scene.routes, &tun, &err), 0);
	if (routes_sync(k->scene.routes, 2000, &err))
		fail_msg("%s", err.text);
}

static int
set_up(void **state)
{
	static struct kernel kernel;
	struct kernel *k = *state = &kernel;
	struct err err;
	const struct mac mac = {{2, 0, 0, 0, 0, 0x11}};
	memset(k, 0, sizeof(*k));
	if (unshare(CLONE_NEWNET) || system("ip link add nic type veth peer name wire") != 0) {
		*state = NULL;
		return 0;
	}
	k->nl = netlink_open(&err);
	assert_non_null(k->nl);
	if (twin_create_tap(&k->wan, k->nl, "wan", &mac, &err) ||
		twin_create_tun(&k->tun, k->nl, "hg0", &err))
		fail_msg("%s", err.text);
	sh("ip link set lo up; ip link set hg-wan up; ip link set hg0 up; ip link set nic up;"
	   "ip link set wire up; ip addr add 192.0.2.2/24 dev hg-wan;"
	   "ip addr add 2001:db8::2/64 dev hg-wan nodad; ip addr add 10.9.0.1/24 dev hg0;"
	   "ip route add default via 192.0.2.1; ip -6 route add default via fe80::1 dev hg-wan");
	k->scene.tables = tables_create(64, &protocol_times_default, &err);
	assert_non_null(k->scene.tables);
	begin_routes(k);
	return 0;
}

static int
tear_down(void **state)
{
	struct kernel *k = *state;
	if (!k)
		return 0;
	scene_end(&k->scene);
	twin_destroy(&k->wan);
	twin_destroy(&k->tun);
	netlink_close(k->nl);
	return 0;
}

static void
first_sight(void **state)
{
	struct kernel *k = *state;
	if (!k)
		skip();
	struct scene *s = &k->scene;
	struct addr own = addr_of("10.9.0.1");
	assert_int_equal(type_of(forward(s, "192.0.2.2")), NEXTHOP_LOCAL);
	assert_int_equal(type_of(forward(s, "2001:db8::2")), NEXTHOP_LOCAL);
	assert_int_equal(type_of(forward(s, "192.0.2.255")), NEXTHOP_KERNEL);
	assert_int_equal(type_of(forward(s, "10.9.0.7")), NEXTHOP_TUNNEL);
	assert_int_equal(type_of(forward(s, "8.8.8.8")), NEXTHOP_GLEAN);
	assert_int_equal(type_of(underlay(s, "2606:4700::1")), NEXTHOP_GLEAN);
	assert_true(tables_is_local(s->tables, ADDR_V4, own.bytes));
	assert_int_equal(k->n_links, 1);
	assert_true(k->link_is_up);
}

static void
changes(void **state)
{
	struct kernel *k = *state;
	if (!k)
		skip();
	struct scene *s = &k->scene;
	sh("ip neigh replace 192.0.2.1 dev hg-wan lladdr 02:00:00:00:01:01 nud permanent");
	WAIT_FOR(k, type_of(underlay(s, "8.8.8.8")) == NEXTHOP_LINK);
	sh("ip -6 neigh replace fe80::1 dev hg-wan lladdr 02:00:00:00:01:02 nud reachable");
	WAIT_FOR(k, type_of(underlay(s, "2606:4700::1")) == NEXTHOP_LINK);
	sh("ip route add 172.16.0.0/12 nexthop via 192.0.2.1 nexthop dev hg0");
	WAIT_FOR(k, type_of(forward(s, "172.16.0.1")) == NEXTHOP_GROUP);
	assert_int_equal(type_of(underlay(s, "172.16.0.1")), NEXTHOP_LINK);
	sh("ip route add unreachable 172.20.0.0/16");
	WAIT_FOR(k, type_of(forward(s, "172.20.0.1")) == NEXTHOP_KERNEL);
	sh("ip link set hg-wan down");
	WAIT_FOR(k, !forward(s, "8.8.8.8") && !underlay(s, "192.0.2.1"));
	sh("ip link set hg-wan up; ip route add default via 192.0.2.1");
	WAIT_FOR(k, type_of(forward(s, "8.8.8.8")) == NEXTHOP_GLEAN);
	sh("ip link set hg-wan mtu 1400");
	WAIT_FOR(k, forward(s, "8.8.8.8")->mtu == 1400);
}

static void
wg_quick(void **state)
{
	struct kernel *k = *state;
	if (!k)
		skip();
	struct scene *s = &k->scene;
	sh("ip route add 0.0.0.0/0 dev hg0 table 51820; ip rule add not fwmark 51820 table 51820;"
	   "ip rule add table main suppress_prefixlength 0");
	WAIT_FOR(k, type_of(forward(s, "8.8.8.8")) == NEXTHOP_TUNNEL);
	assert_int_equal(type_of(underlay(s, "8.8.8.8")), NEXTHOP_GLEAN);
	assert_int_equal(type_of(forward(s, "192.0.2.2")), NEXTHOP_LOCAL);
	sh("ip rule del table main suppress_prefixlength 0; ip rule del not fwmark 51820");
	WAIT_FOR(k, type_of(forward(s, "8.8.8.8")) == NEXTHOP_GLEAN);
}

/* The kernel is asked; nobody answers; it is asked to forget. */
static void
neighbour_that_is_not_there(void **state)
{
	struct kernel *k = *state;
	if (!k)
		skip();
	struct addr nobody = addr_of("192.0.2.77");
	sh("echo 50 > /proc/sys/net/ipv4/neigh/hg-wan/retrans_time_ms");
	routes_neighbour_wanted(k->scene.routes, 0, &nobody, NS_IN_S);
	sh("test -n \"$(ip neigh show 192.0.2.77 dev hg-wan)\"");
	WAIT_FOR(k, system("test -z \"$(ip neigh show 192.0.2.77 dev hg-wan)\"") == 0);
	assert_int_equal(type_of(forward(&k->scene, "192.0.2.77")), NEXTHOP_GLEAN);
}

static void
carrier(void **state)
{
	struct kernel *k = *state;
	if (!k)
		skip();
	sh("ip link set wire down");
	WAIT_FOR(k, !k->link_is_up);
	sh("test $(ip -o link show hg-wan | grep -c NO-CARRIER) = 1");
	sh("ip link set wire up");
	WAIT_FOR(k, k->link_is_up);
	sh("ip link set nic name other");
	WAIT_FOR(k, !k->link_is_up);
	sh("ip link set other name nic");
	WAIT_FOR(k, k->link_is_up);
	sh("ip link del nic");
	WAIT_FOR(k, !k->link_is_up);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(first_sight),
		SCENE(changes),
		SCENE(wg_quick),
		SCENE(neighbour_that_is_not_there),
		SCENE(carrier),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
