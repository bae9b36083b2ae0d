/* SPDX-License-Identifier: BSD-3-Clause */
/* Netlink messages built by hand: whole, cut at each length, and with each byte spoilt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "base/bytes.h"
#include "host/mirror.h"
#include "host/parse.h"

struct message {
	uint8_t data[512];
	size_t n;
	uint16_t type;
};

static void
begin(struct message *m, uint16_t type, const void *head, size_t n)
{
	memset(m, 0, sizeof(*m));
	m->type = type;
	memcpy(m->data, head, n);
	m->n = NLMSG_ALIGN(n);
}

static void
put(struct message *m, uint16_t type, const void *data, size_t n)
{
	store_le16(m->data + m->n, (uint16_t)(n + 4));
	store_le16(m->data + m->n + 2, type);
	memcpy(m->data + m->n + 4, data, n);
	m->n += 4 + NLMSG_ALIGN(n);
}

static void
put_u32(struct message *m, uint16_t type, uint32_t v)
{
	put(m, type, &v, sizeof(v));
}

static void
build_link(struct message *m)
{
	struct ifinfomsg head = {.ifi_index = 7, .ifi_flags = IFF_UP};
	struct message info = {.n = 0}, data = {.n = 0};
	uint16_t vlan = 10;
	begin(m, RTM_NEWLINK, &head, sizeof(head));
	put(m, IFLA_IFNAME, "eth0.10", 8);
	put_u32(m, IFLA_MTU, 1500);
	put_u32(m, IFLA_LINK, 3);
	put(m, IFLA_ADDRESS, "\2\0\0\0\0\7", 6);
	put(&data, IFLA_VLAN_ID, &vlan, sizeof(vlan));
	put(&info, IFLA_INFO_KIND, "vlan", 5);
	put(&info, IFLA_INFO_DATA, data.data, data.n);
	put(m, IFLA_LINKINFO | NLA_F_NESTED, info.data, info.n);
}

static void
build_addr(struct message *m)
{
	struct ifaddrmsg head = {.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = 7};
	begin(m, RTM_NEWADDR, &head, sizeof(head));
	put(m, IFA_ADDRESS, "\12\0\0\2", 4);
	put(m, IFA_LOCAL, "\12\0\0\1", 4);
	put_u32(m, IFA_FLAGS, IFA_F_PERMANENT | IFA_F_NODAD);
}

static void
build_rule(struct message *m)
{
	struct fib_rule_hdr head = {.family = AF_INET6, .src_len = 64, .action = FR_ACT_TO_TBL};
	begin(m, RTM_NEWRULE, &head, sizeof(head));
	put(m, FRA_SRC, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	put_u32(m, FRA_PRIORITY, 100);
	put_u32(m, FRA_TABLE, 51820);
	put(m, FRA_IIFNAME, "hg0", 4);
	put_u32(m, FRA_SUPPRESS_IFGROUP, UINT32_MAX);
}

/* An IPv4 group of three hops, one by an IPv6 gateway. */
static void
build_route(struct message *m)
{
	struct rtmsg head = {.rtm_family = AF_INET, .rtm_dst_len = 8, .rtm_table = 254,
		.rtm_type = RTN_UNICAST};
	struct message hops = {.n = 0};
	for (int i = 0; i < 3; i++) {
		struct rtnexthop hop = {.rtnh_ifindex = 7 + i, .rtnh_hops = (unsigned char)i};
		size_t at = hops.n;
		hops.n += sizeof(hop);
		if (i < 2)
			put(&hops, RTA_GATEWAY, "\12\0\0\1", 4);
		else
			put(&hops, RTA_VIA, "\12\0\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 18);
		hop.rtnh_len = (unsigned short)(hops.n - at);
		memcpy(hops.data + at, &hop, sizeof(hop));
	}
	begin(m, RTM_NEWROUTE, &head, sizeof(head));
	put(m, RTA_DST, "\12\1\2\3", 4);
	put(m, RTA_MULTIPATH, hops.data, hops.n);
	put_u32(m, RTA_PRIORITY, 5);
}

static void
build_neigh(struct message *m)
{
	struct ndmsg head = {.ndm_family = AF_INET, .ndm_ifindex = 7, .ndm_state = NUD_REACHABLE};
	begin(m, RTM_NEWNEIGH, &head, sizeof(head));
	put(m, NDA_DST, "\12\0\0\2", 4);
	put(m, NDA_LLADDR, "\2\0\0\0\0\2", 6);
}

static void (*const builders[])(struct message *) = {
	build_link, build_addr, build_rule, build_route, build_neigh};

/* Parses a copy that ends where the message ends, so that ASan sees each byte read too far. */
static enum parse_verdict
parse_exact(const struct message *m, size_t n, struct net_scratch *out)
{
	uint8_t *exact = malloc(n ? n : 1);
	assert_non_null(exact);
	memcpy(exact, m->data, n);
	enum parse_verdict v = parse_message(m->type, exact, n, out);
	free(exact);
	return v;
}

static void
whole_messages(void **state)
{
	struct net_scratch s;
	struct message m;

	build_link(&m);
	assert_int_equal(parse_exact(&m, m.n, &s), PARSE_NEW);
	assert_string_equal(s.object.link.name, "eth0.10");
	assert_string_equal(s.object.link.kind, "vlan");
	assert_int_equal(s.object.link.vlan_id, 10);
	assert_int_equal(s.object.link.parent_ifindex, 3);
	assert_int_equal(s.object.link.mac.bytes[5], 7);

	build_addr(&m);
	assert_int_equal(parse_exact(&m, m.n, &s), PARSE_NEW);
	assert_int_equal(s.object.addr.prefix.addr.bytes[3], 1);
	assert_int_equal(s.object.addr.peer.bytes[3], 2);

	build_rule(&m);
	assert_int_equal(parse_exact(&m, m.n, &s), PARSE_NEW);
	assert_int_equal(s.object.rule.src.len, 64);
	assert_int_equal(s.object.rule.suppress_prefix_len, -1);
	assert_int_equal(s.object.rule.others, 0);

	build_route(&m);
	assert_int_equal(parse_exact(&m, m.n, &s), PARSE_NEW);
	assert_int_equal(s.object.route.n_hops, 3);
	assert_int_equal(s.object.route.dst.addr.bytes[1], 0); /* masked */
	assert_int_equal(s.object.route.hops[1].weight, 2);
	assert_int_equal(s.object.route.hops[2].via.family, ADDR_V6);

	build_neigh(&m);
	m.type = RTM_DELNEIGH;
	assert_int_equal(parse_exact(&m, m.n, &s), PARSE_GONE);
	assert_int_equal(s.object.neigh.mac.bytes[5], 2);
}

/* Wherever a message is cut, but at the end of an attribute, it is malformed. */
static void
cut_messages(void **state)
{
	static const size_t head_bytes[] = {sizeof(struct ifinfomsg), sizeof(struct ifaddrmsg),
		sizeof(struct fib_rule_hdr), sizeof(struct rtmsg), sizeof(struct ndmsg)};
	struct net_scratch s;
	struct message m;
	for (size_t b = 0; b < ARRAY_COUNT(builders); b++) {
		builders[b](&m);
		for (size_t n = 0; n < m.n; n++) {
			size_t at = head_bytes[b];
			while (at + 4 <= n && at + load_le16(m.data + at) <= n)
				at += NLMSG_ALIGN(load_le16(m.data + at));
			bool is_whole = n >= head_bytes[b] && at >= n;
			enum parse_verdict v = parse_exact(&m, n, &s);
			if (!is_whole)
				assert_int_equal(v, PARSE_MALFORMED);
		}
	}
}

static void
wrong_sizes(void **state)
{
	static const struct {
		uint16_t type, attr;
		size_t n;
		uint8_t family, len;
	} rows[] = {
		{RTM_NEWROUTE, RTA_DST, 3, AF_INET, 8},
		{RTM_NEWROUTE, RTA_DST, 16, AF_INET, 8},
		{RTM_NEWROUTE, RTA_DST, 4, AF_INET6, 8},
		{RTM_NEWROUTE, RTA_DST, 4, AF_INET, 33},
		{RTM_NEWROUTE, RTA_TABLE, 2, AF_INET, 0},
		{RTM_NEWROUTE, RTA_VIA, 1, AF_INET, 0},
		{RTM_NEWROUTE, RTA_VIA, 2, AF_INET, 0},
		{RTM_NEWROUTE, RTA_MULTIPATH, 7, AF_INET, 0},
		{RTM_NEWROUTE, RTA_MULTIPATH, 8, AF_INET, 0}, /* a hop that says it has 0 bytes */
		{RTM_NEWROUTE, RTA_METRICS, 5, AF_INET, 0},
		{RTM_NEWRULE, FRA_IIFNAME, 20, AF_INET, 0},
		{RTM_NEWRULE, FRA_FWMARK, 8, AF_INET, 0},
	};
	static const uint8_t filler[32] = {0};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct rtmsg head = {.rtm_family = rows[i].family, .rtm_dst_len = rows[i].len};
		struct net_scratch s;
		struct message m;
		uint8_t name[32];
		memset(name, 'x', sizeof(name));
		begin(&m, rows[i].type, &head, sizeof(head));
		put(&m, rows[i].attr, rows[i].attr == FRA_IIFNAME ? name : filler, rows[i].n);
		assert_int_equal(parse_exact(&m, m.n, &s), PARSE_MALFORMED);
	}
}

/* Each byte with each of a few values: nothing but a verdict may come of it. */
static void
spoilt_messages(void **state)
{
	static const uint8_t values[] = {0, 1, 3, 4, 5, 0x7f, 0x80, 0xff};
	struct net_scratch s;
	struct message m;
	for (size_t b = 0; b < ARRAY_COUNT(builders); b++) {
		builders[b](&m);
		for (size_t i = 0; i < m.n; i++) {
			uint8_t was = m.data[i];
			for (size_t v = 0; v < ARRAY_COUNT(values); v++) {
				m.data[i] = values[v];
				parse_exact(&m, m.n, &s);
			}
			m.data[i] = was;
		}
	}
}

/* More hops than are kept, and a group that a detached mirror grows, shrinks and loses. */
static void
feed(struct mirror *mirror, const struct message *m, uint16_t type, uint16_t flags)
{
	uint8_t buf[1024];
	struct nlmsghdr head = {.nlmsg_len = (uint32_t)(sizeof(head) + m->n), .nlmsg_type = type,
		.nlmsg_flags = flags};
	memcpy(buf, &head, sizeof(head));
	memcpy(buf + sizeof(head), m->data, m->n);
	mirror_parse(mirror, buf, sizeof(head) + m->n);
}

static void
count_route(void *ctx, const struct net_route *old, const struct net_route *now)
{
	++*(unsigned *)ctx;
}

static void
detached_mirror(void **state)
{
	unsigned n_changes = 0;
	struct mirror_observer o = {.ctx = &n_changes, .route_changed = count_route};
	struct mirror *mirror = mirror_create_detached(&o);
	struct message m;
	assert_non_null(mirror);
	build_route(&m);
	feed(mirror, &m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	feed(mirror, &m, RTM_NEWROUTE, NLM_F_REPLACE);
	assert_int_equal(n_changes, 1);
	assert_int_equal(mirror_count(mirror, NET_ROUTE), 1);
	feed(mirror, &m, RTM_DELROUTE, 0);
	feed(mirror, &m, RTM_DELROUTE, 0);
	assert_int_equal(n_changes, 2);
	assert_int_equal(mirror_count(mirror, NET_ROUTE), 0);

	/* A header that claims more than there is, or less than itself. */
	struct nlmsghdr head = {.nlmsg_len = 4000, .nlmsg_type = RTM_NEWROUTE};
	mirror_parse(mirror, &head, sizeof(head));
	head.nlmsg_len = 15;
	mirror_parse(mirror, &head, sizeof(head));
	mirror_parse(mirror, &head, 7);
	assert_int_equal(mirror_stats(mirror).n_malformed, 3);
	mirror_destroy(mirror);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_messages),
		cmocka_unit_test(cut_messages),
		cmocka_unit_test(wrong_sizes),
		cmocka_unit_test(spoilt_messages),
		cmocka_unit_test(detached_mirror),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
