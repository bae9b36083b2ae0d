/* SPDX-License-Identifier: BSD-3-Clause */
/* What host/netlink.h or `ip` set is seen by the mirror, and again after a loss. */
#include "sandbox.h"

#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "base/bytes.h"
#include "host/mirror.h"
#include "host/netlink.h"
#include "host/twin.h"

static struct err err;

struct seen {
	unsigned n_links, n_addrs, n_rules, n_routes, n_neighs, n_settled;
	struct net_rule rule;
};

static void
on_link(void *ctx, const struct net_link *old, const struct net_link *now)
{
	((struct seen *)ctx)->n_links++;
}

static void
on_addr(void *ctx, const struct net_addr *old, const struct net_addr *now)
{
	((struct seen *)ctx)->n_addrs++;
}

static void
on_rule(void *ctx, const struct net_rule *old, const struct net_rule *now)
{
	struct seen *s = ctx;
	s->n_rules++;
	if (now)
		s->rule = *now;
}

static void
on_route(void *ctx, const struct net_route *old, const struct net_route *now)
{
	((struct seen *)ctx)->n_routes++;
}

static void
on_neigh(void *ctx, const struct net_neigh *old, const struct net_neigh *now)
{
	((struct seen *)ctx)->n_neighs++;
}

static void
on_settled(void *ctx)
{
	((struct seen *)ctx)->n_settled++;
}

/* A namespace with hg-wan (10.9.0.1/24, 2001:db8:9::1/64), hg0 and a mirror of it. */
struct scene {
	struct netlink *nl;
	struct twin wan, tun;
	struct mirror *m;
	struct seen seen;
};

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

static void
sync_mirror(struct scene *s)
{
	if (mirror_sync(s->m, 5000, &err) != 0)
		fail_msg("%s", err.text);
}

/* IPv6 makes addresses and routes of its own a moment after a link is up. */
static void
await_quiet(struct scene *s)
{
	struct seen before;
	do {
		before = s->seen;
		usleep(100000);
		sync_mirror(s);
	} while (memcmp(&before, &s->seen, sizeof(before)) != 0);
}

static void
scene_open(struct scene *s, unsigned receive_bytes)
{
	static const struct mac mac = {{2, 0, 0, 0, 0, 9}};
	struct mirror_observer o = {&s->seen, on_link, on_addr, on_rule, on_route, on_neigh,
		on_settled};
	struct prefix v4 = prefix("10.9.0.1/24"), v6 = prefix("2001:db8:9::1/64");
	memset(s, 0, sizeof(*s));
	s->nl = netlink_open(&err);
	assert_non_null(s->nl);
	assert_int_equal(twin_create_tap(&s->wan, s->nl, "wan", &mac, &err), 0);
	assert_int_equal(twin_create_tun(&s->tun, s->nl, "hg0", &err), 0);
	assert_int_equal(twin_set_up(&s->wan, s->nl, true, &err), 0);
	assert_int_equal(twin_set_up(&s->tun, s->nl, true, &err), 0);
	assert_int_equal(netlink_addr_add(s->nl, s->wan.ifindex, &v4, &err), 0);
	assert_int_equal(netlink_addr_add(s->nl, s->wan.ifindex, &v6, &err), 0);
	s->m = mirror_create(&o, receive_bytes, &err);
	assert_non_null(s->m);
	sync_mirror(s);
	await_quiet(s);
}

static void
scene_close(struct scene *s)
{
	mirror_destroy(s->m);
	twin_destroy(&s->wan);
	twin_destroy(&s->tun);
	netlink_close(s->nl);
}

struct wanted_route {
	const char *dst;
	uint32_t table;
	unsigned n_found, n_hops, metric;
	uint8_t type, protocol;
	struct net_hop hop;
};

static void
match_route(void *ctx, const struct net_object *o)
{
	struct wanted_route *w = ctx;
	const struct net_route *r = &o->route;
	struct prefix p = prefix(w->dst);
	if (!prefix_is_equal(&r->dst, &p) || r->table != w->table)
		return;
	w->n_found++;
	w->n_hops = r->n_hops;
	w->metric = r->metric;
	w->type = r->type;
	w->protocol = r->protocol;
	if (r->n_hops)
		w->hop = r->hops[0];
}

static struct wanted_route
find_route(struct scene *s, const char *dst, uint32_t table)
{
	struct wanted_route w = {.dst = dst, .table = table};
	sync_mirror(s);
	mirror_each(s->m, NET_ROUTE, match_route, &w);
	return w;
}

static void
links_and_addresses(void **state)
{
	struct scene s;
	sandbox_or_skip();
	scene_open(&s, 0);
	const struct net_link *l = mirror_link_by_name(s.m, "hg-wan");
	assert_non_null(l);
	assert_ptr_equal(l, mirror_link(s.m, s.wan.ifindex));
	assert_int_equal(l->mac.bytes[5], 9);
	assert_true(l->has_carrier);
	assert_true(s.seen.n_settled > 0);

	unsigned n = s.seen.n_links;
	assert_int_equal(twin_set_carrier(&s.wan, false, &err), 0);
	/* The kernel tells of a carrier a moment later. */
	for (int i = 0; i < 100 && mirror_link(s.m, s.wan.ifindex)->has_carrier; i++) {
		usleep(20000);
		sync_mirror(&s);
	}
	assert_false(mirror_link(s.m, s.wan.ifindex)->has_carrier);
	assert_true(s.seen.n_links > n);

	uint32_t n_addrs = mirror_count(s.m, NET_ADDR);
	struct prefix p = prefix("10.9.5.1/24");
	assert_int_equal(netlink_addr_add(s.nl, s.tun.ifindex, &p, &err), 0);
	sync_mirror(&s);
	assert_int_equal(mirror_count(s.m, NET_ADDR), n_addrs + 1);
	assert_int_equal(netlink_addr_del(s.nl, s.tun.ifindex, &p, &err), 0);
	sync_mirror(&s);
	assert_int_equal(mirror_count(s.m, NET_ADDR), n_addrs);
	assert_int_equal(netlink_addr_del(s.nl, s.tun.ifindex, &p, &err), -EADDRNOTAVAIL);
	assert_non_null(strstr(err.text, "10.9.5.1/24"));
	uint32_t tun = s.tun.ifindex;
	twin_destroy(&s.tun);
	sync_mirror(&s);
	assert_null(mirror_link(s.m, tun));
	scene_close(&s);
}

static void
routes_come_and_go(void **state)
{
	static const struct {
		const char *dst, *via;
		uint32_t table, metric;
	} rows[] = {
		{"10.50.0.0/16", "10.9.0.2", 254, 0},
		{"10.50.0.0/16", NULL, 51820, 7},
		{"2001:db8:50::/48", "2001:db8:9::2", 254, 512},
		{"0.0.0.0/0", "10.9.0.2", 77, 0},
		{"::/0", NULL, 77, 9},
	};
	struct scene s;
	sandbox_or_skip();
	scene_open(&s, 0);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct netlink_route r = {.dst = prefix(rows[i].dst), .ifindex = s.wan.ifindex,
			.table = rows[i].table, .metric = rows[i].metric};
		if (rows[i].via)
			r.via = addr(rows[i].via);
		if (netlink_route_add(s.nl, &r, &err) != 0)
			fail_msg("%s", err.text);
		struct wanted_route w = find_route(&s, rows[i].dst, rows[i].table);
		assert_int_equal(w.n_found, 1);
		assert_int_equal(w.n_hops, 1);
		assert_int_equal(w.hop.ifindex, s.wan.ifindex);
		assert_true(addr_is_equal(&w.hop.via, &r.via));
		assert_int_equal(w.type, RTN_UNICAST);
		assert_int_equal(w.protocol, NETLINK_ROUTE_PROTOCOL);
		if (rows[i].metric)
			assert_int_equal(w.metric, rows[i].metric);
		assert_int_equal(netlink_route_del(s.nl, &r, &err), 0);
		assert_int_equal(find_route(&s, rows[i].dst, rows[i].table).n_found, 0);
		assert_int_equal(netlink_route_del(s.nl, &r, &err), -ESRCH);
	}
	struct netlink_route bad = {.dst = prefix("10.51.0.0/16"), .via = addr("192.0.2.1")};
	assert_true(netlink_route_add(s.nl, &bad, &err) < 0);
	assert_non_null(strstr(err.text, "10.51.0.0/16"));
	bad.via = addr("::1");
	assert_int_equal(netlink_route_add(s.nl, &bad, &err), -EINVAL);
	scene_close(&s);
}

static void
groups_and_ends(void **state)
{
	struct scene s;
	sandbox_or_skip();
	scene_open(&s, 0);
	shell("ip route add 10.60.0.0/16 nexthop via 10.9.0.2 dev hg-wan weight 3 nexthop dev hg0");
	struct wanted_route w = find_route(&s, "10.60.0.0/16", 254);
	assert_int_equal(w.n_hops, 2);
	assert_int_equal(w.hop.weight, 3);

	shell("ip -6 route add 2001:db8:60::/48 nexthop via 2001:db8:9::2"
		" nexthop via 2001:db8:9::3");
	assert_int_equal(find_route(&s, "2001:db8:60::/48", 254).n_hops, 2);
	shell("ip -6 route append 2001:db8:60::/48 via 2001:db8:9::4");
	assert_int_equal(find_route(&s, "2001:db8:60::/48", 254).n_hops, 3);
	shell("ip -6 route del 2001:db8:60::/48 via 2001:db8:9::3");
	w = find_route(&s, "2001:db8:60::/48", 254);
	assert_int_equal(w.n_found, 1);
	assert_int_equal(w.n_hops, 2);
	shell("ip -6 route del 2001:db8:60::/48; ip -6 route flush 2001:db8:60::/48");
	assert_int_equal(find_route(&s, "2001:db8:60::/48", 254).n_found, 0);

	shell("ip route add blackhole 10.61.0.0/16; ip route add prohibit 10.62.0.0/16;"
		"ip route add unreachable 10.63.0.0/16;"
		"ip route add 10.64.0.0/16 via inet6 fe80::1 dev hg-wan");
	assert_int_equal(find_route(&s, "10.61.0.0/16", 254).type, RTN_BLACKHOLE);
	assert_int_equal(find_route(&s, "10.62.0.0/16", 254).type, RTN_PROHIBIT);
	assert_int_equal(find_route(&s, "10.63.0.0/16", 254).type, RTN_UNREACHABLE);
	assert_int_equal(find_route(&s, "10.64.0.0/16", 254).hop.via.family, ADDR_V6);
	assert_int_equal(find_route(&s, "10.9.0.1/32", RT_TABLE_LOCAL).type, RTN_LOCAL);

	/* Of several routes of one key the first counts, whichever goes. */
	shell("ip route append unreachable 10.61.0.0/16");
	assert_int_equal(find_route(&s, "10.61.0.0/16", 254).type, RTN_BLACKHOLE);
	shell("ip route del blackhole 10.61.0.0/16");
	assert_int_equal(find_route(&s, "10.61.0.0/16", 254).type, RTN_UNREACHABLE);
	scene_close(&s);
}

/* IPv4 routes go without a word when their link goes down, and when their source address goes. */
static void
silent_losses_are_noticed(void **state)
{
	struct scene s;
	sandbox_or_skip();
	scene_open(&s, 0);
	shell("ip addr add 10.9.7.1/32 dev hg0; ip route add 10.71.0.0/16 dev hg-wan src 10.9.7.1");
	shell("ip route add 10.70.0.0/16 via 10.9.0.2");
	assert_int_equal(find_route(&s, "10.71.0.0/16", 254).n_found, 1);
	shell("ip addr del 10.9.7.1/32 dev hg0");
	assert_int_equal(find_route(&s, "10.71.0.0/16", 254).n_found, 0);
	assert_int_equal(find_route(&s, "10.70.0.0/16", 254).n_found, 1);
	shell("ip link set hg-wan down");
	assert_int_equal(find_route(&s, "10.70.0.0/16", 254).n_found, 0);
	scene_close(&s);
}

static void
rules_as_wg_quick_sets_them(void **state)
{
	struct scene s;
	sandbox_or_skip();
	scene_open(&s, 0);
	uint32_t n = mirror_count(s.m, NET_RULE);
	shell("ip rule add not fwmark 51820 table 51820");
	sync_mirror(&s);
	assert_int_equal(mirror_count(s.m, NET_RULE), n + 1);
	assert_true(s.seen.rule.is_inverted);
	assert_int_equal(s.seen.rule.fwmark, 51820);
	assert_int_equal(s.seen.rule.fwmask, UINT32_MAX);
	assert_int_equal(s.seen.rule.table, 51820);
	assert_int_equal(s.seen.rule.others, 0);
	shell("ip -6 rule add table main suppress_prefixlength 0");
	sync_mirror(&s);
	assert_int_equal(s.seen.rule.suppress_prefix_len, 0);
	assert_int_equal(s.seen.rule.family, ADDR_V6);
	assert_int_equal(s.seen.rule.action, FR_ACT_TO_TBL);
	shell("ip rule add from 10.1.0.0/16 to 10.2.0.0/16 iif hg-wan dport 53 priority 9"
		" prohibit");
	sync_mirror(&s);
	assert_string_equal(s.seen.rule.iif, "hg-wan");
	assert_int_equal(s.seen.rule.src.len, 16);
	assert_int_equal(s.seen.rule.priority, 9);
	assert_int_equal(s.seen.rule.action, FR_ACT_PROHIBIT);
	assert_true(s.seen.rule.others & 1ull << FRA_DPORT_RANGE);
	shell("ip rule del priority 9; ip rule del not fwmark 51820 table 51820;"
		"ip -6 rule del table main suppress_prefixlength 0");
	sync_mirror(&s);
	assert_int_equal(mirror_count(s.m, NET_RULE), n);
	scene_close(&s);
}

static void
neighbours_are_asked_for_and_kept(void **state)
{
	struct scene s;
	struct addr a = addr("10.9.0.77"), b = addr("2001:db8:9::77");
	sandbox_or_skip();
	scene_open(&s, 0);
	assert_true(netlink_neigh_resolve(s.nl, s.wan.ifindex, &a, &err) >= 0);
	assert_true(netlink_neigh_resolve(s.nl, s.wan.ifindex, &b, &err) >= 0);
	/* The kernel tells of a neighbour when it is found or given up; a dump shows the search. */
	mirror_resync(s.m);
	sync_mirror(&s);
	const struct net_neigh *n = mirror_neigh(s.m, s.wan.ifindex, &a);
	assert_non_null(n);
	assert_true(n->state & NUD_INCOMPLETE);
	assert_false(n->has_mac);
	assert_non_null(mirror_neigh(s.m, s.wan.ifindex, &b));

	/* The kernel does ask on the wire, which is the TAP's descriptor. */
	uint8_t frame[2048];
	bool has_arp = false;
	for (int i = 0; i < 100 && !has_arp; i++) {
		ssize_t got = read(s.wan.fd, frame, sizeof(frame));
		has_arp = got >= 42 && load_be16(frame + 12) == 0x0806 && frame[41] == 77;
		if (got < 0)
			usleep(10000);
	}
	assert_true(has_arp);

	shell("ip neigh replace 10.9.0.77 lladdr 02:00:00:00:00:77 dev hg-wan nud reachable");
	sync_mirror(&s);
	n = mirror_neigh(s.m, s.wan.ifindex, &a);
	assert_true(n && n->has_mac && n->mac.bytes[5] == 0x77 && n->state & NUD_REACHABLE);
	assert_int_equal(netlink_neigh_del(s.nl, s.wan.ifindex, &a, &err), 0);
	sync_mirror(&s);
	assert_null(mirror_neigh(s.m, s.wan.ifindex, &a));
	assert_true(netlink_neigh_resolve(s.nl, 4242, &a, &err) < 0);
	assert_non_null(strstr(err.text, "10.9.0.77"));
	scene_close(&s);
}

static void
resync_tells_only_differences(void **state)
{
	struct scene s;
	sandbox_or_skip();
	scene_open(&s, 0);
	struct seen before = s.seen;
	mirror_resync(s.m);
	assert_false(mirror_is_synced(s.m));
	sync_mirror(&s);
	assert_int_equal(s.seen.n_links, before.n_links);
	assert_int_equal(s.seen.n_addrs, before.n_addrs);
	assert_int_equal(s.seen.n_rules, before.n_rules);
	assert_int_equal(s.seen.n_routes, before.n_routes);
	scene_close(&s);
}

static void
count_ours(void *ctx, const struct net_object *o)
{
	*(unsigned *)ctx += o->route.protocol == NETLINK_ROUTE_PROTOCOL;
}

/* The routes that this test set; the kernel's own come when IPv6 is ready. */
static unsigned
our_routes(struct scene *s)
{
	unsigned n = 0;
	sync_mirror(s);
	mirror_each(s->m, NET_ROUTE, count_ours, &n);
	return n;
}

/* A socket that cannot hold what happens overflows; the state is right all the same. */
static void
overflow_is_survived(void **state)
{
	enum { N = 2000 };
	struct scene s;
	sandbox_or_skip();
	scene_open(&s, 4096);
	for (unsigned i = 0; i < N; i++) {
		struct netlink_route r = {.ifindex = s.wan.ifindex,
			.dst = {.addr = addr_from_v4(0x0b000000 + i * 256), .len = 24}};
		assert_int_equal(netlink_route_add(s.nl, &r, &err), 0);
	}
	assert_int_equal(our_routes(&s), N);
	assert_true(mirror_stats(s.m).n_overflows > 0);
	shell("ip route flush proto 104");
	assert_int_equal(our_routes(&s), 0);
	assert_int_equal(mirror_stats(s.m).n_malformed, 0);
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_and_addresses),
		cmocka_unit_test(routes_come_and_go),
		cmocka_unit_test(groups_and_ends),
		cmocka_unit_test(silent_losses_are_noticed),
		cmocka_unit_test(rules_as_wg_quick_sets_them),
		cmocka_unit_test(neighbours_are_asked_for_and_kept),
		cmocka_unit_test(resync_tells_only_differences),
		cmocka_unit_test(overflow_is_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
