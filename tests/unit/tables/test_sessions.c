/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The trio of a peer's sessions (whitepaper 5.4 and 6.1, and the kernel where that is silent):
 * a story a test, told as which sessions can open and which one seals.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/secret.h"
#include "tables/tables.h"

struct story {
	struct tables *tables;
	uint16_t iface_id;
	uint32_t peer_id;
};

static int
setup(void **state)
{
	static struct story s;
	struct err err;
	s.tables = tables_create(8, &protocol_times_default, &err);
	assert_non_null(s.tables);
	assert_int_equal(tables_iface_add(s.tables, 1420, &s.iface_id), 0);
	assert_int_equal(tables_peer_add(s.tables, s.iface_id, &s.peer_id), 0);
	*state = &s;
	return 0;
}

static int
teardown(void **state)
{
	tables_destroy(((struct story *)*state)->tables);
	return 0;
}

static struct session_keys
keys_of(uint32_t index, bool is_initiator)
{
	struct session_keys k = {
		.local_index = index, .remote_index = ~index, .is_initiator = is_initiator};
	memset(k.send_key, (int)index | 1, sizeof(k.send_key));
	memset(k.recv_key, (int)~index | 1, sizeof(k.recv_key));
	return k;
}

static uint32_t
reserve(struct story *s)
{
	uint32_t index;
	assert_int_equal(tables_index_reserve(s->tables, s->peer_id, &index), 0);
	return index;
}

static int
install(struct story *s, uint32_t index, bool is_initiator)
{
	struct session_keys keys = keys_of(index, is_initiator);
	return tables_session_install(s->tables, &keys, 3, 1000);
}

static uint32_t
initiated(struct story *s)
{
	uint32_t index = reserve(s);
	assert_int_equal(install(s, index, true), 0);
	return index;
}

static uint32_t
answered(struct story *s)
{
	uint32_t index = reserve(s);
	assert_int_equal(install(s, index, false), 0);
	return index;
}

static bool
opens(struct story *s, uint32_t index)
{
	return tables_session(s->tables, index) != NULL;
}

/* The index of the session that seals, 0: none. */
static uint32_t
seals(struct story *s)
{
	const struct session *tx = tables_peer(s->tables, s->peer_id)->tx;
	return tx ? tx->local_index : 0;
}

static void
reserved_then_installed(void **state)
{
	struct story *s = *state;
	uint32_t index = reserve(s);
	assert_int_equal(tables_index_peer(s->tables, index), s->peer_id);
	assert_int_equal(tables_index_owner(s->tables, index), s->peer_id);
	assert_false(opens(s, index));
	assert_int_equal(install(s, index, true), 0);
	assert_true(opens(s, index));
	assert_int_equal(seals(s), index);
	/* No handshake has it any more, but a cookie may still be for it. */
	assert_int_equal(tables_index_peer(s->tables, index), 0);
	assert_int_equal(tables_index_owner(s->tables, index), s->peer_id);
	const struct session *session = tables_session(s->tables, index);
	assert_int_equal(session->owner_worker, 3);
	assert_int_equal(session->birth_ns, 1000);
	assert_int_equal(session->remote_index, ~index);
	assert_int_equal(session->recv_peer_id, s->peer_id);
	assert_int_equal(install(s, index, true), -ENOENT); /* not twice */
	struct session_info info;
	tables_session_info(s->tables, s->peer_id, &info);
	assert_true(info.has_current && info.is_initiator);
	assert_int_equal(info.birth_ns, 1000);
}

static void
given_up(void **state)
{
	struct story *s = *state;
	uint32_t first = reserve(s), second = reserve(s);
	assert_int_not_equal(first, second);
	assert_int_equal(tables_index_peer(s->tables, first), 0);
	assert_int_equal(install(s, first, true), -ENOENT);
	tables_index_release(s->tables, s->peer_id);
	tables_index_release(s->tables, s->peer_id);
	assert_int_equal(install(s, second, true), -ENOENT);
	assert_int_equal(seals(s), 0);
}

static void
hostile_indices(void **state)
{
	struct story *s = *state;
	uint32_t good = initiated(s);
	static const uint32_t values[] = {0, 1, 2, 31, 32, 33, 0xfffff, 0x100000, 0xffffffff};
	for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
		for (uint32_t flip = 0; flip < 2; flip++) {
			uint32_t v = flip ? values[i] ^ good : values[i];
			if (v == good)
				continue;
			assert_false(opens(s, v));
			assert_int_equal(tables_index_peer(s->tables, v), 0);
			assert_int_equal(tables_index_owner(s->tables, v), 0);
			assert_int_equal(install(s, v, true), -ENOENT);
			assert_int_equal(tables_session_confirm(s->tables, v), -ENOENT);
		}
	}
	assert_true(opens(s, good));
}

/* As initiator: the new one seals at once, the one before still opens, older ones are gone. */
static void
three_initiated(void **state)
{
	struct story *s = *state;
	uint32_t a = initiated(s), b = initiated(s);
	assert_true(opens(s, a) && opens(s, b));
	assert_int_equal(seals(s), b);
	uint32_t c = initiated(s);
	assert_true(!opens(s, a) && opens(s, b) && opens(s, c));
	assert_int_equal(seals(s), c);
}

/* As responder: the new one opens, but seals only once the other side has used it. */
static void
answered_then_confirmed(void **state)
{
	struct story *s = *state;
	uint32_t a = answered(s);
	assert_true(opens(s, a));
	assert_int_equal(seals(s), 0);
	assert_int_equal(tables_session_confirm(s->tables, a), 0);
	assert_int_equal(seals(s), a);
	assert_int_equal(tables_session_confirm(s->tables, a), -ENOENT);
	uint32_t b = answered(s);
	assert_true(opens(s, a) && opens(s, b));
	assert_int_equal(seals(s), a);
	assert_int_equal(tables_session_confirm(s->tables, b), 0);
	assert_true(opens(s, a) && opens(s, b));
	assert_int_equal(seals(s), b);
}

/* A second response before the first was used takes its place, and previous goes (kernel). */
static void
answered_twice(void **state)
{
	struct story *s = *state;
	uint32_t a = initiated(s), b = initiated(s);
	uint32_t c = answered(s);
	assert_true(!opens(s, a) && opens(s, b) && opens(s, c));
	uint32_t d = answered(s);
	assert_true(opens(s, b) && !opens(s, c) && opens(s, d));
	assert_int_equal(seals(s), b);
	assert_int_equal(tables_session_confirm(s->tables, c), -ENOENT);
	assert_int_equal(tables_session_confirm(s->tables, d), 0);
	assert_true(opens(s, b) && opens(s, d));
	assert_int_equal(seals(s), d);
}

/* Both sides began: ours is current, the answered one, younger than current, becomes previous. */
static void
crossing(void **state)
{
	struct story *s = *state;
	uint32_t a = initiated(s), b = answered(s), c = initiated(s);
	assert_true(!opens(s, a) && opens(s, b) && opens(s, c));
	assert_int_equal(seals(s), c);
	assert_int_equal(tables_session_confirm(s->tables, b), -ENOENT);
	assert_int_equal(seals(s), c);
}

static void
wiped(void **state)
{
	struct story *s = *state;
	uint32_t a = initiated(s), b = initiated(s), c = answered(s), d = reserve(s);
	const struct session *held[] = {tables_session(s->tables, b), tables_session(s->tables, c)};
	rcu_reader_register(); /* as a worker in the middle of its turn */
	tables_sessions_wipe(s->tables, s->peer_id);
	assert_true(!opens(s, a) && !opens(s, b) && !opens(s, c));
	assert_int_equal(seals(s), 0);
	assert_false(secret_is_zero(held[0]->send_key, SESSION_KEY_BYTES)); /* still in use */
	rcu_reader_unregister();
	rcu_wait_retired();
	for (unsigned i = 0; i < 2; i++)
		assert_true(secret_is_zero(held[i], sizeof(*held[i])));
	/* The handshake under way is not a session. */
	assert_int_equal(install(s, d, true), 0);
	assert_int_equal(seals(s), d);
}

/* Slots come round again, under other indices. */
static void
for_ever(void **state)
{
	struct story *s = *state;
	uint32_t last = 0;
	for (unsigned i = 0; i < 2000; i++) {
		uint32_t index = i % 3 ? initiated(s) : answered(s);
		if (i % 3 == 0)
			(void)tables_session_confirm(s->tables, index);
		assert_int_not_equal(index, last);
		last = index;
		if (i % 8 == 0)
			rcu_wait_retired();
	}
	rcu_wait_retired();
	assert_true(s->tables->sessions.n_used <= 4);
}

static void
full(void **state)
{
	struct story *s = *state;
	uint32_t index;
	int rc = 0;
	unsigned n = 0;
	rcu_reader_register(); /* nothing retired comes back while this reader stays */
	for (; rc == 0 && n < 100; n++)
		rc = tables_index_reserve(s->tables, s->peer_id, &index);
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(n, 33); /* four a peer */
	rcu_reader_unregister();
	rcu_wait_retired();
	reserve(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reserved_then_installed),
		TEST(given_up),
		TEST(hostile_indices),
		TEST(three_initiated),
		TEST(answered_then_confirmed),
		TEST(answered_twice),
		TEST(crossing),
		TEST(wiped),
		TEST(for_ever),
		TEST(full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
