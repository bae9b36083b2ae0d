/* SPDX-License-Identifier: BSD-3-Clause */
/* BLAKE2s, its Mac, its HMAC and WireGuard's key derivation against known answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "crypto/blake2s.h"
#include "unit/crypto/hex.h"

static const struct {
	const char *plain;
	const char *keyed;
} kat[] = {
#include "vectors/blake2s_kat.inc"
};

static const struct {
	unsigned key_bytes, out_bytes, data_bytes;
	const char *out;
} macs[] = {
#include "vectors/blake2s_mac.inc"
};

static const struct {
	unsigned key_bytes, data_bytes;
	const char *out;
} hmacs[] = {
#include "vectors/blake2s_hmac.inc"
};

static const struct {
	const char *chain_key, *input, *t[3];
} kdfs[] = {
#include "vectors/wireguard_kdf.inc"
};

static void
assert_hex(const uint8_t *got, const char *want)
{
	uint8_t bytes[64];
	size_t n = hex_parse(bytes, sizeof(bytes), want);

	assert_memory_equal(got, bytes, n);
}

static void
hashes_match_the_reference(void **state)
{
	uint8_t data[256], out[32];

	assert_int_equal(ARRAY_COUNT(kat), 256);
	for (unsigned i = 0; i < ARRAY_COUNT(kat); i++) {
		data[i] = (uint8_t)i;
		blake2s_hash(out, data, i);
		assert_hex(out, kat[i].plain);
		uint8_t key[32];
		for (unsigned k = 0; k < sizeof(key); k++)
			key[k] = (uint8_t)k;
		blake2s_mac(out, 32, (struct blake2s_key){key, 32}, data, i);
		assert_hex(out, kat[i].keyed);
	}
}

static void
a_stream_may_be_fed_in_any_pieces(void **state)
{
	uint8_t data[255], out[32];
	struct blake2s_stream s;

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	for (unsigned piece = 1; piece <= 130; piece++) {
		blake2s_stream_init(&s, 32, NULL, 0);
		for (unsigned at = 0; at < sizeof(data); at += piece)
			blake2s_stream_update(&s, data + at, MIN_OF(piece, sizeof(data) - at));
		blake2s_stream_final(&s, out);
		assert_hex(out, kat[255].plain);
	}
	blake2s_hash2(out, data, data + 32, 100 - 32);
	assert_hex(out, kat[100].plain);
}

static void
fill(uint8_t *key, uint8_t *data)
{
	for (unsigned i = 0; i < 100; i++)
		key[i] = (uint8_t)(0xf0 - i);
	for (unsigned i = 0; i < 200; i++)
		data[i] = (uint8_t)(7 * i + 3);
}

static void
macs_match(void **state)
{
	uint8_t key[100], data[200];

	fill(key, data);
	for (unsigned i = 0; i < ARRAY_COUNT(macs); i++) {
		uint8_t out[33];
		memset(out, 0xaa, sizeof(out));
		blake2s_mac(out, macs[i].out_bytes, (struct blake2s_key){key, macs[i].key_bytes},
			data, macs[i].data_bytes);
		assert_hex(out, macs[i].out);
		assert_int_equal(out[macs[i].out_bytes], 0xaa); /* and not a byte more */
	}
}

static void
hmacs_match(void **state)
{
	uint8_t key[100], data[200], out[32];

	fill(key, data);
	for (unsigned i = 0; i < ARRAY_COUNT(hmacs); i++) {
		blake2s_hmac(out, key, hmacs[i].key_bytes, data, hmacs[i].data_bytes);
		assert_hex(out, hmacs[i].out);
	}
}

static void
kdfs_match(void **state)
{
	for (unsigned i = 0; i < ARRAY_COUNT(kdfs); i++) {
		uint8_t ck[32], input[64], t[3][32];

		hex_parse_exact(ck, 32, kdfs[i].chain_key);
		size_t n = hex_parse(input, sizeof(input), kdfs[i].input);
		kdf1(t[0], ck, input, n);
		assert_hex(t[0], kdfs[i].t[0]);
		kdf2(t[0], t[1], ck, input, n);
		assert_hex(t[0], kdfs[i].t[0]);
		assert_hex(t[1], kdfs[i].t[1]);
		if (n != 32)
			continue;
		kdf3(t[0], t[1], t[2], ck, input);
		for (unsigned k = 0; k < 3; k++)
			assert_hex(t[k], kdfs[i].t[k]);
	}
}

/* The handshake writes the new chain key over the old one. */
static void
outputs_may_replace_inputs(void **state)
{
	const unsigned row = ARRAY_COUNT(kdfs) - 1;
	uint8_t ck[32], input[32], t3[32];

	hex_parse_exact(ck, 32, kdfs[row].chain_key);
	hex_parse_exact(input, 32, kdfs[row].input);
	kdf3(ck, input, t3, ck, input);
	assert_hex(ck, kdfs[row].t[0]);
	assert_hex(input, kdfs[row].t[1]);
	assert_hex(t3, kdfs[row].t[2]);
	hex_parse_exact(ck, 32, kdfs[row].chain_key);
	hex_parse_exact(input, 32, kdfs[row].input);
	kdf1(ck, ck, input, 32);
	assert_hex(ck, kdfs[row].t[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_match_the_reference),
		cmocka_unit_test(a_stream_may_be_fed_in_any_pieces),
		cmocka_unit_test(macs_match),
		cmocka_unit_test(hmacs_match),
		cmocka_unit_test(kdfs_match),
		cmocka_unit_test(outputs_may_replace_inputs),
	};
	return cmocka_run_group_tests_name("blake2s", tests, NULL, NULL);
}
