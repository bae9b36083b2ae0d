/* SPDX-License-Identifier: BSD-3-Clause */
/* IP headers: which lengths are believed, and every checksum edit against a full computation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/ip.h"

static uint64_t rng = 42;

static uint64_t
next_random(void)
{
	uint64_t z = rng += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void
fill_random(uint8_t *p, unsigned n_bytes)
{
	for (unsigned i = 0; i < n_bytes; i++)
		p[i] = (uint8_t)next_random();
}

/* RFC 1071, as plain as can be: big-endian words, carries folded, an odd byte padded. */
static uint32_t
plain_sum(uint32_t sum, const uint8_t *p, unsigned n_bytes)
{
	for (unsigned i = 0; i < n_bytes; i += 2)
		sum += (uint32_t)p[i] << 8 | (i + 1 < n_bytes ? p[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void
set_ipv4_checksum(uint8_t *ip)
{
	store_be16(ip + 10, 0);
	store_be16(ip + 10, (uint16_t)~plain_sum(0, ip, ipv4_header_bytes(ip)));
}

static void
random_ipv4(uint8_t *ip, unsigned words)
{
	fill_random(ip, 60);
	ip[0] = (uint8_t)(0x40 | words);
	set_ipv4_checksum(ip);
}

/* First byte, the length field (v4: total, v6: payload), bytes there; what is believed. */
static void
lengths(void **state)
{
	static const struct {
		uint8_t first;
		uint16_t field;
		uint32_t n_bytes, result;
		uint8_t family;
	} rows[] = {
		{0x45, 20, 20, 20, ADDR_V4},
		{0x45, 20, 46, 20, ADDR_V4}, /* Ethernet padding is cut off */
		{0x45, 40, 40, 40, ADDR_V4},
		{0x45, 41, 40, 0, ADDR_V4},
		{0x45, 65535, 1500, 0, ADDR_V4},
		{0x45, 19, 40, 0, ADDR_V4},
		{0x45, 0, 40, 0, ADDR_V4},
		{0x44, 40, 40, 0, ADDR_V4},
		{0x40, 40, 40, 0, ADDR_V4},
		{0x46, 24, 24, 24, ADDR_V4},
		{0x46, 23, 24, 0, ADDR_V4},
		{0x4f, 60, 60, 60, ADDR_V4},
		{0x4f, 59, 60, 0, ADDR_V4},
		{0x45, 20, 19, 0, ADDR_NONE}, /* too short to tell */
		{0x45, 20, 0, 0, ADDR_NONE},
		{0x60, 0, 40, 40, ADDR_V6},
		{0x60, 0, 60, 40, ADDR_V6},
		{0x6f, 20, 60, 60, ADDR_V6},
		{0x60, 21, 60, 0, ADDR_V6},
		{0x60, 0, 39, 0, ADDR_V6},
		{0x60, 65535, 1500, 0, ADDR_V6},
		{0x50, 40, 40, 0, ADDR_NONE},
		{0x00, 40, 40, 0, ADDR_NONE},
		{0xff, 40, 40, 0, ADDR_NONE},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		uint8_t ip[64] = {rows[i].first}, family = 99;
		store_be16(ip + 2, rows[i].family == ADDR_V6 ? 0 : rows[i].field);
		store_be16(ip + 4, rows[i].family == ADDR_V6 ? rows[i].field : 0);
		assert_int_equal(ip_check(ip, rows[i].n_bytes, &family), rows[i].result);
		assert_int_equal(family, rows[i].family);
	}
}

static void
header_checksum(void **state)
{
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t ip[60];
		random_ipv4(ip, 5 + i % 11);
		assert_true(ipv4_checksum_is_right(ip));
		unsigned at = 1 + (unsigned)next_random() % (ipv4_header_bytes(ip) - 1);
		uint8_t flip = (uint8_t)(1u << (next_random() % 8));
		ip[at] ^= flip;
		assert_false(ipv4_checksum_is_right(ip));
	}
}

/* Random sums, and those at the edges of the carries; 0xffff and 0 stand for the same. */
static void
folding(void **state)
{
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t sum = next_random() >> (i % 60);
		uint64_t plain = sum;
		while (plain >> 16)
			plain = (plain & 0xffff) + (plain >> 16);
		assert_int_equal(ip_sum_fold(sum), plain);
	}
	assert_int_equal(ip_sum_fold(0), 0);
	assert_int_equal(ip_sum_fold(UINT64_MAX), 0xffff);
	assert_int_equal(ip_sum_fold(0xffffffff), 0xffff);
	assert_int_equal(ip_sum_fold(0x100000000), 1);
	assert_int_equal(ip_sum_fold(0xffff), 0xffff);
	assert_int_equal(ip_sum_fold(0x10000), 1);
}

static void
one_hop_less(void **state)
{
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t ip[60], ttl;
		random_ipv4(ip, 5);
		ip[8] = ttl = (uint8_t)(2 + next_random() % 254);
		set_ipv4_checksum(ip);
		ip_ttl_decrement(ip, ADDR_V4);
		assert_int_equal(ip_ttl(ip, ADDR_V4), ttl - 1);
		assert_true(ipv4_checksum_is_right(ip));
	}
	uint8_t v6[IPV6_BYTES] = {0x60, [7] = 9};
	ip_ttl_decrement(v6, ADDR_V6);
	assert_int_equal(ip_ttl(v6, ADDR_V6), 8);
}

static void
congestion_mark(void **state)
{
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t ip[60], dscp, ecn = i & ECN_MASK;
		random_ipv4(ip, 5 + i % 3);
		dscp = ip[1] & (uint8_t)~ECN_MASK;
		ip_ecn_set(ip, ADDR_V4, ecn);
		assert_int_equal(ip[1], dscp | ecn);
		assert_int_equal(ip_ecn(ip, ADDR_V4), ecn);
		assert_int_equal(ip_traffic_class(ip, ADDR_V4), dscp | ecn);
		assert_true(ipv4_checksum_is_right(ip));
	}
	uint8_t v6[IPV6_BYTES] = {0x6a, 0x95, 0x12, 0x34}; /* class 0xa9, flow label 0x51234 */
	assert_int_equal(ip_traffic_class(v6, ADDR_V6), 0xa9);
	assert_int_equal(ip_ecn(v6, ADDR_V6), ECN_ECT1);
	ip_ecn_set(v6, ADDR_V6, ECN_CE);
	assert_int_equal(ip_traffic_class(v6, ADDR_V6), 0xab);
	assert_int_equal(load_be32(v6), 0x6ab51234);
	ip_ecn_set(v6, ADDR_V6, ECN_ECT0);
	assert_int_equal(ip_traffic_class(v6, ADDR_V6), 0xaa);
}

/* The pseudo header's sum, big-endian. */
static uint32_t
pseudo_sum(const uint8_t *ip, uint8_t family, uint8_t proto, uint32_t l4_bytes)
{
	uint32_t sum = plain_sum(0, ip_source(ip, family), family == ADDR_V4 ? 8 : 32);
	return plain_sum(sum + proto + (l4_bytes >> 16) + (l4_bytes & 0xffff), NULL, 0);
}

/* A random TCP or UDP packet with a partial checksum, as a Linux sender on veth leaves it. */
static uint32_t
partial_packet(uint8_t *ip, uint8_t family, uint8_t proto, uint32_t l4_bytes)
{
	uint32_t l4 = family == ADDR_V4 ? IPV4_BYTES : IPV6_BYTES;
	uint32_t field = l4 + (proto == IP_PROTO_TCP ? 16 : 6);
	fill_random(ip, l4 + l4_bytes);
	if (family == ADDR_V4) {
		ip[0] = 0x45;
		store_be16(ip + 2, (uint16_t)(l4 + l4_bytes));
		store_be16(ip + 6, 0x4000);
		ip[9] = proto;
	} else {
		ip[0] = 0x60;
		store_be16(ip + 4, (uint16_t)l4_bytes);
		ip[6] = proto;
	}
	store_be16(ip + field, (uint16_t)pseudo_sum(ip, family, proto, l4_bytes));
	return l4 + l4_bytes;
}

static bool
l4_is_right(const uint8_t *ip, uint8_t family, uint8_t proto, uint32_t n_bytes)
{
	uint32_t l4 = family == ADDR_V4 ? IPV4_BYTES : IPV6_BYTES;
	return plain_sum(pseudo_sum(ip, family, proto, n_bytes - l4), ip + l4, n_bytes - l4) ==
	       0xffff;
}

static void
partial_is_completed(void **state)
{
	static const uint8_t protos[] = {IP_PROTO_TCP, IP_PROTO_UDP};
	uint8_t ip[1600];
	for (unsigned i = 0; i < 8000; i++) {
		uint8_t family = i & 1 ? ADDR_V6 : ADDR_V4, proto = protos[i >> 1 & 1];
		uint32_t n_bytes =
			partial_packet(ip, family, proto, 20 + (uint32_t)(next_random() % 1400));
		ip_l4_checksum_complete(ip, family, n_bytes);
		assert_true(l4_is_right(ip, family, proto, n_bytes));
		/* A UDP checksum of 0 would mean that there is none. */
		uint32_t udp = (family == ADDR_V4 ? IPV4_BYTES : IPV6_BYTES) + 6;
		assert_true(proto == IP_PROTO_TCP || load_be16(ip + udp) != 0);
	}
}

/* Every length and alignment, up to the greatest datagram of nothing but carries. */
static void
long_sums(void **state)
{
	static uint8_t bytes[65536 + 16];
	fill_random(bytes, sizeof(bytes));
	for (uint32_t n_bytes = 0; n_bytes < 1600; n_bytes++) {
		const uint8_t *p = bytes + n_bytes % 67;
		uint16_t sum = ip_sum_fold(ip_sum(p, n_bytes));
		assert_int_equal(__builtin_bswap16(sum), plain_sum(0, p, n_bytes));
	}
	memset(bytes, 0xff, sizeof(bytes));
	for (uint32_t n_bytes = 65400; n_bytes <= 65536; n_bytes++) {
		uint16_t sum = ip_sum_fold(ip_sum(bytes + 1, n_bytes));
		assert_int_equal(__builtin_bswap16(sum), plain_sum(0, bytes + 1, n_bytes));
	}
}

/* What is whole, other, cut or in pieces is not touched. */
static void
others_are_left_alone(void **state)
{
	uint8_t ip[256], was[256];
	for (unsigned i = 0; i < 6; i++) {
		uint32_t n_bytes = partial_packet(ip, ADDR_V4, IP_PROTO_UDP, 100);
		if (i == 0)
			ip_l4_checksum_complete(ip, ADDR_V4, n_bytes); /* now it is whole */
		else if (i == 1)
			ip[9] = IP_PROTO_ICMP;
		else if (i == 2)
			store_be16(ip + 6, 0x2000); /* first fragment */
		else if (i == 3)
			store_be16(ip + 6, 0x0010); /* a later one */
		else if (i == 4)
			n_bytes = IPV4_BYTES + UDP_BYTES - 1;
		else
			ip[IPV4_BYTES + 7] ^= 1;
		memcpy(was, ip, sizeof(ip));
		ip_l4_checksum_complete(ip, ADDR_V4, n_bytes);
		assert_memory_equal(ip, was, IPV4_BYTES + 100);
	}
}

static void
addresses(void **state)
{
	static const struct {
		const char *text;
		bool is_multicast, is_martian;
	} rows[] = {
		{"10.0.0.1", false, false},
		{"223.255.255.255", false, false},
		{"224.0.0.1", true, true},
		{"239.1.2.3", true, true},
		{"255.255.255.255", true, true},
		{"127.0.0.1", false, true},
		{"0.0.0.0", false, true},
		{"2001:db8::1", false, false},
		{"fe80::1", false, false},
		{"ff02::1", true, true},
		{"::", false, true},
		{"::1", false, true},
		{"::2", false, false},
		{"1::1", false, false},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		uint8_t ip[IPV6_BYTES] = {0};
		struct addr a;
		assert_int_equal(addr_parse(rows[i].text, &a), 0);
		unsigned n = addr_n_bytes(a.family);
		memcpy((uint8_t *)(uintptr_t)ip_source(ip, a.family), a.bytes, n);
		assert_int_equal(ip_source_is_martian(ip, a.family), rows[i].is_martian);
		memcpy((uint8_t *)(uintptr_t)ip_destination(ip, a.family), a.bytes, n);
		assert_int_equal(ip_destination_is_multicast(ip, a.family), rows[i].is_multicast);
		assert_int_equal(ip_destination_is_special(ip, a.family), rows[i].is_martian);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths),
		cmocka_unit_test(header_checksum),
		cmocka_unit_test(folding),
		cmocka_unit_test(one_hop_less),
		cmocka_unit_test(congestion_mark),
		cmocka_unit_test(partial_is_completed),
		cmocka_unit_test(long_sums),
		cmocka_unit_test(others_are_left_alone),
		cmocka_unit_test(addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
