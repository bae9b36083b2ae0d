/* SPDX-License-Identifier: BSD-3-Clause */
/* The STUN request byte for byte, and responses: what each says, or that it says nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "reach/stun.h"
#include "unit/crypto/hex.h"

#define TXID "000102030405060708090a0b"
#define HEAD(length) "0101" length "2112a442" TXID
#define RFC_HEAD(length) "0101" length "2112a442b7e7a701bc34d686fa87dfae"

static void
request(void **state)
{
	struct stun_txid txid;
	uint8_t want[STUN_REQUEST_BYTES], got[STUN_REQUEST_BYTES];

	hex_parse_exact(txid.bytes, sizeof(txid.bytes), TXID);
	hex_parse_exact(want, sizeof(want),
		"000100142112a442" TXID "802200087461696c6e6f6465802800048aabad90");
	stun_request(got, &txid);
	assert_memory_equal(got, want, sizeof(want));
	assert_false(stun_is_response(got, sizeof(got)));
}

static const struct {
	const char *hex;
	const char *endpoint; /* NULL: it says nothing */
} responses[] = {
	/* RFC 5769, sections 2.2 and 2.3. */
	{RFC_HEAD("003c") "8022000b7465737420766563746f7220" "002000080001a147e112a643"
		"000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7" "80280004c07d4c96",
		"192.0.2.1:32853"},
	{RFC_HEAD("0048") "8022000b7465737420766563746f7220"
		"002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
		"00080014a382954e4be67bf11784c97c8292c275bfe3ed41" "80280004c8fb0b4c",
		"[2001:db8:1234:5678:11:2233:4455:6677]:32853"},
	/* IPv4 as family 2, as headscale and derper write it: unmapped. */
	{HEAD("0018") "002000140002a147" "2112a442" "00010203" "0405f9f8" "c809080a",
		"192.0.2.1:32853"},
	{HEAD("000c") "802000080001a147e112a643", "192.0.2.1:32853"}, /* a draft's number */
	{HEAD("000c") "000100080001" "8055" "c0000201", "192.0.2.1:32853"}, /* not XORed */
	/* The XORed one counts, whichever comes first. */
	{HEAD("0018") "00010008000100010a000001" "002000080001a147e112a643", "192.0.2.1:32853"},
	{HEAD("0018") "002000080001a147e112a643" "00010008000100010a000001", "192.0.2.1:32853"},
	/* Bytes after the attributes are not looked at; the last padding may be missing. */
	{HEAD("000c") "002000080001a147e112a643" "ffffffff", "192.0.2.1:32853"},
	{HEAD("0011") "002000080001a147e112a643" "8022000178", "192.0.2.1:32853"},
	{HEAD("0000"), NULL},
	{HEAD("000c") "002000080003a147e112a643", NULL},          /* no such family */
	{HEAD("000b") "002000070001a147e112a6", NULL},            /* an address of 3 bytes */
	{HEAD("000c") "002000080002a147e112a643", NULL},          /* IPv6 of 4 bytes */
	{HEAD("0004") "00200000", NULL},
	{HEAD("000c") "002000090001a147e112a643", NULL},          /* longer than there is */
	{HEAD("000f") "002000080001a147e112a643" "802200", NULL}, /* half an attribute's header */
	{HEAD("0010") "002000080001a147e112a643" "80220004", NULL},
	{HEAD("0010") "002000080001a147e112a643", NULL},          /* the header says more */
};

static void
answers(void **state)
{
	for (unsigned i = 0; i < ARRAY_COUNT(responses); i++) {
		uint8_t room[128];
		char text[ENDPOINT_TEXT_BYTES];
		size_t n = hex_parse(room, sizeof(room), responses[i].hex);
		uint8_t *bytes = malloc(n);
		struct stun_txid txid;
		struct endpoint e;
		memcpy(bytes, room, n);
		assert_true(stun_is_response(bytes, n));
		int r = stun_parse(bytes, n, &txid, &e);
		assert_memory_equal(txid.bytes, bytes + 8, sizeof(txid.bytes));
		if (r != (responses[i].endpoint ? 0 : -EPROTO))
			fail_msg("row %u: returned %d", i, r);
		if (r == 0)
			assert_string_equal(endpoint_format(&e, text), responses[i].endpoint);
		free(bytes);
	}
}

/* Cut anywhere, a response says nothing, and nothing past its end is read. */
static void
cut(void **state)
{
	uint8_t room[128];
	size_t n_whole = hex_parse(room, sizeof(room), responses[0].hex);

	for (size_t n = 0; n < n_whole; n++) {
		uint8_t *bytes = malloc(n + !n);
		struct stun_txid txid;
		struct endpoint e;
		memcpy(bytes, room, n);
		assert_int_equal(stun_is_response(bytes, n), n >= STUN_HEADER_BYTES);
		if (n >= STUN_HEADER_BYTES)
			assert_int_equal(stun_parse(bytes, n, &txid, &e), -EPROTO);
		free(bytes);
	}
}

static void
what_is_none(void **state)
{
	static const struct {
		unsigned at;
		uint8_t value;
	} rows[] = {{0, 0}, {0, 0x81}, {1, 0}, {1, 0x11}, {4, 0}, {7, 0x43}};
	uint8_t good[64], bytes[64];
	size_t n = hex_parse(good, sizeof(good), HEAD("000c") "002000080001a147e112a643");

	assert_true(stun_is_response(good, n));
	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		memcpy(bytes, good, n);
		bytes[rows[i].at] = rows[i].value;
		assert_false(stun_is_response(bytes, n));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request),
		cmocka_unit_test(answers),
		cmocka_unit_test(cut),
		cmocka_unit_test(what_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
