/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys from their texts: what is no key, in each way it can be none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/key.h"

#define GOOD "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void
a_key_comes_back_as_it_was(void **state)
{
	struct key k, k2;
	char base64[KEY_BASE64_BYTES], hex[KEY_HEX_BYTES];
	assert_int_equal(key_from_base64(&k, GOOD), 0);
	for (unsigned i = 0; i < KEY_BYTES; i++)
		assert_int_equal(k.bytes[i], i);
	key_to_base64(&k, base64);
	assert_string_equal(base64, GOOD);
	assert_int_equal(key_from_hex(&k2, HEX), 0);
	assert_true(key_is_equal(&k, &k2));
	key_to_hex(&k2, hex);
	assert_string_equal(hex, HEX);
}

static void
what_is_no_key_is_refused(void **state)
{
	static const char *const base64[] = {
		"",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",   /* no padding */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8==", /* too long */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=",  /* bits past the last byte */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n",
		"AAECAwQFBgcICQoLDA0ODxAREhM-_RYXGBkaGxwdHh8=",  /* the other alphabet */
		"AAECAwQFBgcICQoLDA0ODxAREhM\253\271\255\246XGBkaGxwdHh8=",
	};
	static const char *const hex[] = {
		"",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0",
		"g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		"\26000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	};
	struct key k;
	for (size_t i = 0; i < ARRAY_COUNT(base64); i++)
		assert_int_equal(key_from_base64(&k, base64[i]), -EINVAL);
	for (size_t i = 0; i < ARRAY_COUNT(hex); i++)
		assert_int_equal(key_from_hex(&k, hex[i]), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_comes_back_as_it_was),
		cmocka_unit_test(what_is_no_key_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
