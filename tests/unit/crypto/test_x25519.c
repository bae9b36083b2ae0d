/* SPDX-License-Identifier: BSD-3-Clause */
/* X25519 against RFC 7748 and Wycheproof. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/init.h"
#include "crypto/x25519.h"
#include "unit/crypto/hex.h"

struct row {
	unsigned id;
	const char *private_key, *public_key, *shared;
};
static const struct row wycheproof[] = {
#include "vectors/wycheproof_x25519.inc"
};
static const struct row rfc7748[] = {
#include "vectors/rfc7748.inc"
};

static void
check_row(const struct row *row)
{
	uint8_t private_key[32], public_key[32], want[32], got[32];

	hex_parse_exact(private_key, 32, row->private_key);
	hex_parse_exact(public_key, 32, row->public_key);
	hex_parse_exact(want, 32, row->shared);
	memset(got, 0xaa, sizeof(got));
	int r = x25519_shared(got, private_key, public_key);
	if (r != (secret_is_zero(want, 32) ? -EKEYREJECTED : 0) || memcmp(got, want, 32) != 0)
		fail_msg("case %u: returned %d", row->id, r);
}

static void
rfc7748_vectors(void **state)
{
	for (unsigned i = 0; i < ARRAY_COUNT(rfc7748); i++)
		check_row(&rfc7748[i]);
}

static void
wycheproof_all_cases(void **state)
{
	unsigned n_refused = 0;

	assert_int_equal(ARRAY_COUNT(wycheproof), 518);
	for (unsigned i = 0; i < ARRAY_COUNT(wycheproof); i++) {
		check_row(&wycheproof[i]);
		n_refused += strspn(wycheproof[i].shared, "0") == 64;
	}
	assert_in_range(n_refused, 1, 100); /* the table does hold points of small order */
}

/* RFC 7748 section 5.2: k and u start as the base point; k' = k * u, u' = k. */
static void
rfc7748_iterated(void **state)
{
	uint8_t k[32] = {9}, u[32] = {9}, product[32], want[32];

	for (unsigned i = 1; i <= 1000; i++) {
		assert_int_equal(x25519_shared(product, k, u), 0);
		memcpy(u, k, 32);
		memcpy(k, product, 32);
		if (i == 1) {
			hex_parse_exact(want, 32,
				"422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
			assert_memory_equal(k, want, 32);
		}
	}
	hex_parse_exact(
		want, 32, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
	assert_memory_equal(k, want, 32);
}

/* RFC 7748 section 6.1. */
static void
public_keys_match(void **state)
{
	uint8_t private_key[32], want[32], got[32];

	hex_parse_exact(private_key, 32,
		"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
	hex_parse_exact(
		want, 32, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
	x25519_public(got, private_key);
	assert_memory_equal(got, want, 32);
	hex_parse_exact(private_key, 32,
		"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
	hex_parse_exact(
		want, 32, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
	x25519_public(got, private_key);
	assert_memory_equal(got, want, 32);
}

static void
fresh_keys_are_clamped_and_differ(void **state)
{
	uint8_t a[32], b[32], again[32], ab[32], ba[32], pa[32], pb[32];

	x25519_keygen(a);
	x25519_keygen(b);
	assert_memory_not_equal(a, b, 32);
	memcpy(again, a, 32);
	x25519_clamp(again);
	assert_memory_equal(a, again, 32);
	assert_int_equal(a[0] & 7, 0);
	assert_int_equal(a[31] & 0xc0, 0x40);
	x25519_public(pa, a);
	x25519_public(pb, b);
	assert_int_equal(x25519_shared(ab, a, pb), 0);
	assert_int_equal(x25519_shared(ba, b, pa), 0);
	assert_memory_equal(ab, ba, 32);
}

static int
set_up(void **state)
{
	return crypto_init(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc7748_vectors),
		cmocka_unit_test(rfc7748_iterated),
		cmocka_unit_test(public_keys_match),
		cmocka_unit_test(wycheproof_all_cases),
		cmocka_unit_test(fresh_keys_are_clamped_and_differ),
	};
	return cmocka_run_group_tests_name("x25519", tests, set_up, NULL);
}
