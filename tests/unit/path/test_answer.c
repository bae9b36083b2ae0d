/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Errors about dropped packets: which, from whom, by which way they come back; what is cut instead;
 * how often.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene_test.h"

enum from { LAN, ANNES, TUN };

/* The packet in question. */
struct ask {
	enum from from;
	const char *src, *dst;
	uint32_t n_bytes;
	bool is_whole; /* DF */
	uint8_t ttl;   /* 0: 64 */
};

static uint32_t
make(uint8_t *ip, const struct ask *a)
{
	uint32_t n = scene_ip(ip, a->src, a->dst, a->n_bytes);
	bool is_v4 = ip_version(ip) == 4;
	if (a->ttl)
		ip[is_v4 ? 8 : 7] = a->ttl;
	if (is_v4) {
		ip[6] = a->is_whole ? 0x40 : 0;
		scene_fix_checksum(ip);
	}
	return n;
}

static void
put_asked(struct scene *s, const uint8_t *ip, uint32_t n, enum from from)
{
	if (from == LAN) {
		scene_put(SCENE_LAN, scene_frame(SCENE_LAN, ip, n));
	} else if (from == ANNES) {
		scene_put(SCENE_WAN, scene_sealed(s, ANNE, ip, n, &(struct scene_seal){0}));
	} else {
		struct frame *f = (struct frame *)scene_bytes(ip, n);
		frame_set_link(f, link_of_iface(s->iface_id));
		assert_int_equal(
			frame_ring_push(s->config.kernel[0].from_kernel_bulk, &f, 1), 1);
	}
	scene_turn(s);
}

/* The plain packet that came back to where the question came from; its length. */
static uint32_t
take_back(struct scene *s, enum from from, uint8_t *ip)
{
	uint64_t counter;
	uint8_t family;
	struct rte_mbuf *m = from == TUN ? scene_take_kernel(s)
					 : scene_take(from == LAN ? SCENE_LAN : SCENE_WAN);
	assert_non_null(m);
	uint32_t n = from == LAN ? m->data_len - 14u : m->data_len;
	if (from == ANNES)
		n = scene_open(s, ANNE, m, ip, &counter);
	else
		memcpy(ip, from == TUN ? rte_pktmbuf_mtod(m, uint8_t *) : scene_packet(m), n);
	if (from == TUN)
		assert_int_equal(frame_link((struct frame *)m), link_of_iface(s->iface_id));
	rte_pktmbuf_free(m);
	assert_int_not_equal(n, UINT32_MAX);
	return ip_check(ip, n, &family);
}

static void
assert_error(const uint8_t *ip, uint32_t n, const char *source, const struct ask *a)
{
	bool is_v4 = ip_version(ip) == 4;
	uint8_t family = is_v4 ? ADDR_V4 : ADDR_V6;
	uint32_t header = is_v4 ? IPV4_BYTES : IPV6_BYTES;
	struct addr from, to;
	assert_int_equal(addr_parse(source, &from), 0);
	assert_int_equal(addr_parse(a->src, &to), 0);
	assert_memory_equal(ip_source(ip, family), from.bytes, addr_n_bytes(family));
	assert_memory_equal(ip_destination(ip, family), to.bytes, addr_n_bytes(family));
	uint64_t sum = ip_sum(ip + header, n - header);
	if (is_v4)
		assert_true(ipv4_checksum_is_right(ip));
	else
		sum += ip_sum(ip + 8, 32) + __builtin_bswap32(n - header) +
		       __builtin_bswap16(IP_PROTO_ICMPV6);
	assert_int_equal(ip_sum_fold(sum), 0xffff);
}

#define BIG .n_bytes = SCENE_MTU + 1
#define SMALL .n_bytes = 100

static void
answered(void **state)
{
	struct scene *s = *state;
	static const struct {
		struct ask ask;
		enum drop_reason reason;
		uint8_t type, code;
		uint16_t mtu;
		const char *source;
	} rows[] = {
		/* From the LAN, IPv4 and IPv6. */
		{{LAN, "192.168.10.9", "10.1.0.5", BIG, true}, DROP_TOO_BIG, 3, 4, SCENE_MTU,
			"192.168.10.1"},
		{{LAN, "fd01::9", "fd00:1::5", BIG}, DROP_TOO_BIG, 2, 0, SCENE_MTU, "fd01::1"},
		{{LAN, "192.168.10.9", "10.1.0.5", SMALL, .ttl = 1}, DROP_TTL, 11, 0, 0,
			"192.168.10.1"},
		{{LAN, "fd01::9", "fd00:1::5", SMALL, .ttl = 1}, DROP_TTL, 3, 0, 0, "fd01::1"},
		{{LAN, "192.168.10.9", "10.9.0.5", SMALL}, DROP_NO_PEER, 3, 1, 0, "192.168.10.1"},
		{{LAN, "fd01::9", "fd00:9::5", SMALL}, DROP_NO_PEER, 1, 3, 0, "fd01::1"},
		{{LAN, "192.168.10.9", "10.3.0.5", SMALL}, DROP_NO_ENDPOINT, 3, 1, 0,
			"192.168.10.1"},
		/* From a peer. */
		{{ANNES, "10.1.0.5", "192.168.10.9", 1300, true}, DROP_TOO_BIG, 3, 4, 1280,
			"10.0.0.1"},
		{{ANNES, "10.1.0.5", "192.168.10.9", SMALL, .ttl = 1}, DROP_TTL, 11, 0, 0,
			"10.0.0.1"},
		{{ANNES, "fd00:1::5", "fd01::9", SMALL, .ttl = 1}, DROP_TTL, 3, 0, 0, "fd00::1"},
		{{ANNES, "10.1.0.5", "10.9.0.5", SMALL}, DROP_NO_PEER, 3, 1, 0, "10.0.0.1"},
		{{ANNES, "10.1.0.5", "10.3.0.5", SMALL}, DROP_NO_ENDPOINT, 3, 1, 0, "10.0.0.1"},
		/* From the kernel: no address of its own as source. */
		{{TUN, "203.0.113.2", "10.9.0.5", SMALL}, DROP_NO_PEER, 3, 1, 0, "10.9.0.5"},
		{{TUN, "8.8.8.8", "10.3.0.5", SMALL}, DROP_NO_ENDPOINT, 3, 1, 0, "10.3.0.5"},
		{{TUN, "2001:db8::2", "fd00:9::5", SMALL}, DROP_NO_PEER, 1, 3, 0, "fd00:9::5"},
	};
	struct nexthop lan = *tables_nexthop(s->tables, s->lan_id);
	lan.mtu = 1280;
	assert_int_equal(tables_nexthop_set(s->tables, s->lan_id, &lan), 0);
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		uint8_t ip[SCENE_MAX_BYTES], back[SCENE_MAX_BYTES];
		uint64_t before = scene_drops(s, rows[i].reason);
		put_asked(s, ip, make(ip, &rows[i].ask), rows[i].ask.from);
		assert_int_equal(scene_drops(s, rows[i].reason), before + 1);
		assert_int_equal(scene_all_drops(s), i + 1);
		scene_turn(s);
		uint32_t n = take_back(s, rows[i].ask.from, back);
		const uint8_t *icmp = back + (ip_version(back) == 4 ? IPV4_BYTES : IPV6_BYTES);
		assert_error(back, n, rows[i].source, &rows[i].ask);
		assert_int_equal(icmp[0], rows[i].type);
		assert_int_equal(icmp[1], rows[i].code);
		assert_int_equal(load_be32(icmp + 4), rows[i].mtu);
		assert_true(scene_is_silent(s));
		assert_int_equal(s->workers[0]->answers.n_sent, i + 1);
	}
}

static void
not_answered(void **state)
{
	struct scene *s = *state;
	static const struct {
		struct ask ask;
		uint8_t proto, type;
	} rows[] = {
		{{LAN, "192.168.10.9", "10.9.0.5", SMALL}, IP_PROTO_ICMP, 3},
		{{LAN, "192.168.10.9", "10.9.0.5", SMALL}, IP_PROTO_ICMP, 11},
		{{ANNES, "10.1.0.5", "10.9.0.5", SMALL}, IP_PROTO_ICMP, 5},
		{{LAN, "fd01::9", "fd00:9::5", SMALL}, IP_PROTO_ICMPV6, 1},
		{{LAN, "fd01::9", "fd00:9::5", SMALL}, IP_PROTO_ICMPV6, 137},
		{{LAN, "192.168.10.9", "172.16.0.1", SMALL}, IP_PROTO_UDP, 0}, /* a blackhole */
		/* No way back that the path knows: the kernel may. */
		{{LAN, "8.8.8.8", "10.9.0.5", SMALL}, IP_PROTO_UDP, 0},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		uint8_t ip[SCENE_MAX_BYTES];
		uint32_t n = make(ip, &rows[i].ask);
		bool is_v4 = ip_version(ip) == 4;
		ip[is_v4 ? 9 : 6] = rows[i].proto;
		ip[is_v4 ? IPV4_BYTES : IPV6_BYTES] = rows[i].type;
		if (is_v4)
			scene_fix_checksum(ip);
		put_asked(s, ip, n, rows[i].ask.from);
		scene_turn(s);
		if (i + 1 == ARRAY_COUNT(rows))
			rte_pktmbuf_free(scene_take_kernel(s));
		assert_int_equal(scene_all_drops(s), i + 1);
		assert_true(scene_is_silent(s));
	}
}

/* An echo request is no error: it is answered as other packets are. */
static void
echo_is_answered(void **state)
{
	struct scene *s = *state;
	const struct ask a = {LAN, "192.168.10.9", "10.9.0.5", SMALL};
	uint8_t ip[SCENE_MAX_BYTES];
	uint32_t n = make(ip, &a);
	ip[9] = IP_PROTO_ICMP;
	ip[IPV4_BYTES] = 8;
	scene_fix_checksum(ip);
	put_asked(s, ip, n, LAN);
	scene_turn(s);
	assert_true(take_back(s, LAN, ip) != 0);
}

/* What waited for a handshake or a neighbour in vain. */
static void
parked_in_vain(void **state)
{
	struct scene *s = *state;
	static const struct ask asks[] = {
		{LAN, "192.168.10.9", "10.4.0.5", SMALL},
		{TUN, "203.0.113.2", "10.4.0.5", SMALL},
		{ANNES, "10.1.0.5", "192.168.20.5", SMALL},
	};
	static const char *const sources[] = {"192.168.10.1", "10.4.0.5", "10.0.0.1"};
	for (size_t i = 0; i < ARRAY_COUNT(asks); i++) {
		uint8_t ip[SCENE_MAX_BYTES];
		put_asked(s, ip, make(ip, &asks[i]), asks[i].from);
		assert_int_equal(s->workers[0]->park.used, 1);
		s->workers[0]->park.lots[0].give_up_ns = 0;
		scene_turn(s);
		scene_turn(s);
		assert_int_equal(scene_drops(s, DROP_PARK_TIMEOUT), i + 1);
		uint32_t n = take_back(s, asks[i].from, ip);
		assert_error(ip, n, sources[i], &asks[i]);
	}
}

static void
without_host(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	static const struct ask asks[] = {
		{LAN, "192.168.10.9", "10.9.0.5", SMALL},
		{LAN, "192.168.10.9", "8.8.8.8", SMALL}, /* no route, and no kernel that has one */
	};
	s->config.has_host = false;
	for (size_t i = 0; i < ARRAY_COUNT(asks); i++) {
		put_asked(s, ip, make(ip, &asks[i]), LAN);
		scene_turn(s);
		assert_error(ip, take_back(s, LAN, ip), "192.168.10.1", &asks[i]);
		assert_int_equal(ip[IPV4_BYTES + 1], i == 0);
	}
	assert_int_equal(scene_drops(s, DROP_NO_ROUTE), 1);
	s->config.has_host = true;
}

/* One source does not use up what is there for others; what is too much is counted. */
static void
limited(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	const struct ask flood = {LAN, "192.168.10.9", "10.9.0.5", SMALL};
	const struct ask other = {LAN, "192.168.10.10", "10.9.0.5", SMALL};
	const struct answers *a = &s->workers[0]->answers;
	s->workers[0]->answers.seed = 1;
	for (unsigned i = 0; i < 100; i++) {
		put_asked(s, ip, make(ip, &flood), LAN);
		rte_pktmbuf_free(scene_take(SCENE_LAN));
	}
	assert_in_range(a->n_sent, ANSWER_SOURCE_BURST, 99);
	assert_int_equal(a->n_sent + a->n_unsent, 100);
	assert_int_equal(scene_drops(s, DROP_NO_PEER), 100);
	uint64_t n_sent = a->n_sent;
	put_asked(s, ip, make(ip, &other), LAN);
	assert_int_equal(a->n_sent, n_sent + 1);
	scene_turn(s);
	while (!scene_is_silent(s))
		rte_pktmbuf_free(scene_take(SCENE_LAN));
}

/* IPv4 without DF is cut, into the tunnel and out of it; the pieces make the whole. */
static void
cut(void **state)
{
	struct scene *s = *state;
	static const struct ask asks[] = {
		{LAN, "192.168.10.9", "10.1.0.5", 1500},
		{ANNES, "10.1.0.5", "192.168.10.9", 1300},
	};
	struct nexthop lan = *tables_nexthop(s->tables, s->lan_id);
	lan.mtu = 600;
	assert_int_equal(tables_nexthop_set(s->tables, s->lan_id, &lan), 0);
	for (size_t i = 0; i < ARRAY_COUNT(asks); i++) {
		uint8_t ip[SCENE_MAX_BYTES], piece[SCENE_MAX_BYTES], whole[SCENE_MAX_BYTES];
		uint32_t n = make(ip, &asks[i]), n_whole = 0;
		put_asked(s, ip, n, asks[i].from);
		scene_turn(s);
		while (!scene_is_silent(s)) {
			uint32_t len = take_back(s, asks[i].from == LAN ? ANNES : LAN, piece);
			assert_true(len <= (asks[i].from == LAN ? SCENE_MTU : 600));
			assert_true(ipv4_checksum_is_right(piece));
			assert_int_equal(piece[8], 63);
			memcpy(whole + (load_be16(piece + 6) & 0x1fff) * 8, piece + 20, len - 20);
			n_whole += len - 20;
		}
		assert_int_equal(n_whole, n - 20);
		assert_memory_equal(whole, ip + 20, n_whole);
	}
	assert_int_equal(scene_all_drops(s), 0);
}

/* Sealed, it is larger than the port takes: the outer packet is cut, in both families. */
static void
outer_is_cut(void **state)
{
	struct scene *s = *state;
	static const char *const endpoints[] = {"198.51.100.1", "2001:db8:1::1"};
	const struct ask a = {LAN, "192.168.10.9", "10.1.0.5", 1441};
	tables_iface_set_mtu(s->tables, s->iface_id, 1500);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t ip[SCENE_MAX_BYTES], family;
		scene_endpoint(s, ANNE, endpoints[i]);
		put_asked(s, ip, make(ip, &a), LAN);
		scene_turn(s);
		for (unsigned k = 0; k < 2; k++) {
			struct rte_mbuf *m = scene_take(SCENE_WAN);
			assert_non_null(m);
			uint8_t *outer = scene_packet(m);
			assert_int_equal(ip_check(outer, m->data_len - 14u, &family),
				m->data_len - 14);
			assert_true(m->data_len - 14 <= 1500);
			if (i == 0)
				assert_int_equal(load_be16(outer + 6) >> 13, k == 0);
			else
				assert_int_equal(load_be16(outer + IPV6_BYTES + 2) & 1, k == 0);
			rte_pktmbuf_free(m);
		}
		assert_true(scene_is_silent(s));
	}
	assert_int_equal(scene_all_drops(s), 0);
}

/* More pieces than the next turn takes: the rest is dropped, and counted. */
static void
too_many_pieces(void **state)
{
	struct scene *s = *state;
	uint8_t ip[SCENE_MAX_BYTES];
	const struct ask a = {LAN, "192.168.10.9", "10.1.0.5", 1500};
	uint32_t n = make(ip, &a);
	for (unsigned i = 0; i < 31; i++)
		scene_put(SCENE_LAN, scene_frame(SCENE_LAN, ip, n));
	put_asked(s, ip, n, LAN);
	assert_int_equal(s->workers[0]->again.n, 32);
	tables_iface_set_mtu(s->tables, s->iface_id, 576);
	for (unsigned i = 0; i < 32; i++)
		scene_put(SCENE_LAN, scene_frame(SCENE_LAN, ip, n));
	scene_turn(s);
	assert_true(scene_drops(s, DROP_FRAGMENTS) > 0);
	assert_int_equal(scene_all_drops(s), scene_drops(s, DROP_FRAGMENTS));
	for (unsigned i = 0; i < 8; i++) {
		for (struct rte_mbuf *m; (m = scene_take(SCENE_WAN));)
			rte_pktmbuf_free(m);
		scene_turn(s);
	}
	assert_true(scene_is_silent(s));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answered),
		TEST(not_answered),
		TEST(echo_is_answered),
		TEST(parked_in_vain),
		TEST(without_host),
		TEST(limited),
		TEST(cut),
		TEST(outer_is_cut),
		TEST(too_many_pieces),
	};
	if (!scene_begin())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
