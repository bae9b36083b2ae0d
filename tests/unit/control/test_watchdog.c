/* SPDX-License-Identifier: BSD-3-Clause */
/* When the watchdog is told, and when it is not: a story a case, a look a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdint.h>

#include "base/bytes.h"
#include "control/watchdog.h"

enum { THREADS = 3 };

struct look {
	unsigned at_s;
	uint64_t turns[THREADS];
	enum watchdog_verdict verdict;
	int stuck;
};

static void
play(const struct look *looks, size_t n, ns_t interval_ns)
{
	struct watchdog w;
	watchdog_init(&w, interval_ns, THREADS, 0);
	for (size_t i = 0; i < n; i++) {
		if (looks[i].stuck >= 0)
			assert_int_equal(watchdog_stuck(&w, looks[i].turns), looks[i].stuck);
		assert_int_equal(watchdog_look(&w, looks[i].turns, looks[i].at_s * NS_IN_S),
			looks[i].verdict);
	}
}

static void
test_all_turn(void **state)
{
	static const struct look looks[] = {
		{1, {1, 1, 1}, WATCHDOG_WAIT, -1}, /* not yet a quarter of the interval */
		{5, {2, 2, 2}, WATCHDOG_TELL, -1},
		{6, {3, 3, 3}, WATCHDOG_WAIT, -1},
		{10, {9, 9, 9}, WATCHDOG_TELL, -1},
		{15, {10, 10, 10}, WATCHDOG_TELL, -1}, /* one turn is enough */
		{600, {11, 11, 11}, WATCHDOG_TELL, -1}, /* the loop itself was late */
	};
	play(looks, ARRAY_COUNT(looks), 20 * NS_IN_S);
}

static void
test_one_is_stuck(void **state)
{
	static const struct look looks[] = {
		{5, {2, 2, 2}, WATCHDOG_TELL, -1},
		{10, {3, 2, 3}, WATCHDOG_WAIT, 1},
		{14, {4, 2, 4}, WATCHDOG_WAIT, 1},
		{15, {5, 2, 5}, WATCHDOG_WORRY, 1},
		{16, {6, 2, 6}, WATCHDOG_WAIT, 1}, /* said once */
		{90, {7, 2, 7}, WATCHDOG_WAIT, 1}, /* and never told */
		{91, {7, 3, 8}, WATCHDOG_TELL, -1}, /* it moves again */
		{96, {7, 4, 9}, WATCHDOG_WAIT, 0}, /* another stops */
		{101, {7, 5, 10}, WATCHDOG_WORRY, 0},
	};
	play(looks, ARRAY_COUNT(looks), 20 * NS_IN_S);
}

static void
test_never_started(void **state)
{
	static const struct look looks[] = {
		{5, {1, 1, 0}, WATCHDOG_WAIT, 2},
		{10, {2, 2, 0}, WATCHDOG_WORRY, 2},
	};
	play(looks, ARRAY_COUNT(looks), 20 * NS_IN_S);
}

static void
test_nobody_watches(void **state)
{
	static const struct look looks[] = {
		{5, {1, 1, 1}, WATCHDOG_WAIT, -1},
		{500, {1, 1, 1}, WATCHDOG_WAIT, -1},
	};
	play(looks, ARRAY_COUNT(looks), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_turn),
		cmocka_unit_test(test_one_is_stuck),
		cmocka_unit_test(test_never_started),
		cmocka_unit_test(test_nobody_watches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
