/* SPDX-License-Identifier: BSD-3-Clause */
/* The rate limit: bursts and refill as rows, what counts as one source, and a full table. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "noise/ratelimit.h"

#define NOW (1000 * NS_IN_S)

static bool
allow(struct ratelimit *r, const char *source, ns_t now)
{
	struct addr a;
	assert_int_equal(addr_parse(source, &a), 0);
	return ratelimit_allow(r, &a, now);
}

static void
rows(void **state)
{
	static const struct {
		unsigned at_ms;
		const char *source;
		unsigned n_sent, n_allowed;
	} table[] = {
		{0, "192.0.2.1", 7, 5},
		{0, "192.0.2.2", 5, 5},        /* another address */
		{0, "2001:db8::1", 3, 3},
		{0, "2001:db8::2", 3, 2},      /* the same /64 */
		{0, "2001:db8:0:0:ffff::", 1, 0},
		{0, "2001:db8:0:1::1", 6, 5},  /* the next one */
		{0, "::192.0.2.1", 1, 1},      /* no v4 address */
		{49, "192.0.2.1", 1, 0},
		{50, "192.0.2.1", 2, 1},       /* 20 a second */
		{150, "192.0.2.1", 3, 2},
		{100, "192.0.2.1", 1, 0},      /* a clock that goes back gives nothing */
		{199, "192.0.2.1", 1, 0},
		{5000, "192.0.2.1", 9, 5},     /* never more than 5 at once */
		{5000, "2001:db8::3", 9, 5},
	};
	struct ratelimit r;
	assert_int_equal(ratelimit_init(&r, 64), 0);
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		unsigned n_allowed = 0;
		for (unsigned n = 0; n < table[i].n_sent; n++)
			n_allowed += allow(&r, table[i].source, NOW + table[i].at_ms * NS_IN_MS);
		assert_int_equal(n_allowed, table[i].n_allowed);
	}
	ratelimit_fini(&r);
}

/* One set of eight: the ninth source is denied until one has been idle for a second. */
static void
full_table(void **state)
{
	struct ratelimit r;
	assert_int_equal(ratelimit_init(&r, 1), 0);
	for (uint32_t n = 0; n < RATELIMIT_WAYS; n++) {
		struct addr a = addr_from_v4(n);
		assert_true(ratelimit_allow(&r, &a, NOW));
	}
	assert_false(allow(&r, "192.0.2.1", NOW));
	assert_false(allow(&r, "192.0.2.1", NOW + NS_IN_S));
	assert_true(allow(&r, "0.0.0.3", NOW + NS_IN_S)); /* who has a place is served */
	assert_true(allow(&r, "192.0.2.1", NOW + NS_IN_S + 1));
	assert_true(allow(&r, "0.0.0.3", NOW + NS_IN_S + 1));
	ratelimit_fini(&r);
	assert_null(r.sets);
}

static void
sizes(void **state)
{
	struct ratelimit r;
	assert_int_equal(ratelimit_init(&r, 0), -EINVAL);
	assert_int_equal(ratelimit_init(&r, 3), -EINVAL);
	assert_int_equal(ratelimit_init(&r, RATELIMIT_SETS_DEFAULT), 0);
	ratelimit_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(full_table),
		cmocka_unit_test(sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
