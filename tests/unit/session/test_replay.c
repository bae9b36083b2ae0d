/* SPDX-License-Identifier: BSD-3-Clause */
/* The replay window: rows of (counter, is it taken), then against a set of all counters seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "session/replay.h"

struct row {
	uint64_t counter;
	bool is_taken;
};

static void
run_rows(const struct row *rows, size_t n)
{
	struct replay r = {0};
	for (size_t i = 0; i < n; i++) {
		if (replay_accept(&r, rows[i].counter) != rows[i].is_taken)
			fail_msg("row %zu: counter %llu", i, (unsigned long long)rows[i].counter);
	}
}
#define RUN(...)                                                                                   \
	do {                                                                                       \
		static const struct row rows_[] = {__VA_ARGS__};                                   \
		run_rows(rows_, ARRAY_COUNT(rows_));                                               \
	} while (0)

enum { W = REPLAY_WINDOW };
_Static_assert((int)W == 8128, "as wide as the kernel's");

static void
in_order_and_again(void **state)
{
	RUN({0, true}, {0, false}, {1, true}, {1, false}, {0, false}, {9, true}, {8, true},
		{7, true}, {7, false}, {6, true}, {5, true}, {4, true}, {3, true}, {2, true},
		{2, false}, {9, false}, {16, true}, {15, true}, {16, false});
}

static void
first_counter_is_not_zero(void **state)
{
	RUN({5, true}, {0, true}, {0, false}, {5, false}, {4, true});
}

/* The farthest behind that is told apart is 8127; 8128 behind is refused though never seen. */
static void
edge_of_the_window(void **state)
{
	RUN({W, true}, {0, false}, {1, true}, {1, false}, {2, true});
	RUN({W - 1, true}, {0, true}, {0, false});
	RUN({W + 1, true}, {1, false}, {2, true}, {2, false}, {W + 1, false}, {W, true});
	RUN({3 * W, true}, {2 * W, false}, {2 * W + 1, true}, {3 * W - 1, true},
		{2 * W + 1, false});
	RUN({W, true}, {1, true}, {W + 1, true}, {1, false}, {2, true}, {W + 64, true}, {64, false},
		{65, true});
}

/* What lay in the ring before a jump is forgotten, not mistaken for what comes round again. */
static void
jumps(void **state)
{
	const uint64_t far = 1ull << 40;
	RUN({7, true}, {7 + REPLAY_BITS, true}, {7, false}, {8, false}, {7 + 64, false},
		{7 + 65, true}, {7 + REPLAY_BITS, false});
	RUN({0, true}, {far, true}, {0, false}, {far - 1, true}, {far - 1, false},
		{far - W + 1, true}, {far - W, false}, {far + 63, true}, {far, false});
	RUN({100, true}, {100 + 2 * REPLAY_BITS, true}, {100 + REPLAY_BITS, false},
		{100 + 2 * REPLAY_BITS - W + 1, true});
}

/*
 * Refusing REJECT_AFTER_MESSAGES is the caller's; up to there, and past it, counters are numbers.
 */
static void
near_the_limit(void **state)
{
	const uint64_t reject = UINT64_MAX - (1ull << 13);
	RUN({reject - 1, true}, {reject - 1, false}, {reject - W, true}, {reject - W - 1, false},
		{reject, true}, {reject - W, false}, {reject - W + 1, true});
	RUN({UINT64_MAX - 1, true}, {UINT64_MAX, true}, {UINT64_MAX, false}, {0, false},
		{UINT64_MAX - W + 1, true}, {UINT64_MAX - W, false});
}

static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Mostly forward by little, sometimes far back, across the edge, or far ahead. */
static uint64_t
draw(uint64_t *rng, uint64_t greatest, uint64_t max)
{
	uint64_t r = next_random(rng), small = (r >> 8) % 70, back = (r >> 8) % (W + 200);
	switch (r % 8) {
	case 0:
	case 1:
	case 2:
		return (greatest + small) % max;
	case 3:
	case 4:
		return greatest > small ? greatest - small : 0;
	case 5:
		return greatest > back ? greatest - back : 0;
	case 6:
		return greatest >= W ? greatest - W + (r >> 8) % 3 : 0;
	default:
		return (greatest + (r >> 8) % (r >> 32 & 7 ? 500 : 20000)) % max;
	}
}

static void
against_a_set(void **state)
{
	enum { MAX = 4 << 20 };
	uint8_t *seen = malloc(MAX);
	assert_non_null(seen);
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct replay r = {0};
		uint64_t rng = seed, greatest = 0;
		memset(seen, 0, MAX);
		for (unsigned i = 0; i < 100000; i++) {
			uint64_t c = draw(&rng, greatest, MAX);
			bool expected = !seen[c] && (c > greatest || greatest - c < W);
			assert_int_equal(replay_accept(&r, c), expected);
			if (expected)
				seen[c] = 1;
			if (expected && c > greatest)
				greatest = c;
		}
	}
	free(seen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_and_again),
		cmocka_unit_test(first_counter_is_not_zero),
		cmocka_unit_test(edge_of_the_window),
		cmocka_unit_test(jumps),
		cmocka_unit_test(near_the_limit),
		cmocka_unit_test(against_a_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
