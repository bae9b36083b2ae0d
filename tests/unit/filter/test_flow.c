/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of flows: found from both sides, timed out, displaced, and many threads at once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "filter/flow.h"
#include "wire/ip.h"

static const struct flow_times times = {.datagram = 100, .tcp = 1000, .tcp_brief = 10};

struct ends {
	uint8_t src[16], dst[16];
};

/* The n-th flow; reversed: its other direction. */
static struct flow_key
key_of(const struct flow_table *t, uint8_t family, uint32_t n, bool is_reversed)
{
	struct ends e = {{10, 1}, {10, 2}};
	unsigned last = family == ADDR_V4 ? 0 : 12;
	store_be32(e.src + last, n * 7);
	store_be32(e.dst + last, n * 3 + 1);
	struct tuple p = {
		.src = is_reversed ? e.dst : e.src,
		.dst = is_reversed ? e.src : e.dst,
		.src_port = is_reversed ? 53 : 1000,
		.dst_port = is_reversed ? 1000 : 53,
		.family = family,
		.proto = IP_PROTO_UDP,
		.kind = TUPLE_DATAGRAM,
	};
	struct flow_key k;
	flow_key_of(t, &p, &k);
	return k;
}

static bool
is_there(const struct flow_table *t, const struct flow_key *k, uint32_t tick)
{
	return flow_find(t, k, &times, tick).slot != NULL;
}

static void
test_both_sides(void **state)
{
	static const uint8_t families[] = {ADDR_V4, ADDR_V6};
	struct flow_table *t = flow_table_create(1024, NULL);
	assert_non_null(t);
	for (unsigned f = 0; f < 2; f++) {
		for (uint32_t n = 0; n < 200; n++) {
			struct flow_key k = key_of(t, families[f], n, false);
			struct flow_key back = key_of(t, families[f], n, true);
			assert_int_equal(k.tag, back.tag);
			assert_int_not_equal(flow_src_is_high(&k), flow_src_is_high(&back));
			assert_int_equal(k.place >> 1, back.place >> 1);
			assert_false(is_there(t, &k, 5));
			assert_true(flow_add(t, &k, flow_state(0, 3), &times, 5));
			assert_true(is_there(t, &back, 5));
			assert_int_equal(
				flow_generation(flow_find(t, &back, &times, 5).state), 3);
		}
	}
	assert_int_equal(flow_table_count(t, &times, 5), 400);
	assert_int_equal(flow_table_count(t, &times, 106), 0);
	flow_table_destroy(t);
}

static void
test_times(void **state)
{
	static const struct {
		uint64_t flags;
		uint32_t lives;
	} cases[] = {
		{0, 100},
		{FLOW_IS_ANSWERED, 100},
		{FLOW_IS_TCP, 10},
		{FLOW_IS_TCP | FLOW_IS_ANSWERED, 1000},
		{FLOW_IS_TCP | FLOW_IS_ANSWERED | FLOW_IS_ENDING, 10},
	};
	const uint32_t start = UINT32_MAX - 50; /* ticks wrap on the way */
	struct flow_table *t = flow_table_create(1024, NULL);
	for (uint32_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct flow_key k = key_of(t, ADDR_V4, i, false);
		uint32_t lives = cases[i].lives;
		assert_true(flow_add(t, &k, flow_state(cases[i].flags, 1), &times, start));
		assert_true(is_there(t, &k, start - 1)); /* another worker's clock */
		assert_true(is_there(t, &k, start + lives));
		assert_false(is_there(t, &k, start + lives + 1));
		struct flow_found f = flow_find(t, &k, &times, start + lives);
		flow_update(&f, f.state, start + lives);
		assert_true(is_there(t, &k, start + 2 * lives));
		assert_false(is_there(t, &k, start + 2 * lives + 1));
	}
	flow_table_destroy(t);
}

/* As many as it is made for find a place, all of them. */
static void
test_room(void **state)
{
	enum { N = 65536 };
	struct flow_table *t = flow_table_create(N, NULL);
	assert_true(flow_table_room(t) >= N);
	for (uint32_t n = 0; n < N; n++) {
		struct flow_key k = key_of(t, n % 2 ? ADDR_V4 : ADDR_V6, n, false);
		uint64_t precious = flow_state(FLOW_IS_ANSWERED, 0);
		assert_true(flow_add(t, &k, precious, &times, 1));
	}
	assert_int_equal(flow_table_count(t, &times, 1), N);
	for (uint32_t n = 0; n < N; n++) {
		struct flow_key k = key_of(t, n % 2 ? ADDR_V4 : ADDR_V6, n, true);
		assert_true(is_there(t, &k, 1));
	}
	flow_table_destroy(t);
}

/* Who displaces whom in a table that is full of one kind. */
static void
test_displacing(void **state)
{
	static const struct {
		uint64_t there, comes;
		bool finds_place;
	} cases[] = {
		{FLOW_IS_ANSWERED, 0, false},
		{FLOW_IS_ANSWERED, FLOW_BY_RULE, false},
		{0, 0, true},
		{0, FLOW_BY_RULE, false},
		{FLOW_BY_RULE, 0, true},
		{FLOW_BY_RULE, FLOW_BY_RULE, true},
		{FLOW_BY_RULE | FLOW_IS_TCP | FLOW_IS_ANSWERED, FLOW_BY_RULE, false},
		{FLOW_BY_RULE | FLOW_IS_TCP, FLOW_BY_RULE, true},
		{FLOW_IS_TCP | FLOW_IS_ANSWERED, 0, false},
		{FLOW_IS_TCP | FLOW_IS_ANSWERED | FLOW_IS_ENDING, 0, true},
	};
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct flow_table *t = flow_table_create(16, NULL);
		struct flow_line *end = t->lines + t->line_mask + 1;
		for (struct flow_line *line = t->lines; line < end; line++) {
			for (unsigned s = 0; s < FLOWS_IN_LINE; s++)
				line->slots[s] = (struct flow_slot){77,
					flow_state(cases[i].there, 1) | 40};
		}
		struct flow_key k = key_of(t, ADDR_V4, 9, false);
		bool added = flow_add(t, &k, flow_state(cases[i].comes, 1), &times, 41);
		assert_int_equal(added, cases[i].finds_place);
		assert_int_equal(is_there(t, &k, 41), cases[i].finds_place);
		flow_table_destroy(t);
	}
}

/* What somebody is writing is not there yet, and nobody's to take. */
static void
test_taken(void **state)
{
	struct flow_table *t = flow_table_create(16, NULL);
	struct flow_key k = key_of(t, ADDR_V4, 9, false);
	struct flow_slot *first = &flow_line_of(t, &k, 0)->slots[0];
	assert_true(flow_add(t, &k, flow_state(0, 5), &times, 40));
	assert_int_equal(flow_peek(t, &k), flow_state(0, 5) | 40);
	struct flow_found f = flow_find(t, &k, &times, 40);
	assert_ptr_equal(f.slot, first);
	first->state = FLOW_IS_TAKEN;
	assert_false(is_there(t, &k, 40));
	assert_int_equal(flow_peek(t, &k) & ~FLOW_IS_TAKEN, 0);
	flow_update(&f, f.state | FLOW_IS_ANSWERED, 41);
	assert_int_equal(first->state, FLOW_IS_TAKEN);
	assert_true(flow_add(t, &k, flow_state(0, 6), &times, 41));
	assert_int_equal(first->state, FLOW_IS_TAKEN);
	assert_int_equal(flow_generation(flow_find(t, &k, &times, 41).state), 6);
	flow_table_destroy(t);
}

/*
 * Threads add, find and refresh the same few flows in a small table whose time runs so fast that
 * places change hands all the time. A flow's state carries its number: none is ever found with
 * another's.
 */
enum { N_THREADS = 4, N_FLOWS = 512, N_ROUNDS = 60000 };

static void *
hammer(void *arg)
{
	struct flow_table *t = arg;
	uint64_t z = (uintptr_t)&z, n_wrong = 0;
	for (uint32_t round = 0; round < N_ROUNDS; round++) {
		z = z * 6364136223846793005ull + 1442695040888963407ull;
		uint32_t n = (uint32_t)(z >> 33) % N_FLOWS, tick = round / 8;
		struct flow_key k = key_of(t, n % 2 ? ADDR_V4 : ADDR_V6, n, z >> 63);
		struct flow_found f = flow_find(t, &k, &times, tick);
		uint64_t peeked = flow_peek(t, &k);
		if (peeked & ~FLOW_IS_TAKEN && flow_generation(peeked) != n + 1)
			n_wrong++;
		if (!f.slot)
			flow_add(t, &k, flow_state(0, (uint16_t)(n + 1)), &times, tick);
		else if (flow_generation(f.state) != n + 1)
			n_wrong++;
		else if (z >> 62 & 1)
			flow_update(&f, f.state, tick);
	}
	return (void *)(uintptr_t)n_wrong;
}

static void
test_threads(void **state)
{
	struct flow_table *t = flow_table_create(16, NULL);
	pthread_t threads[N_THREADS];
	for (unsigned i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, t), 0);
	for (unsigned i = 0; i < N_THREADS; i++) {
		void *n_wrong;
		pthread_join(threads[i], &n_wrong);
		assert_null(n_wrong);
	}
	flow_table_destroy(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_sides),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_displacing),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
