/* SPDX-License-Identifier: BSD-3-Clause */
/* Slots: zeroed, none twice, all of them; and what an id tells to who sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { SLOTS = 300, STRIDE_BYTES = 64 };

static struct arena arena;

static int
setup(void **state)
{
	return arena_init(&arena, STRIDE_BYTES, SLOTS, NULL);
}

static int
teardown(void **state)
{
	arena_fini(&arena);
	return 0;
}

static void
assert_zeroed_and_dirty_it(uint32_t id)
{
	static const uint8_t zeros[STRIDE_BYTES];
	assert_memory_equal(arena_at(&arena, id), zeros, STRIDE_BYTES);
	memset(arena_at(&arena, id), 0xff, STRIDE_BYTES);
}

/* n_choice 0: in order. */
static uint32_t
get(uint32_t n_choice)
{
	return n_choice ? arena_get_any(&arena, (uint32_t)rand(), n_choice) : arena_get(&arena);
}

static void
hands_out_each_slot_once(void **state)
{
	static const uint32_t choices[] = {0, 1, 7, SLOTS, SLOTS * 2};
	for (unsigned k = 0; k < 5; k++) {
		bool is_out[SLOTS + 1] = {false};
		for (unsigned i = 0; i < SLOTS; i++) {
			uint32_t id = get(choices[k]);
			assert_in_range(id, 1, SLOTS);
			assert_false(is_out[id]);
			is_out[id] = true;
			assert_zeroed_and_dirty_it(id);
		}
		assert_int_equal(get(choices[k]), 0);
		assert_int_equal(arena.n_used, SLOTS);
		for (uint32_t id = 1; id <= SLOTS; id++)
			arena_put(&arena, id);
		assert_int_equal(arena.n_used, 0);
	}
}

/* With a choice of n, ids in a row are neighbours about as often as chance has it. */
static void
ids_do_not_count(void **state)
{
	unsigned n_next = 0;
	uint32_t last = 0;
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t id = get(SLOTS);
		n_next += id == last + 1;
		last = id;
		arena_put(&arena, id);
	}
	assert_in_range(n_next, 0, 30);
}

static void
refuses_what_makes_no_sense(void **state)
{
	struct arena a;
	assert_true(arena_init(&a, 7, 10, NULL) < 0);
	assert_true(arena_init(&a, 8, 0, NULL) < 0);
	assert_true(arena_init(&a, 8, UINT32_MAX, NULL) < 0);
}

/* Over several chunks, zeroed and all of it there; none of no bytes. */
static void
test_block(void **state)
{
	enum { N_BYTES = (5 << 20) + 24 };
	struct arena a;
	struct err err;
	void *block = NULL;
	assert_int_equal(arena_init_block(&a, N_BYTES, &block, &err), 0);
	for (size_t i = 0; i < N_BYTES; i++)
		assert_int_equal(((const uint8_t *)block)[i], 0);
	memset(block, 0xff, N_BYTES);
	arena_fini(&a);
	assert_int_not_equal(arena_init_block(&a, 0, &block, &err), 0);
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block),
		cmocka_unit_test_setup_teardown(hands_out_each_slot_once, setup, teardown),
		cmocka_unit_test_setup_teardown(ids_do_not_count, setup, teardown),
		cmocka_unit_test(refuses_what_makes_no_sense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
