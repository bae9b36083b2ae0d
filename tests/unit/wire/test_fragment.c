/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets cut for an MTU: the pieces fit, and make the packet again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/fragment.h"
#include "wire/ip.h"

enum { MAX_BYTES = 9000 };

static void
make(uint8_t *ip, uint8_t family, uint32_t header, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ip[i] = (uint8_t)(i * 13 + i / 256);
	if (family == ADDR_V4) {
		ip[0] = (uint8_t)(0x40 | header / 4);
		store_be16(ip + 2, (uint16_t)n);
		store_be16(ip + 6, 0);
		for (uint32_t at = IPV4_BYTES; at < header; at++)
			ip[at] = 1;
	} else {
		ip[0] = 0x60;
		store_be16(ip + 4, (uint16_t)(n - IPV6_BYTES));
		ip[6] = IP_PROTO_UDP;
	}
}

/* Cuts, checks each piece and puts all together at whole; returns how many there were. */
static uint32_t
reassemble(const uint8_t *ip, uint8_t family, uint32_t mtu, uint8_t *whole, uint32_t *n_bytes)
{
	struct fragment_plan plan;
	*n_bytes = 0;
	if (!fragment_plan(&plan, ip, family, mtu, 0x12345678))
		return 0;
	for (uint32_t k = 0; k < plan.n; k++) {
		uint8_t header[FRAGMENT_HEADER_MAX_BYTES];
		uint32_t n, at = fragment_payload(&plan, k, &n), offset;
		bool is_last = k + 1 == plan.n, has_more;
		fragment_header(&plan, k, header);
		assert_true(plan.fragment_header_bytes + n <= mtu && n > 0);
		if (family == ADDR_V4) {
			assert_true(ipv4_checksum_is_right(header));
			assert_int_equal(load_be16(header + 2), plan.fragment_header_bytes + n);
			assert_memory_equal(header + 4, ip + 4, 2);
			offset = (load_be16(header + 6) & 0x1fff) * 8u;
			has_more = header[6] & 0x20;
		} else {
			assert_int_equal(load_be16(header + 4), 8 + n);
			assert_int_equal(header[6], 44);
			assert_int_equal(header[IPV6_BYTES], IP_PROTO_UDP);
			assert_int_equal(load_be32(header + IPV6_BYTES + 4), 0x12345678);
			offset = load_be16(header + IPV6_BYTES + 2) & 0xfff8;
			has_more = header[IPV6_BYTES + 3] & 1;
		}
		assert_int_equal(has_more, !is_last);
		assert_int_equal(offset, *n_bytes);
		memcpy(whole + offset, ip + at, n);
		*n_bytes += n;
	}
	return plan.n;
}

static void
cut(void **state)
{
	static const struct {
		uint8_t family;
		uint32_t header, n_bytes, mtu, n;
	} rows[] = {
		{ADDR_V4, 20, 1500, 1420, 2}, {ADDR_V4, 20, 1421, 1420, 2},
		{ADDR_V4, 20, 9000, 1420, 7}, {ADDR_V4, 60, 1500, 576, 3},
		{ADDR_V4, 20, 100, 28, 10},   {ADDR_V4, 20, 100, 27, 0},
		{ADDR_V4, 60, 100, 67, 0},    {ADDR_V6, 40, 1500, 1280, 2},
		{ADDR_V6, 40, 1501, 1500, 2}, {ADDR_V6, 40, 9000, 1500, 7},
		{ADDR_V6, 40, 100, 56, 8},    {ADDR_V6, 40, 100, 55, 0},
	};
	static uint8_t ip[MAX_BYTES], whole[MAX_BYTES];
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		uint32_t n;
		make(ip, rows[i].family, rows[i].header, rows[i].n_bytes);
		assert_int_equal(reassemble(ip, rows[i].family, rows[i].mtu, whole, &n),
			rows[i].n);
		if (rows[i].n) {
			assert_int_equal(n, rows[i].n_bytes - rows[i].header);
			assert_memory_equal(whole, ip + rows[i].header, n);
		}
	}
}

/* A fragment is cut further: its place and whether more follows are kept. */
static void
cut_again(void **state)
{
	static const uint16_t fields[] = {0x2000 | 185, 185};
	for (unsigned i = 0; i < 2; i++) {
		uint8_t ip[1500], header[FRAGMENT_HEADER_MAX_BYTES];
		struct fragment_plan plan;
		make(ip, ADDR_V4, 20, sizeof(ip));
		store_be16(ip + 6, fields[i]);
		assert_true(fragment_plan(&plan, ip, ADDR_V4, 1420, 0));
		assert_int_equal(plan.n, 2);
		fragment_header(&plan, 0, header);
		assert_int_equal(load_be16(header + 6), 0x2000 | 185);
		fragment_header(&plan, 1, header);
		assert_int_equal(load_be16(header + 6), fields[i] + 175);
	}
}

static void
must_not_be_cut(void **state)
{
	uint8_t ip[1500];
	struct fragment_plan plan;
	make(ip, ADDR_V4, 20, sizeof(ip));
	ip[6] = 0x40; /* DF */
	assert_false(fragment_plan(&plan, ip, ADDR_V4, 1420, 0));
	store_be16(ip + 6, 0x1fff); /* would end behind 65535 */
	assert_false(fragment_plan(&plan, ip, ADDR_V4, 1420, 0));
	make(ip, ADDR_V6, 40, sizeof(ip));
	ip[6] = 44;
	assert_false(fragment_plan(&plan, ip, ADDR_V6, 1420, 0));
}

/* Record route (7) stays with the first piece, router alert (0x94) goes with each. */
static void
options(void **state)
{
	static const uint8_t in[12] = {7, 4, 4, 9, 0x94, 4, 0, 0, 1, 0x44, 3, 0};
	static const uint8_t later[12] = {1, 1, 1, 1, 0x94, 4, 0, 0, 1, 1, 1, 1};
	uint8_t ip[1500], header[FRAGMENT_HEADER_MAX_BYTES];
	struct fragment_plan plan;
	make(ip, ADDR_V4, 32, sizeof(ip));
	memcpy(ip + 20, in, 12);
	assert_true(fragment_plan(&plan, ip, ADDR_V4, 1420, 0));
	fragment_header(&plan, 0, header);
	assert_memory_equal(header + 20, in, 12);
	fragment_header(&plan, 1, header);
	assert_memory_equal(header + 20, later, 11);
	for (unsigned length = 0; length < 256; length++) { /* hostile: it ends */
		ip[21] = (uint8_t)length;
		fragment_header(&plan, 1, header);
		assert_true(ipv4_checksum_is_right(header));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut),
		cmocka_unit_test(cut_again),
		cmocka_unit_test(must_not_be_cut),
		cmocka_unit_test(options),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
