/* SPDX-License-Identifier: BSD-3-Clause */
/* The timer wheel: each timer fires once, not early, and at most one tick late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "control/wheel.h"

#define TICK_NS (1ull << WHEEL_TICK_SHIFT)

static void
fires_in_time(void **state)
{
	static const struct {
		ns_t start_ns, after_ns;
	} rows[] = {
		{0, 0},
		{0, 1},
		{0, TICK_NS},
		{0, TICK_NS + 1},
		{0, 63 * TICK_NS},
		{0, 64 * TICK_NS},
		{0, 65 * TICK_NS - 1},
		{5 * TICK_NS + 3, 4095 * TICK_NS},
		{5 * TICK_NS + 3, 4096 * TICK_NS},
		{63 * TICK_NS, 4096 * TICK_NS + 1},
		{12345678901234ull, 5 * NS_IN_S},
		{12345678901234ull, 540 * NS_IN_S},
		{12345678901234ull, 3600 * NS_IN_S},
	};
	struct wheel *w = malloc(sizeof(*w));
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct wheel_timer t = {0};
		ns_t due = rows[i].start_ns + rows[i].after_ns;
		wheel_init(w, rows[i].start_ns);
		wheel_set(w, &t, due);
		assert_true(wheel_is_set(&t));
		ns_t now = rows[i].start_ns;
		struct wheel_timer *got = NULL;
		while (!got && now < due + 3 * TICK_NS) {
			now += TICK_NS / 2;
			wheel_turn(w, now);
			got = wheel_pop(w);
		}
		assert_ptr_equal(got, &t);
		assert_false(wheel_is_set(&t));
		assert_true(now >= due);
		assert_true(now < due + 2 * TICK_NS);
		assert_null(wheel_pop(w));
	}
	free(w);
}

static void
fires_after_a_long_sleep(void **state)
{
	struct wheel *w = malloc(sizeof(*w));
	struct wheel_timer t = {0}, far = {0};
	wheel_init(w, 77);
	wheel_set(w, &t, 100 * NS_IN_S);
	wheel_set(w, &far, 90ull * 86400 * NS_IN_S); /* past the horizon */
	wheel_turn(w, 3600 * NS_IN_S);
	assert_ptr_equal(wheel_pop(w), &t);
	assert_null(wheel_pop(w));
	wheel_clear(w, &far);
	wheel_turn(w, 7200 * NS_IN_S);
	assert_null(wheel_pop(w));
	wheel_set(w, &t, 1); /* long past */
	assert_ptr_equal(wheel_pop(w), &t);
	free(w);
}

enum { N_TIMERS = 2000 };

/* Random sets, moves and clears against the plain meaning. */
static void
agrees_with_a_model(void **state)
{
	static struct wheel_timer timers[N_TIMERS];
	static ns_t due[N_TIMERS]; /* 0: not set */
	struct wheel *w = malloc(sizeof(*w));
	ns_t now = 987654321987ull, turned = now;
	wheel_init(w, now);
	srandom(1);
	for (unsigned round = 0; round < 20000; round++) {
		unsigned i = (unsigned)random() % N_TIMERS;
		if (random() % 4 == 0) {
			wheel_clear(w, &timers[i]);
			due[i] = 0;
		} else {
			ns_t away = (ns_t)random() % (1ull << (random() % 40));
			due[i] = now + away;
			wheel_set(w, &timers[i], due[i]);
		}
		now += (ns_t)random() % (20 * NS_IN_MS);
		wheel_turn(w, now);
		turned = now;
		for (struct wheel_timer *t; (t = wheel_pop(w));) {
			size_t k = (size_t)(t - timers);
			assert_true(due[k] != 0 && due[k] <= now);
			due[k] = 0;
		}
		if (round % 1000)
			continue;
		for (size_t k = 0; k < N_TIMERS; k++)
			assert_true(due[k] == 0 || due[k] + 2 * TICK_NS > turned);
	}
	free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_in_time),
		cmocka_unit_test(fires_after_a_long_sleep),
		cmocka_unit_test(agrees_with_a_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
