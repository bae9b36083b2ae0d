/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets of ranges: what is left of some when others are cut out, as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "filter/ranges.h"

static void
read_set(const char *list, struct filter_ranges *out)
{
	char text[512], *save = NULL;
	snprintf(text, sizeof(text), "%s", list);
	for (char *item = strtok_r(text, " ", &save); item; item = strtok_r(NULL, " ", &save)) {
		struct filter_range r[2];
		int n = filter_range_parse(item, r);
		assert_true(n > 0);
		for (int i = 0; i < n; i++)
			assert_int_equal(filter_ranges_add(out, &r[i]), 0);
	}
}

static void
expect_set(struct filter_ranges *s, const char *wanted)
{
	char text[1024] = "";
	filter_ranges_merge(s);
	for (size_t i = 0; i < s->n; i++) {
		char first[ADDR_TEXT_BYTES], last[ADDR_TEXT_BYTES];
		size_t n = strlen(text);
		snprintf(text + n, sizeof(text) - n, "%s%s-%s", n ? " " : "",
			addr_format(&s->items[i].first, first),
			addr_format(&s->items[i].last, last));
	}
	assert_string_equal(text, wanted);
}

static void
test_remove(void **state)
{
	static const struct {
		const char *from, *holes, *left;
	} cases[] = {
		{"", "*", ""},
		{"10.0.0.0/30", "", "10.0.0.0-10.0.0.3"},
		{"10.0.0.0/30", "fd00::/8 10.0.0.4", "10.0.0.0-10.0.0.3"},
		{"10.0.0.0/30", "10.0.0.0/30", ""},
		{"10.0.0.0/30", "10.0.0.0/8", ""},
		{"10.0.0.0/30", "*", ""},
		{"10.0.0.0/30", "10.0.0.0", "10.0.0.1-10.0.0.3"},
		{"10.0.0.0/30", "10.0.0.3", "10.0.0.0-10.0.0.2"},
		{"10.0.0.0/30", "10.0.0.1", "10.0.0.0-10.0.0.0 10.0.0.2-10.0.0.3"},
		{"10.0.0.0/29", "10.0.0.6 10.0.0.2-10.0.0.3 10.0.0.3-10.0.0.4",
			"10.0.0.0-10.0.0.1 10.0.0.5-10.0.0.5 10.0.0.7-10.0.0.7"},
		{"10.0.0.0/30 10.0.0.8/30", "10.0.0.2-10.0.0.9",
			"10.0.0.0-10.0.0.1 10.0.0.10-10.0.0.11"},
		{"*", "0.0.0.0/1 8000::/1",
			"128.0.0.0-255.255.255.255 ::-7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"*", "0.0.0.0 255.255.255.255 ::/1 8000::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
			"0.0.0.1-255.255.255.254 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff-"
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"0.0.0.0/0", "10.0.0.0/8 11.0.0.0/8 9.255.255.255",
			"0.0.0.0-9.255.255.254 12.0.0.0-255.255.255.255"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct filter_ranges s = {0}, holes = {0};
		read_set(cases[i].from, &s);
		read_set(cases[i].holes, &holes);
		assert_int_equal(filter_ranges_remove(&s, &holes), 0);
		expect_set(&s, cases[i].left);
		filter_ranges_fini(&s);
		filter_ranges_fini(&holes);
	}
}

static void
test_merge(void **state)
{
	static const char *const cases[][2] = {
		{"10.0.0.2 10.0.0.0/31 10.0.0.4", "10.0.0.0-10.0.0.2 10.0.0.4-10.0.0.4"},
		{"10.0.0.0/8 10.0.0.1 10.255.0.0/16", "10.0.0.0-10.255.255.255"},
		{"255.255.255.255 :: *", "0.0.0.0-255.255.255.255 "
			"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"255.255.255.255 ::", "255.255.255.255-255.255.255.255 ::-::"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct filter_ranges s = {0};
		read_set(cases[i][0], &s);
		expect_set(&s, cases[i][1]);
		filter_ranges_fini(&s);
	}
}

static void
test_format(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"10.0.0.1", "10.0.0.1"},
		{"10.0.0.0-10.0.0.1", "10.0.0.0/31"},
		{"10.0.0.1-10.0.0.2", "10.0.0.1-10.0.0.2"},
		{"0.0.0.0-255.255.255.255", "0.0.0.0/0"},
		{"fd00::/8", "fd00::/8"},
		{"fd00::1", "fd00::1"},
		{"2000::-2001:db8::1", "2000::-2001:db8::1"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		char text[FILTER_RANGE_TEXT_BYTES];
		struct filter_range r[2];
		assert_int_equal(filter_range_parse(cases[i].in, r), 1);
		assert_string_equal(filter_range_format(r, text), cases[i].out);
	}
}

static void
test_wrong(void **state)
{
	struct filter_ranges s = {0};
	struct filter_range r[2];
	assert_int_equal(filter_range_parse("10.0.0.1-10.0.0.2", r), 1);
	struct filter_range turned = {r[0].last, r[0].first}, none = {{{0}, 0}, {{0}, 0}};
	assert_int_not_equal(filter_ranges_add(&s, &turned), 0);
	assert_int_not_equal(filter_ranges_add(&s, &none), 0);
	assert_int_equal(s.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
