/* SPDX-License-Identifier: BSD-3-Clause */
/* SYNs: which are lowered, to what, and that their checksum is right afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/mss.h"

enum { ACK = 0x10, MAX_BYTES = 256 };

struct segment {
	uint8_t family;
	uint8_t ip_options;    /* words */
	uint8_t flags;
	uint8_t option_bytes;  /* of TCP, as they stand in options; a multiple of 4 */
	uint8_t options[16];
	uint8_t payload_bytes;
};

static uint32_t
l4_offset(const struct segment *s)
{
	return s->family == ADDR_V6 ? IPV6_BYTES : IPV4_BYTES + s->ip_options * 4u;
}

static uint64_t
pseudo_sum(const uint8_t *ip, uint8_t family, uint32_t tcp_bytes)
{
	return ip_sum(ip_source(ip, family), family == ADDR_V4 ? 8 : 32) +
	       __builtin_bswap16(IP_PROTO_TCP) + __builtin_bswap32(tcp_bytes);
}

static bool
is_right(const uint8_t *ip, const struct segment *s, uint32_t n)
{
	uint32_t at = l4_offset(s);
	return ip_sum_fold(pseudo_sum(ip, s->family, n - at) + ip_sum(ip + at, n - at)) == 0xffff;
}

static uint32_t
make(uint8_t *ip, const struct segment *s)
{
	uint32_t at = l4_offset(s), n = at + TCP_BYTES + s->option_bytes + s->payload_bytes;
	for (uint32_t i = 0; i < n; i++)
		ip[i] = (uint8_t)(i * 37 + 11);
	ip[0] = s->family == ADDR_V6 ? 0x60 : (uint8_t)(0x45 + s->ip_options);
	store_be16(ip + (s->family == ADDR_V6 ? 4 : 2),
		(uint16_t)(n - (s->family == ADDR_V6 ? IPV6_BYTES : 0)));
	ip[s->family == ADDR_V6 ? 6 : 9] = IP_PROTO_TCP;
	if (s->family == ADDR_V4)
		store_be16(ip + 6, 0x4000);
	uint8_t *tcp = ip + at;
	tcp[12] = (uint8_t)((TCP_BYTES + s->option_bytes) / 4 << 4);
	tcp[13] = s->flags;
	memcpy(tcp + TCP_BYTES, s->options, s->option_bytes);
	store_le16(tcp + 16, 0);
	uint64_t sum = pseudo_sum(ip, s->family, n - at) + ip_sum(tcp, n - at);
	store_le16(tcp + 16, (uint16_t)~ip_sum_fold(sum));
	return n;
}

/* 1460 is 0x05b4. The tunnel takes 1420: 1380 (0x0564) over IPv4, 1360 (0x0550) over IPv6. */
static const struct {
	struct segment segment;
	uint8_t value_at; /* in the options; 0: nothing is changed */
} rows[] = {
	{{ADDR_V4, 0, TCP_SYN, 4, {2, 4, 5, 0xb4}}, 2},
	{{ADDR_V6, 0, TCP_SYN, 4, {2, 4, 5, 0xb4}}, 2},
	{{ADDR_V4, 0, TCP_SYN | ACK, 4, {2, 4, 5, 0xb4}}, 2},
	{{ADDR_V4, 3, TCP_SYN, 4, {2, 4, 5, 0xb4}}, 2},
	{{ADDR_V4, 10, TCP_SYN, 4, {2, 4, 0xff, 0xff}}, 2},
	{{ADDR_V4, 0, TCP_SYN, 8, {1, 2, 4, 5, 0xb4, 1, 1, 0}}, 3}, /* at an odd offset */
	{{ADDR_V6, 0, TCP_SYN, 8, {1, 2, 4, 5, 0xb4, 1, 1, 0}}, 3},
	{{ADDR_V4, 0, TCP_SYN, 12, {3, 3, 7, 4, 2, 1, 1, 1, 2, 4, 5, 0xb4}}, 10},
	{{ADDR_V4, 0, TCP_SYN, 4, {2, 4, 5, 0xb4}, 33}, 2}, /* TCP fast open */
	{{ADDR_V4, 0, TCP_SYN, 4, {2, 4, 5, 0x65}}, 2},     /* 1381 */
	/* Left alone. */
	{{ADDR_V4, 0, TCP_SYN, 4, {2, 4, 5, 0x64}}, 0},     /* 1380 fits */
	{{ADDR_V6, 0, TCP_SYN, 4, {2, 4, 5, 0x50}}, 0},
	{{ADDR_V4, 0, TCP_SYN, 4, {2, 4, 2, 0x18}}, 0},     /* never raised */
	{{ADDR_V4, 0, ACK, 4, {2, 4, 5, 0xb4}}, 0},         /* no SYN */
	{{ADDR_V4, 0, TCP_SYN, 0, {0}}, 0},
	{{ADDR_V4, 0, TCP_SYN, 4, {1, 1, 1, 0}}, 0},
	{{ADDR_V4, 0, TCP_SYN, 8, {0, 2, 4, 5, 0xb4, 0, 0, 0}}, 0}, /* behind the end */
	{{ADDR_V4, 0, TCP_SYN, 4, {2, 3, 5, 0xb4}}, 0},     /* wrong length */
	{{ADDR_V4, 0, TCP_SYN, 4, {2, 5, 5, 0xb4}}, 0},     /* past the header */
	{{ADDR_V4, 0, TCP_SYN, 4, {8, 0, 5, 0xb4}}, 0},     /* would never end */
	{{ADDR_V4, 0, TCP_SYN, 4, {8, 1, 5, 0xb4}}, 0},
	{{ADDR_V4, 0, TCP_SYN, 4, {1, 1, 1, 2}}, 0},        /* cut off */
	{{ADDR_V4, 0, TCP_SYN, 4, {1, 2, 4, 5}}, 0},
};

static void
clamped(void **state)
{
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		const struct segment *s = &rows[i].segment;
		uint8_t ip[MAX_BYTES], was[MAX_BYTES];
		uint32_t n = make(ip, s), at = l4_offset(s) + TCP_BYTES + rows[i].value_at;
		memcpy(was, ip, n);
		assert_true(is_right(ip, s, n));
		assert_int_equal(mss_is_syn(ip, s->family), (s->flags & TCP_SYN) != 0);
		assert_int_equal(mss_clamp(ip, s->family, n, 1420), rows[i].value_at != 0);
		if (rows[i].value_at) {
			assert_int_equal(load_be16(ip + at), s->family == ADDR_V4 ? 1380 : 1360);
			assert_true(is_right(ip, s, n));
			store_le16(was + at, load_le16(ip + at));
			store_le16(was + l4_offset(s) + 16, load_le16(ip + l4_offset(s) + 16));
		}
		assert_memory_equal(ip, was, n);
		assert_false(mss_clamp(ip, s->family, n, 1420)); /* once is enough */
	}
}

/* A sum of the pseudo header alone does not cover the option, and stays. */
static void
partial(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct segment *s = &rows[i].segment;
		uint8_t ip[MAX_BYTES];
		uint32_t n = make(ip, s), at = l4_offset(s);
		uint16_t sum = ip_sum_fold(pseudo_sum(ip, s->family, n - at));
		store_le16(ip + at + 16, sum);
		assert_true(mss_clamp(ip, s->family, n, 1420));
		assert_int_equal(load_le16(ip + at + 16), sum);
		ip_l4_checksum_complete(ip, s->family, n);
		assert_true(is_right(ip, s, n));
	}
}

/* Cut off anywhere, in pieces, with a wrong header length, or into next to nothing. */
static void
hostile(void **state)
{
	uint8_t ip[MAX_BYTES], *exact;
	const struct segment *s = &rows[7].segment;
	uint32_t n = make(ip, s);
	for (uint32_t len = IPV4_BYTES; len < n; len++) {
		exact = malloc(len);
		assert_non_null(exact);
		memcpy(exact, ip, len);
		assert_false(mss_clamp(exact, ADDR_V4, len, 1420));
		free(exact);
	}
	store_be16(ip + 6, 1); /* a later fragment */
	assert_false(mss_clamp(ip, ADDR_V4, n, 1420));
	store_be16(ip + 6, 0);
	ip[IPV4_BYTES + 12] = 0x40;
	assert_false(mss_clamp(ip, ADDR_V4, n, 1420));
	ip[IPV4_BYTES + 12] = 0xf0;
	assert_false(mss_clamp(ip, ADDR_V4, n, 1420));
	for (uint32_t mtu = 0; mtu <= IPV4_BYTES + TCP_BYTES; mtu++)
		assert_false(mss_clamp(ip, ADDR_V4, n, mtu));
}

/* RFC 1624 against a sum over everything, for every value. */
static void
every_value(void **state)
{
	for (uint32_t mss = 0; mss <= UINT16_MAX; mss++) {
		const struct segment s = {ADDR_V4, 0, TCP_SYN, 8,
			{1, 2, 4, (uint8_t)(mss >> 8), (uint8_t)mss, 0, 0, 0}};
		uint8_t ip[MAX_BYTES];
		uint32_t n = make(ip, &s);
		assert_int_equal(mss_clamp(ip, ADDR_V4, n, 1420), mss > 1380);
		assert_true(is_right(ip, &s, n));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clamped),
		cmocka_unit_test(partial),
		cmocka_unit_test(hostile),
		cmocka_unit_test(every_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
