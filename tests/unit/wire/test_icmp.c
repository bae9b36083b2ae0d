/* SPDX-License-Identifier: BSD-3-Clause */
/* What a packet carries, about which packets errors may be sent, and the errors' bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/upper.h"

enum { MAX_BYTES = 2000 };

/* Extension headers as they follow the IPv6 header; what is found behind them. */
static void
chains(void **state)
{
	static const struct {
		uint8_t first;
		uint8_t n_bytes;
		uint8_t bytes[80];
		bool is_found;
		uint8_t offset, proto;
		bool is_later;
	} rows[] = {
		{17, 8, {0}, true, 40, 17},
		{17, 0, {0}, true, 40, 17},
		{0, 16, {58, 0}, true, 48, 58},                     /* hop by hop */
		{0, 24, {60, 0, [8] = 17, 0}, true, 56, 17},        /* and destination options */
		{43, 32, {6, 2}, true, 64, 6},                      /* routing */
		{44, 16, {58, 0, 0, 1}, true, 48, 58},              /* first fragment */
		{44, 16, {58, 0, 0, 8}, true, 48, 58, true},        /* a later one */
		{44, 16, {60, 0, 0, 9, 0}, true, 48, 60, true},
		{51, 24, {17, 4}, true, 64, 17},                    /* AH: (4 + 2) * 4 */
		{135, 16, {59, 0}, true, 48, 59},                   /* mobility, then nothing */
		{50, 16, {0}, true, 40, 50},                        /* ESP hides the rest */
		{253, 16, {0}, true, 40, 253},                      /* whatever that is */
		{0, 8, {58, 1}, false},                             /* past the end */
		{0, 7, {58, 0}, false},
		{60, 8, {60, 0}, false},
		{51, 8, {17, 255}, false},
		{0, 72, {0, 0, [8] = 0, 0, [16] = 0, 0, [24] = 0, 0, [32] = 0, 0, [40] = 0, 0,
			[48] = 0, 0, [56] = 17, 0}, true, 104, 17},
		{0, 80, {0, 0, [8] = 0, 0, [16] = 0, 0, [24] = 0, 0, [32] = 0, 0, [40] = 0, 0,
			[48] = 0, 0, [56] = 0, 0, [64] = 0}, false}, /* too many */
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct ip_upper upper;
		uint32_t n = IPV6_BYTES + rows[i].n_bytes;
		uint8_t *ip = calloc(1, n);
		assert_non_null(ip);
		ip[0] = 0x60;
		ip[6] = rows[i].first;
		memcpy(ip + IPV6_BYTES, rows[i].bytes, rows[i].n_bytes);
		assert_int_equal(ip_upper_find(ip, ADDR_V6, n, &upper), rows[i].is_found);
		if (rows[i].is_found) {
			assert_int_equal(upper.offset, rows[i].offset);
			assert_int_equal(upper.proto, rows[i].proto);
			assert_int_equal(upper.is_later_fragment, rows[i].is_later);
		}
		free(ip);
	}
}

static uint32_t
make_v4(uint8_t *ip, const char *src, const char *dst, uint8_t proto, uint32_t n)
{
	struct addr a, b;
	assert_int_equal(addr_parse(src, &a), 0);
	assert_int_equal(addr_parse(dst, &b), 0);
	memset(ip, 0x5a, n);
	memset(ip, 0, IPV4_BYTES);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)n);
	ip[8] = 9;
	ip[9] = proto;
	memcpy(ip + 12, a.bytes, 4);
	memcpy(ip + 16, b.bytes, 4);
	return n;
}

static uint32_t
make_v6(uint8_t *ip, const char *src, const char *dst, uint8_t proto, uint32_t n)
{
	struct addr a, b;
	assert_int_equal(addr_parse(src, &a), 0);
	assert_int_equal(addr_parse(dst, &b), 0);
	memset(ip, 0x5a, n);
	memset(ip, 0, IPV6_BYTES);
	ip[0] = 0x60;
	store_be16(ip + 4, (uint16_t)(n - IPV6_BYTES));
	ip[6] = proto;
	memcpy(ip + 8, a.bytes, 16);
	memcpy(ip + 24, b.bytes, 16);
	return n;
}

static void
who_is_answered(void **state)
{
	static const struct {
		const char *src, *dst;
		uint8_t proto, type;
		uint16_t fragment;
		bool may;
	} rows[] = {
		{"192.0.2.1", "10.0.0.1", IP_PROTO_UDP, 0, 0, true},
		{"192.0.2.1", "10.0.0.1", IP_PROTO_UDP, 0, 0x2000, true},  /* the first fragment */
		{"192.0.2.1", "10.0.0.1", IP_PROTO_UDP, 0, 0x2001, false},
		{"192.0.2.1", "10.0.0.1", IP_PROTO_UDP, 0, 0x00b9, false},
		{"192.0.2.1", "10.0.0.1", IP_PROTO_ICMP, 8, 0, true},
		{"192.0.2.1", "10.0.0.1", IP_PROTO_ICMP, 0, 0, true},
		{"192.0.2.1", "10.0.0.1", IP_PROTO_ICMP, 3, 0, false},
		{"192.0.2.1", "10.0.0.1", IP_PROTO_ICMP, 4, 0, false},
		{"192.0.2.1", "10.0.0.1", IP_PROTO_ICMP, 5, 0, false},
		{"192.0.2.1", "10.0.0.1", IP_PROTO_ICMP, 11, 0, false},
		{"192.0.2.1", "10.0.0.1", IP_PROTO_ICMP, 12, 0, false},
		{"192.0.2.1", "224.0.0.5", IP_PROTO_UDP, 0, 0, false},
		{"192.0.2.1", "255.255.255.255", IP_PROTO_UDP, 0, 0, false},
		{"0.0.0.0", "10.0.0.1", IP_PROTO_UDP, 0, 0, false},
		{"127.0.0.1", "10.0.0.1", IP_PROTO_UDP, 0, 0, false},
		{"239.1.1.1", "10.0.0.1", IP_PROTO_UDP, 0, 0, false},
		{"255.255.255.255", "10.0.0.1", IP_PROTO_UDP, 0, 0, false},
		{"2001:db8::1", "fd00::1", IP_PROTO_UDP, 0, 0, true},
		{"2001:db8::1", "fd00::1", IP_PROTO_ICMPV6, 128, 0, true},
		{"2001:db8::1", "fd00::1", IP_PROTO_ICMPV6, 1, 0, false},
		{"2001:db8::1", "fd00::1", IP_PROTO_ICMPV6, 2, 0, false},
		{"2001:db8::1", "fd00::1", IP_PROTO_ICMPV6, 127, 0, false},
		{"2001:db8::1", "fd00::1", IP_PROTO_ICMPV6, 137, 0, false},
		{"2001:db8::1", "ff02::1", IP_PROTO_UDP, 0, 0, false},
		{"::", "fd00::1", IP_PROTO_UDP, 0, 0, false},
		{"::1", "fd00::1", IP_PROTO_UDP, 0, 0, false},
		{"ff02::1", "fd00::1", IP_PROTO_UDP, 0, 0, false},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		uint8_t ip[MAX_BYTES];
		bool is_v6 = strchr(rows[i].src, ':');
		uint32_t n = (is_v6 ? make_v6 : make_v4)(ip, rows[i].src, rows[i].dst,
			rows[i].proto, 100);
		ip[is_v6 ? IPV6_BYTES : IPV4_BYTES] = rows[i].type;
		if (!is_v6)
			store_be16(ip + 6, rows[i].fragment);
		assert_int_equal(icmp_may_answer(ip, is_v6 ? ADDR_V6 : ADDR_V4, n), rows[i].may);
	}
}

/* An error behind an option header, or one whose type is missing, is none to answer. */
static void
hidden_errors(void **state)
{
	uint8_t ip[MAX_BYTES];
	uint32_t n = make_v6(ip, "2001:db8::1", "fd00::1", 60, 100);
	memset(ip + IPV6_BYTES, 0, 8);
	ip[IPV6_BYTES] = IP_PROTO_ICMPV6;
	ip[IPV6_BYTES + 8] = 128;
	assert_true(icmp_may_answer(ip, ADDR_V6, n));
	ip[IPV6_BYTES + 8] = 3;
	assert_false(icmp_may_answer(ip, ADDR_V6, n));
	assert_false(icmp_may_answer(ip, ADDR_V6, IPV6_BYTES + 8));
	assert_false(icmp_may_answer(ip, ADDR_V6, IPV6_BYTES + 7));
	make_v4(ip, "192.0.2.1", "10.0.0.1", IP_PROTO_ICMP, IPV4_BYTES);
	assert_false(icmp_may_answer(ip, ADDR_V4, IPV4_BYTES));
}

static void
bytes_of_errors(void **state)
{
	static const struct {
		enum icmp_error error;
		uint8_t v4[2], v6[2];
	} rows[] = {
		{ICMP_TOO_BIG, {3, 4}, {2, 0}},
		{ICMP_TIME_EXCEEDED, {11, 0}, {3, 0}},
		{ICMP_NO_ROUTE, {3, 0}, {1, 0}},
		{ICMP_HOST_UNREACHABLE, {3, 1}, {1, 3}},
	};
	static const uint32_t sizes[] = {28, 48, 101, 548, 549, 1232, 1233, 1500};
	for (size_t i = 0; i < ARRAY_COUNT(rows) * ARRAY_COUNT(sizes) * 2; i++) {
		uint8_t ip[MAX_BYTES], out[ICMP_ERROR_MAX_BYTES], family;
		bool is_v6 = i & 1;
		size_t row = i / 2 % ARRAY_COUNT(rows);
		uint32_t size = sizes[i / 2 / ARRAY_COUNT(rows)];
		uint32_t n = is_v6 ? make_v6(ip, "2001:db8::1", "fd00::1", 17, MAX_OF(size, 40u))
				   : make_v4(ip, "192.0.2.1", "10.0.0.1", 17, size);
		ip[1] = is_v6 ? 0 : 0xb9;
		struct icmp_request q = {.error = rows[row].error, .mtu = 1420, .ip = ip,
			.n_bytes = n, .family = is_v6 ? ADDR_V6 : ADDR_V4};
		assert_int_equal(addr_parse(is_v6 ? "2001:db8::2" : "192.0.2.2", &q.source), 0);
		uint32_t len = icmp_error_build(out, &q);
		uint32_t header = is_v6 ? IPV6_BYTES : IPV4_BYTES;
		uint32_t quoted = MIN_OF(n, (is_v6 ? 1280u : 576u) - header - 8);
		assert_int_equal(len, header + 8 + quoted);
		assert_int_equal(ip_check(out, len, &family), len);
		assert_int_equal(family, q.family);
		assert_memory_equal(ip_source(out, family), q.source.bytes, is_v6 ? 16 : 4);
		assert_memory_equal(ip_destination(out, family), ip_source(ip, family),
			is_v6 ? 16 : 4);
		assert_int_equal(ip_ttl(out, family), 64);
		uint64_t sum = ip_sum(out + header, len - header);
		if (is_v6)
			sum += ip_sum(out + 8, 32) + __builtin_bswap32(len - header) +
			       __builtin_bswap16(IP_PROTO_ICMPV6);
		else
			assert_true(ipv4_checksum_is_right(out) && out[1] == 0xd8);
		assert_int_equal(ip_sum_fold(sum), 0xffff);
		assert_memory_equal(out + header, is_v6 ? rows[row].v6 : rows[row].v4, 2);
		assert_int_equal(load_be32(out + header + 4), row == 0 ? 1420 : 0);
		assert_memory_equal(out + header + 8, ip, quoted);
		assert_false(icmp_may_answer(out, family, len)); /* never about itself */
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains),
		cmocka_unit_test(who_is_answered),
		cmocka_unit_test(hidden_errors),
		cmocka_unit_test(bytes_of_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
