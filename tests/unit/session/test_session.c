/* SPDX-License-Identifier: BSD-3-Clause */
/* A session's life: filled from keys, its counters handed out in runs, aged, wiped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/secret.h"
#include "session/session.h"

static struct session_keys
some_keys(bool is_initiator)
{
	struct session_keys k = {.local_index = 7, .remote_index = 8, .is_initiator = is_initiator};
	memset(k.send_key, 1, sizeof(k.send_key));
	memset(k.recv_key, 2, sizeof(k.recv_key));
	return k;
}

static void
filled(void **state)
{
	for (int initiator = 0; initiator < 2; initiator++) {
		struct session s = {0};
		struct session_keys k = some_keys(initiator);
		session_init(&s, &k, 5, 3, 1000);
		assert_memory_equal(s.send_key, k.send_key, SESSION_KEY_BYTES);
		assert_memory_equal(s.recv_key, k.recv_key, SESSION_KEY_BYTES);
		assert_int_equal(s.remote_index, 8);
		assert_int_equal(s.local_index, 0); /* published by the tables, last */
		assert_int_equal(s.peer_id, 5);
		assert_int_equal(s.recv_peer_id, 5);
		assert_int_equal(s.iface_id, 3);
		assert_int_equal(s.recv_iface_id, 3);
		assert_int_equal(s.birth_ns, 1000);
		assert_int_equal(s.recv_birth_ns, 1000);
		assert_int_equal(s.is_initiator, initiator);
		assert_int_equal(s.recv_is_initiator, initiator);
		/* Only the responder waits for the other side's proof. */
		assert_int_equal(s.is_confirmed, initiator);
	}
}

static void
counters_in_runs(void **state)
{
	struct session s = {0};
	assert_int_equal(session_reserve(&s, 32), 0);
	assert_int_equal(session_reserve(&s, 1), 32);
	assert_int_equal(session_reserve(&s, 0), 33);
	assert_int_equal(session_reserve(&s, 7), 33);
	assert_int_equal(s.send_counter, 40);
}

static void
age(void **state)
{
	static const struct {
		ns_t birth, now, lifetime;
		bool has_expired;
	} rows[] = {
		{100, 100, 50, false},
		{100, 149, 50, false},
		{100, 150, 50, true},
		{100, 1000, 50, true},
		{100, 99, 50, false}, /* born later in this turn than the turn's time */
		{100, 0, 50, false},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
		assert_int_equal(session_has_expired(rows[i].birth, rows[i].now, rows[i].lifetime),
			rows[i].has_expired);
}

static void
wiped(void **state)
{
	struct session s = {0};
	struct session_keys k = some_keys(true);
	session_init(&s, &k, 5, 3, 1000);
	assert_true(replay_accept(&s.replay, 3));
	session_wipe(&s);
	assert_true(secret_is_zero(&s, sizeof(s)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filled),
		cmocka_unit_test(counters_in_runs),
		cmocka_unit_test(age),
		cmocka_unit_test(wiped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
