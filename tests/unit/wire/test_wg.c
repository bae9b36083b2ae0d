/* SPDX-License-Identifier: BSD-3-Clause */
/* What is a WireGuard message and what is not, and how far a plaintext is padded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/wg.h"

static void
types(void **state)
{
	static const struct {
		uint8_t head[4];
		size_t n_bytes;
		enum wg_type type;
	} rows[] = {
		{{1}, 148, WG_INITIATION},
		{{1}, 147, WG_NONE},
		{{1}, 149, WG_NONE},
		{{1, 1}, 148, WG_NONE}, /* reserved bytes are zero */
		{{1, 0, 1}, 148, WG_NONE},
		{{1, 0, 0, 1}, 148, WG_NONE},
		{{2}, 92, WG_RESPONSE},
		{{2}, 91, WG_NONE},
		{{2}, 148, WG_NONE},
		{{3}, 64, WG_COOKIE},
		{{3}, 65, WG_NONE},
		{{4}, 32, WG_DATA}, /* a keepalive */
		{{4}, 31, WG_NONE},
		{{4}, 33, WG_DATA},
		{{4}, 200, WG_DATA},
		{{4, 0, 0, 0x80}, 200, WG_NONE},
		{{0}, 148, WG_NONE},
		{{5}, 148, WG_NONE},
		{{1}, 3, WG_NONE},
		{{1}, 0, WG_NONE},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		uint8_t payload[201] = {0};
		memcpy(payload + 1, rows[i].head, 4); /* at an odd address, as in a packet */
		assert_int_equal(wg_type_of(payload + 1, rows[i].n_bytes), rows[i].type);
	}
	for (enum wg_type t = WG_NONE; t <= WG_DATA; t++)
		assert_non_null(wg_type_name(t));
}

static void
layout(void **state)
{
	assert_int_equal(offsetof(struct wg_initiation, ephemeral), 8);
	assert_int_equal(offsetof(struct wg_initiation, sealed_static), 40);
	assert_int_equal(offsetof(struct wg_initiation, sealed_tai64n), 88);
	assert_int_equal(offsetof(struct wg_initiation, macs), 116);
	assert_int_equal(offsetof(struct wg_response, ephemeral), 12);
	assert_int_equal(offsetof(struct wg_response, sealed_nothing), 44);
	assert_int_equal(offsetof(struct wg_response, macs), 60);
	assert_int_equal(offsetof(struct wg_cookie, nonce), 8);
	assert_int_equal(offsetof(struct wg_cookie, sealed_cookie), 32);
	assert_int_equal(offsetof(struct wg_data, counter), 8);
}

static void
padding(void **state)
{
	static const struct {
		size_t n_bytes, mtu_bytes, padded;
	} rows[] = {
		{0, 1420, 0},
		{1, 1420, 16},
		{16, 1420, 16},
		{17, 1420, 32},
		{1408, 1420, 1408},
		{1409, 1420, 1420}, /* not past the MTU */
		{1420, 1420, 1420},
		{1421, 1420, 1436}, /* one byte in the second piece */
		{2840, 1420, 2840},
		{2839, 1420, 2840},
		{17, 0, 32},
		{1409, 0, 1424},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
		assert_int_equal(
			wg_padded_bytes(rows[i].n_bytes, rows[i].mtu_bytes), rows[i].padded);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types),
		cmocka_unit_test(layout),
		cmocka_unit_test(padding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
