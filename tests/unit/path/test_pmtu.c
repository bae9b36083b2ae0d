/* SPDX-License-Identifier: BSD-3-Clause */
/* What routers say of outer packets: who is believed, and what inner packets learn of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene_test.h"

enum { QUOTE_AT = IPV6_BYTES + 8, QUOTE_BYTES = IPV6_BYTES + UDP_BYTES + 16 };

/* A router's packet too big of mtu, quoting a message of ANNE's session. */
static uint32_t
make(uint8_t *ip, uint32_t mtu)
{
	uint32_t n = scene_ip(ip, "2001:db8:1::99", "2001:db8::2", QUOTE_AT + QUOTE_BYTES);
	uint8_t *icmp = ip + IPV6_BYTES, *quote = ip + QUOTE_AT, *udp = quote + IPV6_BYTES;
	ip[6] = IP_PROTO_ICMPV6;
	memset(icmp, 0, 8);
	icmp[0] = 2;
	store_be32(icmp + 4, mtu);
	scene_ip(quote, "2001:db8::2", "2001:db8:1::1", QUOTE_BYTES);
	store_be16(udp, SCENE_LISTEN);
	store_be16(udp + 2, SCENE_PEER_PORT);
	store_le32(udp + UDP_BYTES, WG_DATA);
	store_le32(udp + UDP_BYTES + 4, 0xa0000000u + ANNE);
	return n;
}

static void
begin(struct scene *s)
{
	const struct nexthop local = {.type = NEXTHOP_LOCAL};
	struct prefix own;
	uint32_t id;
	assert_int_equal(prefix_parse("2001:db8::2/128", &own), 0);
	assert_int_equal(tables_nexthop_add(s->tables, &local, &id), 0);
	assert_int_equal(tables_route_set(s->tables, TABLES_FORWARD, &own, id), 0);
	scene_endpoint(s, ANNE, "2001:db8:1::1");
}

/* As control does. Whose path it was, 0: nobody's; the kernel gets the packet in any case. */
static uint32_t
hear(struct scene *s, const uint8_t *ip, uint32_t n)
{
	struct event_mail event;
	put(s, SCENE_WAN, scene_frame(SCENE_WAN, ip, n));
	rte_pktmbuf_free(scene_take_kernel(s));
	assert_int_equal(scene_drops(s, DROP_IP_HEADER), 0);
	if (!scene_event(s, EVENT_PATH_MTU, &event))
		return 0;
	const struct path_mtu_news news = {.remote = event.path.remote,
		.remote_index = event.local_index,
		.mtu = event.mtu};
	return tables_path_mtu_learn(s->tables, &news);
}

static void
believed(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	begin(s);
	assert_int_equal(hear(s, ip, make(ip, 1400)), s->peers[ANNE].id);
	const struct peer_entry *anne = tables_peer(s->tables, s->peers[ANNE].id);
	assert_int_equal(anne->path_mtu, 1400);
	assert_int_equal(anne->inner_mtu, 1312);
	assert_int_equal(hear(s, ip, make(ip, 1480)), s->peers[ANNE].id); /* never raised */
	assert_int_equal(anne->path_mtu, 1400);
	tables_path_mtu_forget(s->tables, s->peers[ANNE].id);
	assert_int_equal(anne->path_mtu, 0);
	assert_int_equal(anne->inner_mtu, UINT16_MAX);
}

static void
not_believed(void **state)
{
	struct scene *s = *state;
	static const struct {
		uint16_t at;
		uint8_t was_xor;
	} rows[] = {
		{IPV6_BYTES, 1},                            /* not type 2 */
		{IPV6_BYTES + 5, 1},                        /* more than any MTU */
		{IPV6_BYTES + 6, 4},                        /* 376 bytes */
		{QUOTE_AT, 0x20},                           /* quotes no IPv6 */
		{QUOTE_AT + 6, 1},                          /* no UDP */
		{QUOTE_AT + 23, 1},                         /* from an address not ours */
		{QUOTE_AT + 39, 1},                         /* to nobody */
		{QUOTE_AT + IPV6_BYTES, 1},                 /* not from a port of ours */
		{QUOTE_AT + IPV6_BYTES + 3, 1},             /* not to the peer's */
		{QUOTE_AT + IPV6_BYTES + UDP_BYTES, 1},     /* no data message */
		{QUOTE_AT + IPV6_BYTES + UDP_BYTES + 4, 1}, /* of no session */
	};
	uint8_t ip[SCENE_MAX_BYTES];
	begin(s);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		uint32_t n = make(ip, 1400);
		ip[rows[i].at] ^= rows[i].was_xor;
		s->workers[0]->news_due_ns = 0;
		assert_int_equal(hear(s, ip, n), 0);
	}
	for (uint32_t cut = 1; cut <= 16 + UDP_BYTES; cut++) { /* the quote ends too early */
		uint32_t n = make(ip, 1400) - cut;
		store_be16(ip + 4, (uint16_t)(n - IPV6_BYTES));
		s->workers[0]->news_due_ns = 0;
		assert_int_equal(hear(s, ip, n), 0);
	}
}

/* A flood of them keeps control from nothing: a few a second are passed on. */
static void
limited(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	struct event_mail event;
	unsigned n_told = 0;
	begin(s);
	for (unsigned i = 0; i < 50; i++) {
		put(s, SCENE_WAN, scene_frame(SCENE_WAN, ip, make(ip, 1400)));
		rte_pktmbuf_free(scene_take_kernel(s));
		n_told += scene_event(s, EVENT_PATH_MTU, &event);
	}
	assert_in_range(n_told, 8, 40);
}

/* Inner packets: told what fits; cut outside when they may be, or could not be smaller. */
static void
felt_inside(void **state)
{
	struct scene *s = *state;
	static const struct {
		const char *src, *dst;
		uint16_t path_mtu;
		uint32_t n_bytes;
		bool is_whole, is_refused;
		unsigned n_sent;
	} rows[] = {
		{"fd01::9", "fd00:1::5", 1400, 1312, false, false, 1},
		{"fd01::9", "fd00:1::5", 1400, 1313, false, true, 0},
		{"192.168.10.9", "10.1.0.5", 1400, 1313, true, true, 0},
		{"192.168.10.9", "10.1.0.5", 1400, 1313, false, false, 2},
		{"fd01::9", "fd00:1::5", 1280, 1280, false, false, 2}, /* the least there is */
		{"192.168.10.9", "10.1.0.5", 1280, 1280, true, true, 0},
	};
	begin(s);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		uint8_t ip[SCENE_MAX_BYTES];
		const struct path_mtu_news news = {.remote = s->peers[ANNE].endpoint,
			.remote_index = 0xa0000000u + ANNE,
			.mtu = rows[i].path_mtu};
		tables_path_mtu_forget(s->tables, s->peers[ANNE].id);
		assert_true(tables_path_mtu_learn(s->tables, &news) != 0);
		uint32_t n = scene_ip(ip, rows[i].src, rows[i].dst, rows[i].n_bytes);
		if (ip_version(ip) == 4) {
			ip[6] = rows[i].is_whole ? 0x40 : 0;
			scene_fix_checksum(ip);
		}
		uint64_t before = scene_drops(s, DROP_TOO_BIG);
		put(s, SCENE_LAN, scene_frame(SCENE_LAN, ip, n));
		scene_turn(s);
		assert_int_equal(scene_drops(s, DROP_TOO_BIG) - before, rows[i].is_refused);
		unsigned n_sent = 0;
		for (struct rte_mbuf *m; (m = scene_take(SCENE_WAN)); n_sent++) {
			assert_true(m->data_len - 14 <= rows[i].path_mtu);
			rte_pktmbuf_free(m);
		}
		assert_int_equal(n_sent, rows[i].n_sent);
		rte_pktmbuf_free(scene_take(SCENE_LAN)); /* the error */
		assert_true(scene_is_silent(s));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(believed),
		TEST(not_believed),
		TEST(limited),
		TEST(felt_inside),
	};
	if (!scene_begin())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
