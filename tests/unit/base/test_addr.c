/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses, prefixes, endpoints and keys: each text that is right, beside those that are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/key.h"

static void
prefixes(void **state)
{
	static const struct {
		const char *text, *masked; /* masked NULL: refused */
	} rows[] = {
		{"10.1.2.3/8", "10.0.0.0/8"},
		{"10.1.2.3", "10.1.2.3/32"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"2001:db8::1/33", "2001:db8::/33"},
		{"::1", "::1/128"},
		{"10.1.2.3/33", NULL},
		{"::/129", NULL},
		{"10.1.2.3/", NULL},
		{"10.1.2.3/-1", NULL},
		{"10.1.2/8", NULL},
		{"", NULL},
		{"10.0.0.0/8 ", NULL},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct prefix p;
		char text[PREFIX_TEXT_BYTES];
		int rc = prefix_parse(rows[i].text, &p);
		assert_int_equal(rc == 0, rows[i].masked != NULL);
		if (rc)
			continue;
		p = prefix_masked(&p);
		assert_string_equal(prefix_format(&p, text), rows[i].masked);
	}
}

static void
prefix_holds_address(void **state)
{
	struct prefix p;
	struct addr in, out, other;
	prefix_parse("172.16.0.0/12", &p);
	addr_parse("172.31.255.255", &in);
	addr_parse("172.32.0.0", &out);
	addr_parse("::ac10:1", &other);
	assert_true(prefix_has(&p, &in));
	assert_false(prefix_has(&p, &out));
	assert_false(prefix_has(&p, &other));
}

static void
endpoints(void **state)
{
	static const char *good[] = {"192.0.2.1:51820", "[2001:db8::1]:1", "192.0.2.1:0"};
	static const char *bad[] = {"192.0.2.1", "192.0.2.1:65536", "2001:db8::1:51820",
		"[192.0.2.1]:1", "host:1", ":1", "[]:1", "192.0.2.1:+1", "192.0.2.1:",
		"192.0.2.1%lo:1"};
	for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
		struct endpoint e, again;
		char text[ENDPOINT_TEXT_BYTES];
		assert_int_equal(endpoint_parse(good[i], &e), 0);
		assert_string_equal(endpoint_format(&e, text), good[i]);
		struct sockaddr_storage sa;
		endpoint_to_sockaddr(&e, &sa);
		assert_int_equal(endpoint_from_sockaddr((struct sockaddr *)&sa, &again), 0);
		assert_true(endpoint_is_equal(&e, &again));
	}
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		struct endpoint e;
		assert_int_not_equal(endpoint_parse(bad[i], &e), 0);
	}
}

static void
keys(void **state)
{
	static const char good[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
	static const char *bad[] = {"", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8==",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", /* not canonical */
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh !"};
	struct key k;
	char text[KEY_BASE64_BYTES], hex[KEY_HEX_BYTES], brief[KEY_SHORT_BYTES];
	assert_int_equal(key_from_base64(&k, good), 0);
	assert_int_equal(k.bytes[31], 31);
	key_to_base64(&k, text);
	assert_string_equal(text, good);
	key_to_hex(&k, hex);
	struct key again;
	assert_int_equal(key_from_hex(&again, hex), 0);
	assert_true(key_is_equal(&k, &again));
	assert_string_equal(key_short(&k, brief), "AAEC…Hh8=");
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		assert_int_not_equal(key_from_base64(&k, bad[i]), 0);
	hex[63] = 'g';
	assert_int_not_equal(key_from_hex(&k, hex), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes),
		cmocka_unit_test(prefix_holds_address),
		cmocka_unit_test(endpoints),
		cmocka_unit_test(keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
