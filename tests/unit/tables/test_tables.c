/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What control does to the tables and what a worker then sees: interfaces, peers, addresses, ways.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tables/tables.h"

static int
setup(void **state)
{
	struct err err;
	*state = tables_create(8, &protocol_times_default, &err);
	return *state == NULL;
}

static int
teardown(void **state)
{
	tables_destroy(*state);
	return 0;
}

static struct prefix
prefix(const char *text)
{
	struct prefix p;
	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static struct addr
addr(const char *text)
{
	struct addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static uint16_t
iface(struct tables *t)
{
	uint16_t id;
	assert_int_equal(tables_iface_add(t, 1420, &id), 0);
	return id;
}

static uint32_t
peer(struct tables *t, uint16_t iface_id)
{
	uint32_t id;
	assert_int_equal(tables_peer_add(t, iface_id, &id), 0);
	return id;
}

static uint32_t
owner(struct tables *t, uint16_t iface_id, const char *text)
{
	struct addr a = addr(text);
	return route_lookup(t->ifaces[iface_id].allowed[family_index(a.family)], a.bytes);
}

static uint8_t
listener(const struct tables *t, const char *text, uint16_t port)
{
	struct addr a = addr(text);
	uint8_t holder = t->iface_by_port[port];
	return holder == TABLES_BY_ADDRESS ? tables_listener(t, a.family, a.bytes, port) : holder;
}

/* One port, shared by address; never by one that has it on any address. */
static void
listen_addresses(void **state)
{
	struct tables *t = *state;
	uint16_t a = iface(t), b = iface(t), c = iface(t);
	const struct addr one[] = {addr("192.0.2.1"), addr("2001:db8::1")};
	const struct addr two[] = {addr("192.0.2.2"), addr("192.0.2.3")};
	const struct addr both[] = {addr("192.0.2.3"), addr("192.0.2.1")};
	assert_int_equal(tables_iface_listen(t, a, 51820, one, 2), 0);
	assert_int_equal(tables_iface_listen(t, b, 51820, NULL, 0), -EADDRINUSE);
	assert_int_equal(tables_iface_listen(t, b, 51820, both, 2), -EADDRINUSE);
	assert_int_equal(tables_iface_listen(t, b, 51820, two, 2), 0);
	assert_int_equal(tables_iface_listen(t, c, 51820, two, 1), -EADDRINUSE);
	assert_int_equal(tables_iface_listen(t, c, 51821, two, 1), 0);
	assert_int_equal(listener(t, "192.0.2.1", 51820), a + 1);
	assert_int_equal(listener(t, "2001:db8::1", 51820), a + 1);
	assert_int_equal(listener(t, "192.0.2.3", 51820), b + 1);
	assert_int_equal(listener(t, "192.0.2.2", 51821), c + 1);
	assert_int_equal(listener(t, "192.0.2.9", 51820), 0);
	assert_int_equal(listener(t, "192.0.2.1", 51821), 0);
	assert_int_equal(listener(t, "2001:db8::2", 51820), 0);

	/* It moves, and what it leaves is free. */
	assert_int_equal(tables_iface_listen(t, a, 51822, NULL, 0), 0);
	assert_int_equal(t->iface_by_port[51822], a + 1);
	assert_int_equal(listener(t, "192.0.2.1", 51820), 0);
	assert_int_equal(tables_iface_listen(t, b, 51820, both, 2), 0);
	assert_int_equal(listener(t, "192.0.2.1", 51820), b + 1);
	assert_int_equal(listener(t, "192.0.2.2", 51820), 0);
	tables_iface_remove(t, b);
	assert_int_equal(t->iface_by_port[51820], 0);
	assert_int_equal(tables_iface_listen(t, a, 51820, NULL, 0), 0);
	static const struct addr many[TABLES_MAX_LISTEN_ADDRS + 1];
	assert_int_equal(tables_iface_listen(t, c, 1, many, ARRAY_COUNT(many)), -EINVAL);
}

/* Outer packets come from where the interface listens. */
static void
sources(void **state)
{
	struct tables *t = *state;
	uint16_t i = iface(t);
	const struct addr locals[] = {addr("192.0.2.1"), addr("192.0.2.2"), addr("192.0.2.3")};
	const struct addr listens[] = {addr("192.0.2.9"), addr("192.0.2.2"), addr("192.0.2.3")};
	const struct nexthop first = {.source = locals[0]}, third = {.source = locals[2]};
	static const struct {
		const char *wish; /* NULL: none */
		bool listens, by_third;
		const char *source; /* NULL: there is none */
	} rows[] = {
		{NULL, false, false, "192.0.2.1"},
		{"192.0.2.2", false, false, "192.0.2.2"},
		{"192.0.2.7", false, false, "192.0.2.1"}, /* not ours any more */
		{NULL, true, true, "192.0.2.3"},
		{NULL, true, false, "192.0.2.2"},         /* .9 is not ours */
		{"192.0.2.3", true, false, "192.0.2.3"},
		{"192.0.2.1", true, false, "192.0.2.2"},
		{"192.0.2.9", true, false, "192.0.2.2"},
	};
	assert_int_equal(tables_locals_set(t, locals, 3), 0);
	for (size_t k = 0; k < ARRAY_COUNT(rows); k++) {
		struct addr a = rows[k].wish ? addr(rows[k].wish) : (struct addr){0};
		struct addr ought = addr(rows[k].source);
		assert_int_equal(tables_iface_listen(t, i, 7, listens, rows[k].listens ? 3 : 0), 0);
		assert_true(tables_choose_source(t, i, ADDR_V4,
			rows[k].by_third ? &third : &first, &a));
		assert_true(addr_is_equal(&a, &ought));
	}
	struct addr none = {0};
	assert_false(tables_choose_source(t, i, ADDR_V6, &first, &none));
	assert_int_equal(tables_iface_listen(t, i, 7, listens, 1), 0);
	assert_false(tables_choose_source(t, i, ADDR_V4, &first, &none));
}

static void
interfaces(void **state)
{
	struct tables *t = *state;
	uint16_t a = iface(t), b = iface(t);
	assert_int_not_equal(a, b);
	assert_int_equal(tables_iface_set_port(t, a, 51820), 0);
	assert_int_equal(t->iface_by_port[51820], a + 1);
	assert_int_equal(tables_iface_set_port(t, b, 51820), -EADDRINUSE);
	assert_int_equal(tables_iface_set_port(t, a, 51820), 0);
	assert_int_equal(tables_iface_set_port(t, a, 7), 0);
	assert_int_equal(t->iface_by_port[51820], 0);
	assert_int_equal(tables_iface_set_port(t, b, 51820), 0);
	tables_iface_remove(t, a);
	assert_int_equal(t->iface_by_port[7], 0);
	assert_int_equal(iface(t), a); /* the lowest free one */
	tables_iface_set_mtu(t, b, 1280);
	assert_int_equal(t->ifaces[b].mtu, 1280);
	for (unsigned i = 2; i < TABLES_MAX_IFACES; i++)
		iface(t);
	assert_int_equal(tables_iface_add(t, 1420, &a), -ENOSPC);
}

static void
peers(void **state)
{
	struct tables *t = *state;
	uint16_t i = iface(t);
	uint32_t ids[8], id, generation;
	for (unsigned k = 0; k < 8; k++)
		ids[k] = peer(t, i);
	assert_int_equal(tables_peer_add(t, i, &id), -ENOSPC);
	generation = tables_peer(t, ids[3])->generation;
	assert_true(tables_peer(t, ids[3])->is_live);
	tables_peer_remove(t, ids[3]);
	assert_false(tables_peer(t, ids[3])->is_live);
	rcu_wait_retired();
	assert_int_equal(peer(t, i), ids[3]);
	assert_int_not_equal(tables_peer(t, ids[3])->generation, generation);
}

/* A prefix is one peer's: it moves to the last one that claims it, as with the kernel's wg. */
static void
allowed_ips(void **state)
{
	struct tables *t = *state;
	uint16_t i = iface(t), j = iface(t);
	uint32_t a = peer(t, i), b = peer(t, i);
	struct prefix net = prefix("10.0.0.0/8"), host = prefix("10.1.2.3/32"),
		      six = prefix("fd00::/64");
	assert_int_equal(tables_allowed_set(t, i, &net, a), 0);
	assert_int_equal(tables_allowed_set(t, i, &host, b), 0);
	assert_int_equal(tables_allowed_set(t, i, &six, a), 0);
	assert_int_equal(owner(t, i, "10.1.2.3"), b);
	assert_int_equal(owner(t, i, "10.1.2.4"), a);
	assert_int_equal(owner(t, i, "11.1.2.4"), 0);
	assert_int_equal(owner(t, i, "fd00::9"), a);
	assert_int_equal(owner(t, j, "10.1.2.3"), 0); /* another interface's are its own */
	assert_int_equal(tables_allowed_set(t, i, &net, b), 0);
	assert_int_equal(owner(t, i, "10.1.2.4"), b);
	assert_int_equal(tables_allowed_del(t, i, &net, a), -ENOENT); /* no longer its own */
	assert_int_equal(owner(t, i, "10.1.2.4"), b);
	assert_int_equal(tables_allowed_del(t, i, &host, b), 0);
	assert_int_equal(owner(t, i, "10.1.2.3"), b);
	assert_int_equal(tables_allowed_del(t, i, &net, b), 0);
	assert_int_equal(tables_allowed_del(t, i, &net, b), -ENOENT);
	assert_int_equal(owner(t, i, "10.1.2.3"), 0);
}

/* Random sets against a list; both families, some alike in their first bytes. */
static void
own_addresses(void **state)
{
	struct tables *t = *state;
	struct addr all[300];
	for (unsigned i = 0; i < 300; i++) {
		uint32_t v = 0x0a000000 + i * 2654435761u % 977;
		all[i] = addr_from_v4(v);
		if (i % 3 == 0)
			all[i].family = ADDR_V6; /* a00:1:: beside 10.0.0.1 */
		if (i % 6 == 0)
			store_be64(all[i].bytes + 8, i);
	}
	static const uint32_t counts[] = {0, 1, 2, 3, 7, 8, 9, 100, 250};
	for (size_t c = 0; c < ARRAY_COUNT(counts); c++) {
		assert_int_equal(tables_locals_set(t, all, counts[c]), 0);
		for (uint32_t i = 0; i < 300; i++) {
			bool expected = false;
			for (uint32_t k = 0; k < counts[c]; k++)
				expected |= addr_is_equal(&all[k], &all[i]);
			assert_int_equal(tables_is_local(t, all[i].family, all[i].bytes), expected);
		}
	}
}

/* Whichever comes first, the address or the prefix that holds it. */
static void
own_among_allowed(void **state)
{
	struct tables *t = *state;
	uint16_t i = iface(t), other = iface(t);
	uint32_t p = peer(t, i);
	struct addr own[2] = {addr("10.0.0.1"), addr("2001:db8::1")};
	struct prefix narrow = prefix("10.0.0.2/32"), wide = prefix("10.0.0.0/8");
	struct prefix all6 = prefix("::/0");
	assert_int_equal(tables_locals_set(t, own, 1), 0);
	assert_int_equal(tables_allowed_set(t, i, &narrow, p), 0);
	assert_false(t->ifaces[i].allows_own);
	assert_int_equal(tables_allowed_set(t, i, &all6, p), 0);
	assert_false(t->ifaces[i].allows_own);
	assert_int_equal(tables_locals_set(t, own, 2), 0);
	assert_true(t->ifaces[i].allows_own);
	assert_int_equal(tables_locals_set(t, own, 1), 0);
	assert_false(t->ifaces[i].allows_own);
	assert_int_equal(tables_allowed_set(t, i, &wide, p), 0);
	assert_true(t->ifaces[i].allows_own);
	assert_int_equal(tables_allowed_del(t, i, &wide, p), 0);
	assert_int_equal(tables_locals_set(t, own, 1), 0);
	assert_false(t->ifaces[i].allows_own);
	assert_false(t->ifaces[other].allows_own);
}

static void
next_hops(void **state)
{
	struct tables *t = *state;
	struct nexthop nh = {.type = NEXTHOP_LINK, .link_id = 3};
	uint32_t a, b;
	assert_int_equal(tables_nexthop_add(t, &nh, &a), 0);
	nh.link_id = 4;
	assert_int_equal(tables_nexthop_add(t, &nh, &b), 0);
	assert_true(a && b && a != b);
	assert_int_equal(tables_nexthop(t, a)->link_id, 3);
	assert_int_equal(tables_nexthop_set(t, a, &nh), 0);
	assert_int_equal(tables_nexthop(t, a)->link_id, 4);
	uint32_t generation = t->underlay_generation;
	tables_nexthop_del(t, a);
	assert_null(tables_nexthop(t, a));
	assert_int_not_equal(t->underlay_generation, generation);
	uint32_t n = 1;
	while (tables_nexthop_add(t, &nh, &a) == 0)
		n++;
	assert_int_equal(n, TABLES_MAX_NEXTHOPS - 1); /* 0 means none */
	tables_nexthop_del(t, b);
	assert_int_equal(tables_nexthop_add(t, &nh, &a), 0);
	assert_int_equal(a, b);
}

static void
routes(void **state)
{
	struct tables *t = *state;
	struct prefix p = prefix("192.0.2.0/24");
	struct addr a = addr("192.0.2.9");
	uint32_t generation = t->underlay_generation;
	assert_int_equal(tables_route_set(t, TABLES_FORWARD, &p, 5), 0);
	assert_int_equal(t->underlay_generation, generation);
	assert_int_equal(tables_route_set(t, TABLES_UNDERLAY, &p, 6), 0);
	assert_int_not_equal(t->underlay_generation, generation);
	assert_int_equal(route_lookup(t->forward[0], a.bytes), 5);
	assert_int_equal(route_lookup(t->underlay[0][0], a.bytes), 6);
	assert_int_equal(tables_route_set(t, TABLES_FORWARD, &p, 0), 0);
	assert_int_equal(tables_route_set(t, TABLES_FORWARD, &p, 0), -ENOENT);
	assert_int_equal(route_lookup(t->forward[0], a.bytes), 0);
}

/* A route out of a link towards `to`, with this source. */
static uint32_t
way_out_of(struct tables *t, uint16_t link_id, const char *to, const char *source)
{
	struct prefix p = prefix(to);
	struct nexthop nh = {.type = NEXTHOP_LINK, .link_id = link_id, .mtu = 1500};
	uint32_t id;
	if (source)
		nh.source = addr(source);
	assert_int_equal(tables_nexthop_add(t, &nh, &id), 0);
	assert_int_equal(tables_route_set(t, TABLES_UNDERLAY, &p, id), 0);
	return id;
}

static uint32_t
way_out(struct tables *t, const char *to, const char *source)
{
	return way_out_of(t, 1, to, source);
}

static void
outer_headers(void **state)
{
	struct tables *t = *state;
	uint16_t i = iface(t);
	uint32_t p = peer(t, i);
	struct addr own[3] = {addr("203.0.113.2"), addr("203.0.113.3"), addr("2001:db8::2")};
	assert_int_equal(tables_locals_set(t, own, 3), 0);
	assert_int_equal(tables_iface_set_port(t, i, 51820), 0);
	uint32_t hop = way_out(t, "198.51.100.0/24", "203.0.113.2");
	uint32_t hop6 = way_out(t, "2001:db8:1::/48", "2001:db8::2");
	way_out(t, "198.51.101.0/24", NULL);
	static const struct {
		const char *remote, *wanted, *local;
		bool has_route;
	} rows[] = {
		{"198.51.100.7", NULL, "203.0.113.2", true},
		{"198.51.100.7", "203.0.113.3", "203.0.113.3", true}, /* ours: it sticks */
		{"198.51.100.7", "203.0.113.9", "203.0.113.2", true}, /* ours no longer */
		{"198.51.100.7", "2001:db8::2", "203.0.113.2", true}, /* of the other family */
		{"2001:db8:1::7", NULL, "2001:db8::2", true},
		{"2001:db8:1::7", "203.0.113.3", "2001:db8::2", true},
		{"192.0.2.1", NULL, NULL, false},
		{"198.51.101.1", NULL, NULL, false}, /* a route, but from which address? */
		{"198.51.101.1", "203.0.113.3", "203.0.113.3", true},
	};
	for (size_t k = 0; k < ARRAY_COUNT(rows); k++) {
		struct endpoint remote = {.addr = addr(rows[k].remote), .port = 4711}, got;
		struct addr wanted, local;
		if (rows[k].wanted)
			wanted = addr(rows[k].wanted);
		assert_int_equal(
			tables_encap_set(t, p, &remote, rows[k].wanted ? &wanted : NULL), 0);
		const struct encap *e = tables_peer(t, p)->encap;
		assert_int_equal(e->has_route, rows[k].has_route);
		assert_int_equal(e->generation, t->underlay_generation);
		assert_true(tables_encap_get(t, p, &got, &local));
		assert_true(endpoint_is_equal(&got, &remote));
		if (!rows[k].local)
			continue;
		wanted = addr(rows[k].local);
		assert_true(addr_is_equal(&local, &wanted));
		bool is_v4 = e->family == ADDR_V4;
		if (remote.addr.bytes[2] == 100 || !is_v4)
			assert_int_equal(e->nexthop_id, is_v4 ? hop : hop6);
		assert_int_equal(e->header_bytes, is_v4 ? 28 : 48);
		assert_memory_equal(e->header + (is_v4 ? 12 : 8), local.bytes, is_v4 ? 4 : 16);
		assert_memory_equal(
			e->header + (is_v4 ? 16 : 24), remote.addr.bytes, is_v4 ? 4 : 16);
		assert_int_equal(load_be16(e->header + (is_v4 ? 20 : 40)), 51820);
		assert_int_equal(load_be16(e->header + (is_v4 ? 22 : 42)), 4711);
		uint8_t port[2] = {4711 >> 8, 4711 & 255};
		assert_int_equal(tables_peer(t, p)->path_mark,
			path_mark(e->family, remote.addr.bytes, port, local.bytes));
	}
}

/* Control makes the header anew, but never for a place that the peer has left. */
static void
refreshes_outer_headers(void **state)
{
	struct tables *t = *state;
	uint32_t p = peer(t, iface(t));
	struct addr locals[2] = {addr("203.0.113.2"), addr("203.0.113.3")}, local;
	struct endpoint remote, got;
	assert_int_equal(tables_encap_refresh(t, p, true), -ENOENT);
	assert_null(tables_peer(t, p)->encap);
	assert_int_equal(tables_locals_set(t, locals, 2), 0);
	way_out(t, "198.51.100.0/24", "203.0.113.2");
	assert_int_equal(endpoint_parse("198.51.100.7:4711", &remote), 0);
	assert_int_equal(tables_encap_set(t, p, &remote, &locals[1]), 0);
	for (unsigned keeps = 2; keeps-- > 0;) {
		const struct encap *was = tables_peer(t, p)->encap;
		assert_int_equal(tables_encap_refresh(t, p, keeps), 0);
		assert_ptr_not_equal(tables_peer(t, p)->encap, was);
		assert_true(tables_encap_get(t, p, &got, &local));
		assert_true(endpoint_is_equal(&got, &remote));
		assert_true(addr_is_equal(&local, &locals[keeps]));
	}
}

/* A source sticks while the way out is the same link's, and no longer. */
static void
sources_follow_the_link(void **state)
{
	struct tables *t = *state;
	uint32_t p = peer(t, iface(t));
	struct addr locals[3] = {addr("203.0.113.2"), addr("203.0.113.3"), addr("192.0.2.1")};
	struct endpoint remote;
	assert_int_equal(tables_locals_set(t, locals, 3), 0);
	assert_int_equal(endpoint_parse("198.51.100.7:4711", &remote), 0);
	way_out_of(t, 1, "198.51.0.0/16", "203.0.113.2");
	assert_int_equal(tables_encap_set(t, p, &remote, &locals[1]), 0);
	static const struct {
		uint16_t link_id;
		const char *to, *source;
		unsigned wanted;
	} rows[] = {
		{1, "198.51.100.0/24", "203.0.113.2", 1}, /* the same link: it sticks */
		{2, "198.51.100.0/25", NULL, 1},          /* another, that tells no source */
		{1, "198.51.100.0/26", "203.0.113.2", 0}, /* back */
		{2, "198.51.100.0/27", "192.0.2.1", 2},
	};
	for (size_t k = 0; k < ARRAY_COUNT(rows); k++) {
		struct endpoint got;
		struct addr local;
		way_out_of(t, rows[k].link_id, rows[k].to, rows[k].source);
		assert_int_equal(tables_encap_refresh(t, p, true), 0);
		assert_true(tables_encap_get(t, p, &got, &local));
		assert_true(addr_is_equal(&local, &locals[rows[k].wanted]));
	}
}

/* Each part of a path makes another mark. */
static void
marks(void **state)
{
	const uint8_t a[16] = {198, 51, 100, 7}, b[16] = {198, 51, 100, 8}, port[2] = {1, 2},
		      port_b[2] = {1, 3}, late[16] = {198, 51, 100, 7, [15] = 1};
	uint64_t all[] = {
		path_mark(ADDR_V4, a, port, b),
		path_mark(ADDR_V4, b, port, a),
		path_mark(ADDR_V4, a, port, a),
		path_mark(ADDR_V4, a, port_b, b),
		path_mark(ADDR_V6, a, port, b),
		path_mark(ADDR_V6, b, port, a),
		path_mark(ADDR_V6, a, port_b, b),
		path_mark(ADDR_V6, late, port, b),
		path_mark(ADDR_V6, b, port, late),
	};
	for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
		assert_true(all[i] != 0);
		for (size_t k = 0; k < i; k++)
			assert_true(all[i] != all[k]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(interfaces),
		TEST(listen_addresses),
		TEST(sources),
		TEST(peers),
		TEST(allowed_ips),
		TEST(own_addresses),
		TEST(own_among_allowed),
		TEST(next_hops),
		TEST(routes),
		TEST(outer_headers),
		TEST(refreshes_outer_headers),
		TEST(sources_follow_the_link),
		TEST(marks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
