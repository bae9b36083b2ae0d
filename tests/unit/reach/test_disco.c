/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Disco packets byte for byte as stock nodes make them, what is refused at every length, and what
 * a plaintext may hold.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "reach/disco.h"
#include "reach/mapped.h"
#include "unit/crypto/hex.h"

#define A_PRIVATE "8082838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f60"
#define A_PUBLIC "883186b800b41d5cf0429695da9b3cc4f328ebcd184a6e482fa578c103f06c77"
#define B_PRIVATE "a0a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf40"
#define B_PUBLIC "ad438bfae31f6c093d61d4339255ea798092c9fadd07b97827f4b0ae9dee7c1c"
#define NONCE "000102030405060708090a0b0c0d0e0f1011121314151617"
#define TXID "e1e2e3e4e5e6e7e8e9eaebec"
#define NODE_KEY "c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0"
#define PING                                                                                       \
	"5453f09f92ac" A_PUBLIC NONCE                                                              \
	"951d79a4af8a618b65466e7202e073b0977616dada5a6e7a5b643ec0c17b87b0a7d58e6c12584aa847b1"     \
	"adcdf4cd356fa470882dbd8c2269fee072278f3e"
#define PONG                                                                                       \
	"5453f09f92ac" B_PUBLIC NONCE                                                              \
	"ebda746c5aff9f4179595b1aa4ae9fa6947616dada5a6e7a5b643ec0c17b467264114baad59083627382"     \
	"a003391a4614"

static struct key
key_of(const char *hex)
{
	struct key k;
	assert_int_equal(key_from_hex(&k, hex), 0);
	return k;
}

static struct disco_box
box_of(const char *private_hex, const char *public_hex)
{
	struct key private_key = key_of(private_hex), public_key = key_of(public_hex);
	struct disco_box box;
	assert_int_equal(disco_box_init(&box, &private_key, &public_key), 0);
	return box;
}

static struct disco_message
ping(void)
{
	struct disco_message m = {
		.type = DISCO_PING, .has_node_key = true, .node_key = key_of(NODE_KEY)};
	hex_parse_exact(m.txid.bytes, sizeof(m.txid.bytes), TXID);
	return m;
}

static struct disco_message
pong(void)
{
	struct disco_message m = {.type = DISCO_PONG};
	hex_parse_exact(m.txid.bytes, sizeof(m.txid.bytes), TXID);
	assert_int_equal(endpoint_parse("192.0.2.7:41641", &m.observed), 0);
	return m;
}

static size_t
seal(uint8_t out[DISCO_SEALED_BYTES], const struct disco_box *box, const char *our_public,
	const struct disco_message *m)
{
	struct key k = key_of(our_public);
	uint8_t nonce[DISCO_NONCE_BYTES];
	hex_parse_exact(nonce, sizeof(nonce), NONCE);
	return disco_seal(out, box, &k, nonce, m);
}

/* Both directions of both messages; either end's box is the same. */
static void
vectors(void **state)
{
	struct disco_box a = box_of(A_PRIVATE, B_PUBLIC), b = box_of(B_PRIVATE, A_PUBLIC);
	struct disco_message m = ping(), got;
	uint8_t want[DISCO_SEALED_BYTES], out[DISCO_SEALED_BYTES];
	struct key k;

	assert_memory_equal(a.shared, b.shared, sizeof(a.shared));
	size_t n = hex_parse(want, sizeof(want), PING);
	assert_int_equal(n, DISCO_PING_BYTES);
	assert_int_equal(seal(out, &a, A_PUBLIC, &m), n);
	assert_memory_equal(out, want, n);
	assert_true(disco_is_packet(want, n));
	k = disco_sender(want);
	assert_true(key_is_equal(&k, &(struct key[]){key_of(A_PUBLIC)}[0]));
	assert_int_equal(disco_open(&b, want, n, &got), 0);
	assert_int_equal(got.type, DISCO_PING);
	assert_true(got.has_node_key && key_is_equal(&got.node_key, &m.node_key));
	assert_true(disco_txid_is_equal(&got.txid, &m.txid));

	m = pong();
	n = hex_parse(want, sizeof(want), PONG);
	assert_int_equal(n, DISCO_PONG_BYTES);
	assert_int_equal(seal(out, &b, B_PUBLIC, &m), n);
	assert_memory_equal(out, want, n);
	assert_int_equal(disco_open(&a, want, n, &got), 0);
	assert_int_equal(got.type, DISCO_PONG);
	assert_true(endpoint_is_equal(&got.observed, &m.observed));
	assert_true(disco_txid_is_equal(&got.txid, &m.txid));
}

/* Every length short of the packet, each in memory of its own, and every byte turned. */
static void
damaged(void **state)
{
	struct disco_box b = box_of(B_PRIVATE, A_PUBLIC);
	uint8_t packet[DISCO_PING_BYTES];
	struct disco_message got;

	hex_parse_exact(packet, sizeof(packet), PING);
	for (size_t n = 0; n < sizeof(packet); n++) {
		uint8_t *copy = malloc(n + !n);
		memcpy(copy, packet, n);
		assert_int_equal(disco_is_packet(copy, n), n >= DISCO_HEADER_BYTES);
		assert_int_equal(disco_open(&b, copy, n, &got), -EBADMSG);
		free(copy);
	}
	for (size_t i = 0; i < sizeof(packet); i++) {
		packet[i] ^= 0x40;
		if (i < DISCO_MAGIC_BYTES)
			assert_false(disco_is_packet(packet, sizeof(packet)));
		else if (i >= DISCO_MAGIC_BYTES + KEY_BYTES) /* the key chooses the box */
			assert_int_equal(
				disco_open(&b, packet, sizeof(packet), &got), -EBADMSG);
		packet[i] ^= 0x40;
	}
	assert_int_equal(disco_open(&b, packet, sizeof(packet), &got), 0);
	uint8_t *huge = calloc(1, DISCO_MAX_BYTES + 1);
	assert_int_equal(disco_open(&b, huge, DISCO_MAX_BYTES + 1, &got), -EMSGSIZE);
	free(huge);
	disco_box_wipe(&b);
	assert_true(secret_is_zero(&b, sizeof(b)));
	assert_int_equal(disco_open(&b, packet, sizeof(packet), &got), -EBADMSG);
}

static void
weak_keys(void **state)
{
	struct key zero = {{0}}, one = {{1}}, private_key = key_of(A_PRIVATE);
	struct disco_box box;

	memset(&box, 0xaa, sizeof(box));
	assert_int_equal(disco_box_init(&box, &private_key, &zero), -EKEYREJECTED);
	assert_true(secret_is_zero(&box, sizeof(box)));
	assert_int_equal(disco_box_init(&box, &private_key, &one), -EKEYREJECTED);
}

static void
only_ours_are_sealed(void **state)
{
	struct disco_box a = box_of(A_PRIVATE, B_PUBLIC);
	struct disco_message m = ping();
	uint8_t out[DISCO_SEALED_BYTES];

	m.has_node_key = false;
	assert_int_equal(seal(out, &a, A_PUBLIC, &m), DISCO_PING_BYTES - KEY_BYTES);
	m.type = DISCO_CALL_ME_MAYBE;
	assert_int_equal(seal(out, &a, A_PUBLIC, &m), 0);
	m.type = DISCO_OTHER;
	assert_int_equal(seal(out, &a, A_PUBLIC, &m), 0);
}

#define ADDR_MAPPED "00000000000000000000ffffc0000207"
#define ADDR_V6_TEXT "20010db8000000000000000000000001"

/* Plaintexts: what they are taken for. */
static void
plaintexts(void **state)
{
	static const struct {
		const char *hex;
		int result;
		enum disco_type type;
		bool has_node_key;
		unsigned n_endpoints;
	} rows[] = {
		{"", -EPROTO},
		{"01", -EPROTO},
		{"0100", -EPROTO, DISCO_PING},
		{"0100e1e2e3e4e5e6e7e8e9eaeb", -EPROTO, DISCO_PING},      /* 11 bytes of TxID */
		{"0100" TXID, 0, DISCO_PING},                             /* an old sender */
		{"0100" TXID "c1c2", 0, DISCO_PING},         /* half a key is padding */
		{"0100" TXID NODE_KEY, 0, DISCO_PING, true},
		{"0100" TXID NODE_KEY "000000", 0, DISCO_PING, true},     /* padded */
		{"0101" TXID NODE_KEY, 0, DISCO_OTHER},                   /* of another version */
		{"0200" TXID, -EPROTO, DISCO_PONG},
		{"0200" TXID ADDR_MAPPED "a2", -EPROTO, DISCO_PONG},
		{"0200" TXID ADDR_MAPPED "a2a9", 0, DISCO_PONG},
		{"0200" TXID ADDR_MAPPED "a2a9ffff", 0, DISCO_PONG},
		{"0300", 0, DISCO_CALL_ME_MAYBE},
		{"0300" ADDR_MAPPED "a2a9", 0, DISCO_CALL_ME_MAYBE, false, 1},
		{"0300" ADDR_MAPPED "a2a9" ADDR_V6_TEXT "0001", 0, DISCO_CALL_ME_MAYBE,
			false, 2},
		{"0300" ADDR_MAPPED "a2a9" ADDR_V6_TEXT "a2", 0, DISCO_CALL_ME_MAYBE},
		{"0400", 0, DISCO_OTHER},                                 /* relays between peers */
		{"0700" NODE_KEY NODE_KEY, 0, DISCO_OTHER},
		{"0000", 0, DISCO_OTHER},
		{"ff00", 0, DISCO_OTHER},
	};
	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		uint8_t room[128];
		size_t n = hex_parse(room, sizeof(room), rows[i].hex);
		uint8_t *plain = malloc(n + !n);
		struct disco_message m;
		memcpy(plain, room, n);
		if (disco_parse(plain, n, &m) != rows[i].result)
			fail_msg("row %u: another result", i);
		if (rows[i].result == 0 && (m.type != rows[i].type ||
			m.has_node_key != rows[i].has_node_key ||
			m.n_endpoints != rows[i].n_endpoints))
			fail_msg("row %u: type %d, %u endpoints", i, m.type, m.n_endpoints);
		free(plain);
	}
}

/* More endpoints than there is room for are left out; the first stay. */
static void
many_endpoints(void **state)
{
	enum { N = DISCO_MAX_ENDPOINTS + 20 };
	uint8_t plain[2 + N * MAPPED_ENDPOINT_BYTES] = {DISCO_CALL_ME_MAYBE};
	struct disco_message m;

	for (uint16_t i = 0; i < N; i++) {
		struct endpoint e = {.addr = addr_from_v4(0xc0000200u + i), .port = 1000 + i};
		mapped_from_endpoint(plain + 2 + i * MAPPED_ENDPOINT_BYTES, &e);
	}
	assert_int_equal(disco_parse(plain, sizeof(plain), &m), 0);
	assert_int_equal(m.n_endpoints, DISCO_MAX_ENDPOINTS);
	for (uint16_t i = 0; i < m.n_endpoints; i++) {
		assert_int_equal(m.endpoints[i].port, 1000 + i);
		assert_int_equal(m.endpoints[i].addr.bytes[3], i);
		assert_int_equal(m.endpoints[i].addr.family, ADDR_V4);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(damaged),
		cmocka_unit_test(weak_keys),
		cmocka_unit_test(only_ours_are_sealed),
		cmocka_unit_test(plaintexts),
		cmocka_unit_test(many_endpoints),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
