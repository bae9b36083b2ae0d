/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ts2021: a handshake of fixed keys, made by an independent implementation, byte for byte; records
 * in both directions; and everything that is to be refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium/utils.h>

#include "base/bytes.h"
#include "noise/ts2021.h"

#define SERVER_PUBLIC "07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c"
#define MACHINE_PRIVATE "2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40"
#define EPHEMERAL_PRIVATE "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60"
#define INITIATION                                                                                 \
	"008a01006064b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d484660806c371c2f5b8" \
	"9e49d5c606b01d6586a9712bf580bcfb3a6c2d1d66cc5a95918b3a1073772b991f4bd6fb128c061b4706c2ca" \
	"f09e17ba3cdc2ffb6f40e896f5"
#define RESPONSE                                                                                   \
	"020030244fe3b963e899dd295baffce248d3530f3a9a7479ba063002680ebfe7adad49fb7ecfc421d1c938e4" \
	"5f76c9800e4cf0"

static size_t
unhex(const char *hex, uint8_t *out, size_t room)
{
	size_t n;
	assert_int_equal(sodium_hex2bin(out, room, hex, strlen(hex), NULL, &n, NULL), 0);
	return n;
}

static struct key
key_of(const char *hex)
{
	struct key k;
	assert_int_equal(key_from_hex(&k, hex), 0);
	return k;
}

static struct ts2021_handshake
begin(uint8_t initiation[TS2021_INITIATION_BYTES])
{
	const struct ts2021_identity who = {138, key_of(SERVER_PUBLIC), key_of(MACHINE_PRIVATE)};
	struct key ephemeral = key_of(EPHEMERAL_PRIVATE);
	struct ts2021_handshake h;
	assert_true(ts2021_initiate(&h, &who, &ephemeral, initiation));
	return h;
}

static void
shake(struct ts2021_way *send, struct ts2021_way *receive)
{
	uint8_t initiation[TS2021_INITIATION_BYTES], response[TS2021_RESPONSE_BYTES];
	struct ts2021_handshake h = begin(initiation);
	unhex(RESPONSE, response, sizeof(response));
	assert_true(ts2021_finish(&h, response, send, receive));
}

static void
handshake(void **state)
{
	uint8_t initiation[TS2021_INITIATION_BYTES], expected[TS2021_INITIATION_BYTES];
	struct ts2021_way send, receive;
	begin(initiation);
	assert_int_equal(unhex(INITIATION, expected, sizeof(expected)), sizeof(expected));
	assert_memory_equal(initiation, expected, sizeof(expected));
	shake(&send, &receive);
	struct key k1 = key_of("d5e58dae60ff25cc337ac1ea707d6c02dd1de177f8bc6d566627fc383ac00af8");
	struct key k2 = key_of("6efd2cd4516d87a0827fbc5863fa03c5d58eafd0da54497d5190362fe50b0f6f");
	assert_memory_equal(send.key, k1.bytes, KEY_BYTES);
	assert_memory_equal(receive.key, k2.bytes, KEY_BYTES);
}

/* Any bit of the response that is another one fails it. */
static void
altered_response(void **state)
{
	uint8_t initiation[TS2021_INITIATION_BYTES], response[TS2021_RESPONSE_BYTES];
	struct ts2021_way send, receive;
	for (size_t i = 0; i < TS2021_RESPONSE_BYTES; i++) {
		struct ts2021_handshake h = begin(initiation);
		unhex(RESPONSE, response, sizeof(response));
		response[i] ^= 1;
		assert_false(ts2021_finish(&h, response, &send, &receive));
	}
}

static void
weak_server(void **state)
{
	struct ts2021_identity who = {138, {{0}}, key_of(MACHINE_PRIVATE)};
	struct key ephemeral = key_of(EPHEMERAL_PRIVATE);
	uint8_t initiation[TS2021_INITIATION_BYTES];
	struct ts2021_handshake h;
	assert_false(ts2021_initiate(&h, &who, &ephemeral, initiation));
}

static void
records(void **state)
{
	static const struct {
		const char *plain, *record;
	} sent[] = {
		{"505249202a20485454502f322e300d0a0d0a534d0d0a0d0a",
			"0400288b2e0c876dbab1a674906e8272135e34de154776d5d522b2c9c11610e77b6f7c6f"
			"4d0bf3d767307f"},
		{"000000040000000000",
			"040019906d4a77ebee6bed6a38a8f4479c041f55e8c4a57ef8555e1b"},
	}, received[] = {
		{"ffffff545300000002", "040019946cea560ed458b7060e6bc3c4698d2b8c52511f923e010794"},
		{"7b7d", "040012bfeab7bea988a309c0568cb463dfa52aaa54"},
	};
	uint8_t plain[64], record[96], out[128];
	struct ts2021_way send, receive;
	shake(&send, &receive);
	for (size_t i = 0; i < ARRAY_COUNT(sent); i++) {
		size_t n_plain = unhex(sent[i].plain, plain, sizeof(plain));
		size_t n = unhex(sent[i].record, record, sizeof(record));
		assert_int_equal(ts2021_seal_record(&send, plain, n_plain, out), n);
		assert_memory_equal(out, record, n);
	}
	for (size_t i = 0; i < ARRAY_COUNT(received); i++) {
		size_t n_plain = unhex(received[i].plain, plain, sizeof(plain));
		size_t n = unhex(received[i].record, record, sizeof(record));
		assert_int_equal(ts2021_sealed_bytes(record), n - TS2021_HEADER_BYTES);
		assert_int_equal(ts2021_open_record(&receive, record + TS2021_HEADER_BYTES,
			n - TS2021_HEADER_BYTES, out), n_plain);
		assert_memory_equal(out, plain, n_plain);
	}
	/* The same once more is a replay. */
	assert_int_equal(ts2021_open_record(&receive, record + TS2021_HEADER_BYTES, 18, out),
		-EBADMSG);
}

static void
lengths(void **state)
{
	static const struct {
		uint8_t header[3];
		int expected;
	} table[] = {
		{{4, 0, 16}, 16},
		{{4, 0, 15}, -EBADMSG},
		{{4, 0x0f, 0xfd}, 4093},
		{{4, 0x0f, 0xfe}, -EBADMSG},
		{{4, 0xff, 0xff}, -EBADMSG},
		{{2, 0, 48}, -EBADMSG},
		{{3, 0, 48}, -EBADMSG},
	};
	static uint8_t plain[TS2021_MAX_PLAIN_BYTES + 1], out[sizeof(plain) + 32];
	struct ts2021_way way = {{1}, 0};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++)
		assert_int_equal(ts2021_sealed_bytes(table[i].header), table[i].expected);
	assert_int_equal(ts2021_seal_record(&way, plain, TS2021_MAX_PLAIN_BYTES, out), 4096);
	assert_int_equal(ts2021_seal_record(&way, plain, TS2021_MAX_PLAIN_BYTES + 1, out), 0);
	way.counter = UINT64_MAX;
	assert_int_equal(ts2021_seal_record(&way, plain, 1, out), 0);
	assert_int_equal(ts2021_open_record(&way, out, 40, plain), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshake),
		cmocka_unit_test(altered_response),
		cmocka_unit_test(weak_server),
		cmocka_unit_test(records),
		cmocka_unit_test(lengths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
