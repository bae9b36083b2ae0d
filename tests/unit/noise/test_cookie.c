/* SPDX-License-Identifier: BSD-3-Clause */
/* Macs and cookies: known bytes, a round trip, and everything that ends one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/noise/handshake.h"

#define NOW (1000 * NS_IN_S)

static struct pair p;
static struct endpoint source;
static struct wg_initiation msg;
static struct cookie_packet packet;
static struct wg_cookie reply;
static const uint8_t nonce[WG_XNONCE_BYTES] = {1, 2, 3};

static void
begin(const struct handshake_vector *v)
{
	pair_init(&p, v);
	source = (struct endpoint){.port = v->port};
	assert_int_equal(addr_parse(v->source, &source.addr), 0);
	packet = (struct cookie_packet){&msg, sizeof(msg), &source};
	end_initiate(&p.i, &msg);
}

static int
setup(void **state)
{
	begin(&handshake_vectors[0]);
	return 0;
}

static enum cookie_verdict
check(ns_t now, bool under_load)
{
	return cookie_check(&p.r.checker, &packet, now, under_load);
}

static void
fixed_keys(void **state)
{
	for (size_t n = 0; n < ARRAY_COUNT(handshake_vectors); n++) {
		const struct handshake_vector *v = &handshake_vectors[n];
		uint8_t fixed_nonce[WG_XNONCE_BYTES];
		begin(v);
		bytes_of_hex(fixed_nonce, sizeof(fixed_nonce), v->nonce);
		bytes_of_hex(p.r.checker.secret, sizeof(p.r.checker.secret), v->secret);
		p.r.checker.secret_born_ns = NOW;
		p.r.checker.has_secret = true;

		assert_int_equal(check(NOW, true), COOKIE_VALID_MAC1);
		cookie_make_reply(&p.r.checker, &packet, NOW, fixed_nonce, &reply);
		assert_hex(&reply, sizeof(reply), v->cookie_reply);
		assert_true(cookie_consume_reply(&p.i.maker, &reply, NOW));
		cookie_add_macs(&p.i.maker, &msg, sizeof(msg), NOW);
		assert_hex(msg.macs.mac2, WG_MAC_BYTES, v->mac2);
		assert_int_equal(check(NOW, true), COOKIE_VALID_MAC2);
	}
}

static void
get_cookie(ns_t now)
{
	assert_int_equal(check(now, true), COOKIE_VALID_MAC1);
	cookie_make_reply(&p.r.checker, &packet, now, nonce, &reply);
	assert_true(cookie_consume_reply(&p.i.maker, &reply, now));
}

static void
mac1(void **state)
{
	assert_int_equal(check(NOW, false), COOKIE_VALID_MAC1);
	for (size_t at = 0; at < sizeof(msg) - WG_MAC_BYTES; at++) {
		((uint8_t *)&msg)[at] ^= 0x80;
		assert_int_equal(check(NOW, false), COOKIE_INVALID_MAC1);
		assert_int_equal(check(NOW, true), COOKIE_INVALID_MAC1);
		((uint8_t *)&msg)[at] ^= 0x80;
	}
	for (size_t n_bytes = 0; n_bytes < sizeof(msg); n_bytes++) {
		packet.n_bytes = n_bytes;
		assert_int_equal(check(NOW, false), COOKIE_INVALID_MAC1);
	}
	packet.n_bytes = sizeof(msg);
	cookie_checker_init(&p.r.checker, &p.i.local.public_key); /* another's key */
	assert_int_equal(check(NOW, false), COOKIE_INVALID_MAC1);
	cookie_checker_init(&p.r.checker, &p.r.local.public_key);
	assert_int_equal(check(NOW, false), COOKIE_VALID_MAC1);
}

static void
source_counts(void **state)
{
	get_cookie(NOW);
	cookie_add_macs(&p.i.maker, &msg, sizeof(msg), NOW);
	assert_int_equal(check(NOW, true), COOKIE_VALID_MAC2);
	assert_int_equal(check(NOW, false), COOKIE_VALID_MAC1); /* not looked at */
	source.port++;
	assert_int_equal(check(NOW, true), COOKIE_VALID_MAC1);
	source.port--;
	source.addr.bytes[3] ^= 1;
	assert_int_equal(check(NOW, true), COOKIE_VALID_MAC1);
	source.addr.bytes[3] ^= 1;
	for (size_t at = 0; at < WG_MAC_BYTES; at++) {
		msg.macs.mac2[at] ^= 4;
		assert_int_equal(check(NOW, true), COOKIE_VALID_MAC1);
		msg.macs.mac2[at] ^= 4;
	}
	assert_int_equal(check(NOW, true), COOKIE_VALID_MAC2);
}

/* Rows: how long after the cookie the next message is made and checked. */
static void
cookies_expire(void **state)
{
	static const struct {
		ns_t after_ns;
		bool has_mac2;
		enum cookie_verdict verdict;
	} rows[] = {
		{0, true, COOKIE_VALID_MAC2},
		{115 * NS_IN_S - 1, true, COOKIE_VALID_MAC2},
		{115 * NS_IN_S, false, COOKIE_VALID_MAC1},
		{200 * NS_IN_S, false, COOKIE_VALID_MAC1},
	};
	for (size_t n = 0; n < ARRAY_COUNT(rows); n++) {
		ns_t now = NOW + rows[n].after_ns;
		begin(&handshake_vectors[0]);
		get_cookie(NOW);
		cookie_add_macs(&p.i.maker, &msg, sizeof(msg), now);
		assert_int_equal(!sodium_is_zero(msg.macs.mac2, WG_MAC_BYTES), rows[n].has_mac2);
		assert_int_equal(check(now, true), rows[n].verdict);
	}
}

static void
secret_is_renewed(void **state)
{
	get_cookie(NOW);
	cookie_add_macs(&p.i.maker, &msg, sizeof(msg), NOW);
	assert_int_equal(check(NOW + 120 * NS_IN_S - 1, true), COOKIE_VALID_MAC2);
	assert_int_equal(check(NOW + 120 * NS_IN_S, true), COOKIE_VALID_MAC1);
	assert_int_equal(check(NOW, true), COOKIE_VALID_MAC1); /* and the old one is gone */
}

static void
replies(void **state)
{
	struct cookie_maker fresh;
	cookie_make_reply(&p.r.checker, &packet, NOW, nonce, &reply);
	assert_int_equal(wg_type_of(&reply, sizeof(reply)), WG_COOKIE);
	assert_int_equal(reply.receiver_index, msg.sender_index);

	cookie_maker_init(&fresh, &p.i.remote.public_key);
	assert_false(cookie_consume_reply(&fresh, &reply, NOW)); /* nothing was sent */
	for (size_t at = offsetof(struct wg_cookie, nonce); at < sizeof(reply); at++) {
		struct cookie_maker before = p.i.maker;
		((uint8_t *)&reply)[at] ^= 0x10;
		assert_false(cookie_consume_reply(&p.i.maker, &reply, NOW));
		assert_memory_equal(&before, &p.i.maker, sizeof(before));
		((uint8_t *)&reply)[at] ^= 0x10;
	}
	assert_true(cookie_consume_reply(&p.i.maker, &reply, NOW));
	assert_false(cookie_consume_reply(&p.i.maker, &reply, NOW)); /* once */

	p.i.fresh.wall.s++;
	end_initiate(&p.i, &msg); /* another mac1: the reply is to the message before */
	assert_false(cookie_consume_reply(&p.i.maker, &reply, NOW));
}

/* A response is answered with a cookie as an initiation is. */
static void
responses(void **state)
{
	struct wg_response response;
	assert_int_equal(end_consume(&p.r, &msg, NOW), NOISE_OK);
	end_respond(&p.r, &response);
	packet = (struct cookie_packet){&response, sizeof(response), &source};
	assert_int_equal(cookie_check(&p.i.checker, &packet, NOW, true), COOKIE_VALID_MAC1);
	cookie_make_reply(&p.i.checker, &packet, NOW, nonce, &reply);
	assert_int_equal(reply.receiver_index, response.sender_index);
	assert_true(cookie_consume_reply(&p.r.maker, &reply, NOW));
	cookie_add_macs(&p.r.maker, &response, sizeof(response), NOW);
	assert_int_equal(cookie_check(&p.i.checker, &packet, NOW, true), COOKIE_VALID_MAC2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_keys),
		cmocka_unit_test_setup(mac1, setup),
		cmocka_unit_test_setup(source_counts, setup),
		cmocka_unit_test(cookies_expire),
		cmocka_unit_test_setup(secret_is_renewed, setup),
		cmocka_unit_test_setup(replies, setup),
		cmocka_unit_test_setup(responses, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
