/* SPDX-License-Identifier: BSD-3-Clause */
/* The handshake: known bytes in both roles, and each way to be refused beside its opposite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/noise/handshake.h"

#define NOW (1000 * NS_IN_S)

static struct pair p;
static struct wg_initiation initiation;
static struct wg_response response;

static int
setup(void **state)
{
	pair_init(&p, &handshake_vectors[1]);
	return 0;
}

static void
fixed_keys(void **state)
{
	for (size_t n = 0; n < ARRAY_COUNT(handshake_vectors); n++) {
		const struct handshake_vector *v = &handshake_vectors[n];
		struct session_keys i, r;
		pair_init(&p, v);
		assert_hex(&p.i.local.public_key, KEY_BYTES, v->public_i);
		assert_hex(&p.r.local.public_key, KEY_BYTES, v->public_r);

		end_initiate(&p.i, &initiation);
		assert_hex(&initiation, sizeof(initiation), v->initiation);
		assert_int_equal(end_consume(&p.r, &initiation, NOW), NOISE_OK);
		end_respond(&p.r, &response);
		assert_hex(&response, sizeof(response), v->response);
		assert_int_equal(
			noise_consume_response(&p.i.local, &p.i.remote, &response), NOISE_OK);

		assert_int_equal(noise_begin_session(&p.i.remote, &i), NOISE_OK);
		assert_int_equal(noise_begin_session(&p.r.remote, &r), NOISE_OK);
		assert_hex(i.send_key, sizeof(i.send_key), v->to_responder);
		assert_hex(i.recv_key, sizeof(i.recv_key), v->to_initiator);
		assert_memory_equal(i.send_key, r.recv_key, sizeof(i.send_key));
		assert_memory_equal(i.recv_key, r.send_key, sizeof(i.recv_key));
		assert_true(i.is_initiator && !r.is_initiator);
		assert_int_equal(i.local_index, v->index_i);
		assert_int_equal(i.remote_index, v->index_r);
		assert_int_equal(r.local_index, v->index_r);
		assert_int_equal(r.remote_index, v->index_i);
	}
}

static void
session_wipes_handshake(void **state)
{
	struct session_keys keys;
	end_initiate(&p.i, &initiation);
	assert_int_equal(noise_begin_session(&p.i.remote, &keys), NOISE_WRONG_STATE);
	assert_int_equal(end_consume(&p.r, &initiation, NOW), NOISE_OK);
	assert_int_equal(noise_begin_session(&p.r.remote, &keys), NOISE_WRONG_STATE);
	end_respond(&p.r, &response);
	assert_int_equal(noise_consume_response(&p.i.local, &p.i.remote, &response), NOISE_OK);

	assert_int_equal(noise_begin_session(&p.i.remote, &keys), NOISE_OK);
	assert_int_equal(p.i.remote.state, NOISE_IDLE);
	assert_true(sodium_is_zero(p.i.remote.chain_key, NOISE_HASH_BYTES));
	assert_true(key_is_zero(&p.i.remote.ephemeral_private));
	assert_int_equal(noise_begin_session(&p.i.remote, &keys), NOISE_WRONG_STATE);
	assert_int_equal(
		noise_consume_response(&p.i.local, &p.i.remote, &response), NOISE_WRONG_STATE);
	assert_int_equal(
		noise_respond(&p.i.local, &p.i.remote, &p.i.fresh, &response), NOISE_WRONG_STATE);
}

/* Rows: the wall clock of each initiation, when it arrives, and what becomes of it. */
static void
stamps_and_flood(void **state)
{
	static const struct {
		uint64_t wall_s;
		ns_t after_ns; /* the row before */
		enum noise_result expected;
	} rows[] = {
		{2000000000, 0, NOISE_OK},
		{2000000000, NS_IN_S, NOISE_REPLAYED},
		{1999999999, NS_IN_S, NOISE_REPLAYED},
		{2000000001, NS_IN_S, NOISE_OK},
		{2000000002, NS_IN_S / 50 - 1, NOISE_FLOOD},
		{2000000002, 1, NOISE_OK}, /* a flood does not use up its stamp */
		{2000000003, 0, NOISE_FLOOD},
		{2000000001, NS_IN_S, NOISE_REPLAYED},
		{2000000003, 0, NOISE_OK},
	};
	ns_t now = NOW;
	for (size_t n = 0; n < ARRAY_COUNT(rows); n++) {
		memset(p.i.remote.sent_tai64n, 0, WG_TAI64N_BYTES);
		p.i.fresh.wall.s = rows[n].wall_s;
		end_initiate(&p.i, &initiation);
		struct noise_remote before = p.r.remote;
		now += rows[n].after_ns;
		assert_int_equal(end_consume(&p.r, &initiation, now), rows[n].expected);
		if (rows[n].expected != NOISE_OK)
			assert_memory_equal(&before, &p.r.remote, sizeof(before));
	}
}

/* The stamp an initiation would carry. */
static void
next_stamp(struct wall_time wall, uint8_t stamp[WG_TAI64N_BYTES])
{
	p.i.fresh.wall = wall;
	end_initiate(&p.i, &initiation);
	memcpy(stamp, p.i.remote.sent_tai64n, WG_TAI64N_BYTES);
}

static void
stamps_grow_and_are_coarse(void **state)
{
	static const struct {
		struct wall_time wall;
		uint64_t s;
		uint32_t ns;
	} rows[] = {
		{{1000, 0x1ffffff}, 1000, 0x1000000},
		{{1000, 0x1ffffff}, 1000, 0x2000000},  /* the clock stands still */
		{{900, 0}, 1000, 0x3000000},           /* goes back */
		{{1000, 999999999}, 1000, 0x3b000000}, /* 59 * 2^24 */
		{{1000, 999999999}, 1001, 0},          /* the next is past the second */
		{{1001, 0x0ffffff}, 1001, 0x1000000},
		{{2000, 5}, 2000, 0},
	};
	for (size_t n = 0; n < ARRAY_COUNT(rows); n++) {
		uint8_t stamp[WG_TAI64N_BYTES];
		next_stamp(rows[n].wall, stamp);
		assert_int_equal(load_be64(stamp), 0x400000000000000aull + rows[n].s);
		assert_int_equal(load_be32(stamp + 8), rows[n].ns);
	}
}

/* Takes the initiation as a whole program does: type, mac1, handshake. */
static bool
is_taken(struct end *e, const void *msg, size_t n_bytes, ns_t now)
{
	struct endpoint source = {.addr = {.family = ADDR_V4}};
	struct cookie_packet packet = {msg, n_bytes, &source};
	if (cookie_check(&e->checker, &packet, now, false) == COOKIE_INVALID_MAC1)
		return false;
	if (wg_type_of(msg, n_bytes) == WG_INITIATION)
		return end_consume(e, msg, now) == NOISE_OK;
	return noise_consume_response(&e->local, &e->remote, msg) == NOISE_OK;
}

/* One bit of each byte before mac2 flipped, and each length cut: refused, and nothing changes. */
static void
assert_altered_is_refused(struct end *e, const void *msg, size_t n_bytes)
{
	uint8_t copy[sizeof(struct wg_initiation)];
	struct noise_remote before = e->remote;
	for (size_t at = 0; at < n_bytes - WG_MAC_BYTES; at++) {
		memcpy(copy, msg, n_bytes);
		copy[at] ^= (uint8_t)(1 << at % 8);
		assert_false(is_taken(e, copy, n_bytes, NOW));
		assert_false(is_taken(e, msg, at, NOW));
		assert_memory_equal(&before, &e->remote, sizeof(before));
	}
	assert_true(is_taken(e, msg, n_bytes, NOW));
}

static void
altered_messages(void **state)
{
	end_initiate(&p.i, &initiation);
	assert_altered_is_refused(&p.r, &initiation, sizeof(initiation));
	end_respond(&p.r, &response);
	assert_altered_is_refused(&p.i, &response, sizeof(response));
}

/* The same below the macs, which an attacker who knows the public key can make. */
static void
altered_messages_with_right_macs(void **state)
{
	end_initiate(&p.i, &initiation);
	assert_int_equal(end_consume(&p.r, &initiation, NOW), NOISE_OK); /* keeps ss */
	p.i.fresh.wall.s++;
	end_initiate(&p.i, &initiation);
	struct noise_remote before = p.r.remote;
	for (size_t at = offsetof(struct wg_initiation, ephemeral);
		at < offsetof(struct wg_initiation, macs); at++) {
		struct wg_initiation copy = initiation;
		((uint8_t *)&copy)[at] ^= 0x01;
		assert_int_not_equal(end_consume(&p.r, &copy, NOW + NS_IN_S), NOISE_OK);
		assert_memory_equal(&before, &p.r.remote, sizeof(before));
	}
	assert_int_equal(end_consume(&p.r, &initiation, NOW + NS_IN_S), NOISE_OK);

	end_respond(&p.r, &response);
	before = p.i.remote;
	for (size_t at = offsetof(struct wg_response, receiver_index);
		at < offsetof(struct wg_response, macs); at++) {
		struct wg_response copy = response;
		((uint8_t *)&copy)[at] ^= 0x01;
		assert_int_not_equal(
			noise_consume_response(&p.i.local, &p.i.remote, &copy), NOISE_OK);
		assert_memory_equal(&before, &p.i.remote, sizeof(before));
	}
	assert_int_equal(noise_consume_response(&p.i.local, &p.i.remote, &response), NOISE_OK);
	assert_int_equal(
		noise_consume_response(&p.i.local, &p.i.remote, &response), NOISE_WRONG_STATE);
}

static void
psk_must_agree(void **state)
{
	struct key none = {{0}}, other = {{1}}, right = p.r.remote.psk;
	end_initiate(&p.i, &initiation);
	assert_int_equal(end_consume(&p.r, &initiation, NOW), NOISE_OK);
	noise_remote_set_psk(&p.r.remote, &other);
	end_respond(&p.r, &response);
	assert_int_equal(
		noise_consume_response(&p.i.local, &p.i.remote, &response), NOISE_NOT_AUTHENTIC);
	noise_remote_set_psk(&p.i.remote, &none);
	assert_int_equal(
		noise_consume_response(&p.i.local, &p.i.remote, &response), NOISE_NOT_AUTHENTIC);
	noise_remote_set_psk(&p.i.remote, &other);
	assert_int_equal(noise_consume_response(&p.i.local, &p.i.remote, &response), NOISE_OK);
	assert_false(key_is_equal(&right, &other));
}

/* A response to the handshake before is no response to the one under way. */
static void
response_after_new_initiation(void **state)
{
	end_initiate(&p.i, &initiation);
	assert_int_equal(end_consume(&p.r, &initiation, NOW), NOISE_OK);
	end_respond(&p.r, &response);

	struct key first = p.i.fresh.ephemeral;
	p.i.fresh.ephemeral.bytes[3] ^= 1;
	p.i.fresh.sender_index++;
	end_initiate(&p.i, &initiation);
	struct noise_remote before = p.i.remote;
	assert_int_equal(
		noise_consume_response(&p.i.local, &p.i.remote, &response), NOISE_WRONG_STATE);
	response.receiver_index++; /* even if the index were guessed */
	assert_int_equal(
		noise_consume_response(&p.i.local, &p.i.remote, &response), NOISE_NOT_AUTHENTIC);
	assert_memory_equal(&before, &p.i.remote, sizeof(before));

	assert_int_equal(end_consume(&p.r, &initiation, NOW + NS_IN_S), NOISE_OK);
	end_respond(&p.r, &response);
	assert_int_equal(noise_consume_response(&p.i.local, &p.i.remote, &response), NOISE_OK);
	assert_false(key_is_equal(&first, &p.i.fresh.ephemeral));
}

static void
weak_keys(void **state)
{
	struct key zero = {{0}};
	struct noise_remote remote;
	noise_remote_init(&remote, &zero);
	assert_int_equal(
		noise_initiate(&p.i.local, &remote, &p.i.fresh, &initiation), NOISE_WEAK_KEY);
	assert_int_equal(remote.state, NOISE_IDLE);

	end_initiate(&p.i, &initiation);
	struct wg_initiation weak = initiation;
	memset(weak.ephemeral, 0, sizeof(weak.ephemeral));
	assert_int_equal(end_consume(&p.r, &weak, NOW), NOISE_WEAK_KEY);
	assert_int_equal(end_consume(&p.r, &initiation, NOW), NOISE_OK);
	end_respond(&p.r, &response);
	struct wg_response weak_response = response;
	memset(weak_response.ephemeral, 0, sizeof(weak_response.ephemeral));
	weak_response.ephemeral[0] = 1; /* small order too */
	assert_int_equal(
		noise_consume_response(&p.i.local, &p.i.remote, &weak_response), NOISE_WEAK_KEY);
	assert_int_equal(noise_consume_response(&p.i.local, &p.i.remote, &response), NOISE_OK);
}

static void
identity_and_peers(void **state)
{
	struct key none = {{0}}, other = {{9, 9, 9}};
	end_initiate(&p.i, &initiation);
	struct key known = p.r.remote.public_key;
	p.r.remote.public_key = other;
	assert_int_equal(end_consume(&p.r, &initiation, NOW), NOISE_UNKNOWN_PEER);
	p.r.remote.public_key = known;

	struct noise_local local = p.r.local;
	noise_local_set_private_key(&p.r.local, &other);
	assert_int_equal(end_consume(&p.r, &initiation, NOW), NOISE_NOT_AUTHENTIC);
	noise_local_set_private_key(&p.r.local, &none);
	assert_false(p.r.local.has_identity);
	assert_true(key_is_zero(&p.r.local.public_key));
	assert_int_equal(end_consume(&p.r, &initiation, NOW), NOISE_NO_IDENTITY);
	assert_int_equal(noise_initiate(&p.r.local, &p.r.remote, &p.r.fresh, &initiation),
		NOISE_NO_IDENTITY);

	p.r.local = local;
	end_initiate(&p.i, &initiation);
	assert_int_equal(end_consume(&p.r, &initiation, NOW), NOISE_OK);
}

/* The kept static-static product follows the private key. */
static void
private_key_changes(void **state)
{
	struct key other = {{7, 7, 7}};
	end_initiate(&p.i, &initiation);
	assert_int_equal(end_consume(&p.r, &initiation, NOW), NOISE_OK);
	struct key before = p.i.remote.static_static;

	noise_local_set_private_key(&p.i.local, &other);
	end_initiate(&p.i, &initiation);
	assert_false(key_is_equal(&before, &p.i.remote.static_static));
	assert_int_equal(end_consume(&p.r, &initiation, NOW), NOISE_UNKNOWN_PEER);
	noise_remote_init(&p.r.remote, &p.i.local.public_key);
	assert_int_equal(end_consume(&p.r, &initiation, NOW), NOISE_OK);
	assert_true(key_is_equal(&p.r.remote.static_static, &p.i.remote.static_static));
}

static void
wiped(void **state)
{
	noise_remote_wipe(&p.i.remote);
	noise_local_wipe(&p.i.local);
	assert_true(sodium_is_zero((const void *)&p.i.remote, sizeof(p.i.remote)));
	assert_true(sodium_is_zero((const void *)&p.i.local, sizeof(p.i.local)));
	for (enum noise_result r = NOISE_OK; r <= NOISE_N_RESULTS; r++)
		assert_non_null(noise_result_name(r));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_keys),
		cmocka_unit_test_setup(session_wipes_handshake, setup),
		cmocka_unit_test_setup(stamps_and_flood, setup),
		cmocka_unit_test_setup(stamps_grow_and_are_coarse, setup),
		cmocka_unit_test_setup(altered_messages, setup),
		cmocka_unit_test_setup(altered_messages_with_right_macs, setup),
		cmocka_unit_test_setup(psk_must_agree, setup),
		cmocka_unit_test_setup(response_after_new_initiation, setup),
		cmocka_unit_test_setup(weak_keys, setup),
		cmocka_unit_test_setup(identity_and_peers, setup),
		cmocka_unit_test_setup(private_key_changes, setup),
		cmocka_unit_test_setup(wiped, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
