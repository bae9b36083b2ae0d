/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules in text: what is understood, as what, and what is refused with which words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "filter/rule.h"

static size_t
print_ranges(char *out, size_t room, const struct filter_range *r, size_t n)
{
	char first[ADDR_TEXT_BYTES], last[ADDR_TEXT_BYTES];
	size_t at = 0;
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, room - at, "%s-%s ",
			addr_format(&r[i].first, first), addr_format(&r[i].last, last));
	return at;
}

static void
print(const struct filter_rule *r, char out[1024])
{
	size_t at = print_ranges(out, 1024, r->sources, r->n_sources);
	at += (size_t)snprintf(out + at, 1024 - at, "> ");
	at += print_ranges(out + at, 1024 - at, r->destinations, r->n_destinations);
	at += (size_t)snprintf(out + at, 1024 - at, ":");
	for (size_t i = 0; i < r->n_services; i++)
		at += (size_t)snprintf(out + at, 1024 - at, " %u/%u-%u", r->services[i].proto,
			r->services[i].first_port, r->services[i].last_port);
}

static void
test_good(void **state)
{
	static const struct {
		const char *text, *means;
	} cases[] = {
		{"10.0.0.0/24, 10.1.0.7 -> 192.168.20.0/24 : tcp/22, tcp/8000-8100, icmp",
			"10.0.0.0-10.0.0.255 10.1.0.7-10.1.0.7 > 192.168.20.0-192.168.20.255 : "
			"6/22-22 6/8000-8100 1/0-65535 58/0-65535"},
		{"10.0.0.9/24 -> 10.0.0.1", "10.0.0.0-10.0.0.255 > 10.0.0.1-10.0.0.1 : "
			"6/0-65535 17/0-65535 1/0-65535 58/0-65535"},
		{"fd00::/64->fd01::1-fd01::ff : UDP", "fd00::-fd00::ffff:ffff:ffff:ffff > "
			"fd01::1-fd01::ff : 17/0-65535"},
		{"  10.0.0.1 - 10.0.0.5 ->  10.0.0.1 :  * ",
			"10.0.0.1-10.0.0.5 > 10.0.0.1-10.0.0.1 : 256/0-65535"},
		{"10.0.0.0/31 -> 10.0.0.1 : proto/47, sctp/0-65535, udp/0",
			"10.0.0.0-10.0.0.1 > 10.0.0.1-10.0.0.1 : 47/0-65535 132/0-65535 17/0-0"},
		{"* -> ::1 : tcp", "0.0.0.0-255.255.255.255 "
			"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff > ::1-::1 : 6/0-65535"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct filter_rule r = {0};
		struct err err = {0};
		char text[256], means[1024];
		snprintf(text, sizeof(text), "%s", cases[i].text);
		assert_int_equal(filter_rule_parse(text, &r, &err), 0);
		print(&r, means);
		assert_string_equal(means, cases[i].means);
		filter_rule_fini(&r);
	}
}

static void
test_bad(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "no ->"},
		{"10.0.0.0/24", "no ->"},
		{"-> 10.0.0.1", "sources are missing"},
		{"10.0.0.1 -> : tcp", "destinations are missing"},
		{"10.0.0.1 -> 10.0.0.2 :", "services are missing"},
		{"10.0.0.1, -> 10.0.0.2", "sources are missing"},
		{"10.0.0.256 -> 10.0.0.2", "'10.0.0.256' among the sources"},
		{"10.0.0.0/33 -> 10.0.0.2", "'10.0.0.0/33' among the sources"},
		{"10.0.0.9-10.0.0.1 -> 10.0.0.2", "'10.0.0.9-10.0.0.1' among the sources"},
		{"10.0.0.1-fd00::1 -> 10.0.0.2", "among the sources"},
		{"10.0.0.1 -> host : tcp", "'host' among the destinations"},
		{"10.0.0.1 -> 10.0.0.2 : http", "'http' among the services"},
		{"10.0.0.1 -> 10.0.0.2 : tcp/", "'tcp/' among the services"},
		{"10.0.0.1 -> 10.0.0.2 : tcp/22-", "'tcp/22-' among the services"},
		{"10.0.0.1 -> 10.0.0.2 : tcp/65536", "'tcp/65536' among the services"},
		{"10.0.0.1 -> 10.0.0.2 : tcp/90-80", "'tcp/90-80' among the services"},
		{"10.0.0.1 -> 10.0.0.2 : icmp/8", "'icmp/8' among the services"},
		{"10.0.0.1 -> 10.0.0.2 : proto", "'proto' among the services"},
		{"10.0.0.1 -> 10.0.0.2 : proto/256", "'proto/256' among the services"},
		{"10.0.0.1 -> 10.0.0.2 : tcp/99999999999999999999", "among the services"},
		{"10.0.0.1 -> 10.0.0.2: tcp", "'10.0.0.2: tcp' among the destinations"},
	};
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct filter_rule r = {0};
		struct err err = {0};
		char text[256];
		snprintf(text, sizeof(text), "%s", cases[i].text);
		assert_int_equal(filter_rule_parse(text, &r, &err), -EINVAL);
		if (!strstr(err.text, cases[i].says))
			fail_msg("'%s' says '%s'", cases[i].text, err.text);
		assert_null(r.text);
		assert_null(r.sources);
	}
}

static void
add(struct filter_plan *p, const char *line)
{
	struct filter_rule r = {0};
	char text[128];
	snprintf(text, sizeof(text), "%s", line);
	assert_int_equal(filter_rule_parse(text, &r, NULL), 0);
	assert_int_equal(filter_plan_add(p, &r), 0);
}

static void
test_plan(void **state)
{
	struct filter_plan a = {.is_on = true};
	add(&a, "10.0.0.1 -> 10.0.0.2 : tcp/22");
	add(&a, "* -> 10.0.0.3");
	struct filter_plan *b = filter_plan_copy(&a);
	assert_non_null(b);
	assert_true(filter_plan_is_equal(&a, b));
	b->rules[1].services[0].last_port--;
	assert_false(filter_plan_is_equal(&a, b));
	b->rules[1].services[0].last_port++;
	b->is_strict_tcp = true;
	assert_false(filter_plan_is_equal(&a, b));
	b->is_strict_tcp = false;
	add(b, "* -> 10.0.0.4");
	assert_false(filter_plan_is_equal(&a, b));
	filter_plan_fini(&a);
	assert_int_equal(a.n_rules, 0);
	filter_plan_destroy(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_plan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
