/* SPDX-License-Identifier: BSD-3-Clause */
/* The prefix table by example: what is set, what is asked, what is answered and refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/rcu.h"
#include "route/route.h"

static struct prefix
prefix_of(const char *text)
{
	struct prefix p;
	if (prefix_parse(text, &p))
		fail_msg("bad prefix %s", text);
	return p;
}

static struct route_table *
table_of(uint8_t family)
{
	struct route_table *t = route_create(family);
	assert_non_null(t);
	return t;
}

static void
set(struct route_table *t, const char *text, uint32_t value)
{
	struct prefix p = prefix_of(text);
	assert_int_equal(route_set(t, &p, value), 0);
}

static int
del(struct route_table *t, const char *text)
{
	struct prefix p = prefix_of(text);
	return route_del(t, &p);
}

static uint32_t
get(const struct route_table *t, const char *text)
{
	struct prefix p = prefix_of(text);
	return route_get(t, &p);
}

/* Single and bulk, at an odd address, must say the same. */
static uint32_t
ask(const struct route_table *t, const char *text)
{
	struct addr a;
	uint8_t odd[17];
	assert_int_equal(addr_parse(text, &a), 0);
	memcpy(odd + 1, a.bytes, sizeof(a.bytes));
	struct route_query q = {.table = t, .addr = odd + 1, .value = 77};
	route_lookup_bulk(&q, 1);
	assert_int_equal(route_lookup(t, odd + 1), q.value);
	return q.value;
}

struct row {
	char op; /* '+' set, '-' delete, '?' look up, '=' exact match, 'x' delete what is not there
		  */
	const char *what;
	uint32_t value;
};

static const struct row v4_rows[] = {
	{'?', "10.0.0.1", 0},
	{'x', "0.0.0.0/0", 0},
	{'+', "0.0.0.0/0", 1}, /* the default */
	{'?', "10.0.0.1", 1},
	{'?', "255.255.255.255", 1},
	{'+', "10.0.0.0/8", 2}, /* longer wins */
	{'+', "10.1.0.0/16", 3},
	{'+', "10.1.2.0/24", 4},
	{'+', "10.1.2.3/32", 5},
	{'?', "10.1.2.3", 5},
	{'?', "10.1.2.4", 4},
	{'?', "10.1.3.4", 3},
	{'?', "10.2.3.4", 2},
	{'?', "11.2.3.4", 1},
	{'+', "10.1.2.99/24", 6}, /* host bits are ignored: replaces */
	{'?', "10.1.2.4", 6},
	{'=', "10.1.2.0/24", 6},
	{'=', "10.1.2.0/25", 0},
	{'=', "10.1.2.0/23", 0},
	{'x', "10.1.2.0/25", 0},
	{'x', "10.1.2.4/32", 0},
	{'-', "10.1.2.0/24", 0}, /* what it covered falls back */
	{'?', "10.1.2.4", 3},
	{'?', "10.1.2.3", 5},
	{'x', "10.1.2.0/24", 0},
	{'+', "128.0.0.0/1", 7}, /* halves, and both ends of the range */
	{'+', "0.0.0.0/32", 8},
	{'+', "255.255.255.255/32", 9},
	{'?', "128.0.0.0", 7},
	{'?', "127.255.255.255", 1},
	{'?', "0.0.0.0", 8},
	{'?', "0.0.0.1", 1},
	{'?', "255.255.255.255", 9},
	{'?', "255.255.255.254", 7},
	{'-', "0.0.0.0/0", 0},
	{'?', "11.2.3.4", 0},
	{'?', "10.2.3.4", 2},
	{'+', "10.2.3.4/31", 0xffffffff}, /* any value but 0 */
	{'?', "10.2.3.5", 0xffffffff},
	{'?', "10.2.3.6", 2},
};

static const struct row v6_rows[] = {
	{'?', "::", 0},
	{'+', "2001:db8::/32", 1},
	{'?', "2001:db8::1", 1},
	{'?', "2001:db9::1", 0}, /* a skipped level is checked */
	{'?', "a001:db8::1", 0},
	{'+', "2001:db8:0:1::/64", 2}, /* across the words' border */
	{'+', "2001:db8:0:1:8000::/65", 3},
	{'+', "2001:db8:0:1:8000::/66", 4},
	{'+', "2001:db8:0:1:8000::/63", 5},
	{'?', "2001:db8:0:1:7fff::", 2},
	{'?', "2001:db8:0:1:8000::", 4},
	{'?', "2001:db8:0:1:c000::", 3},
	{'?', "2001:db8::8000:0:0:0", 5},
	{'+', "2001:db8:0:1::7/128", 6},
	{'+', "2001:db8:0:1::6/127", 7},
	{'+', "2001:db8:0:1::4/126", 8},
	{'+', "2001:db8:0:1::/125", 9},
	{'?', "2001:db8:0:1::7", 6},
	{'?', "2001:db8:0:1::6", 7},
	{'?', "2001:db8:0:1::5", 8},
	{'?', "2001:db8:0:1::3", 9},
	{'?', "2001:db8:0:1::8", 2},
	{'+', "::/0", 10},
	{'+', "::/128", 11},
	{'?', "::", 11},
	{'?', "::1", 10},
	{'?', "ffff::", 10},
	{'-', "2001:db8:0:1::/64", 0},
	{'?', "2001:db8:0:1::8", 5},
	{'-', "2001:db8:0:1::7/128", 0},
	{'?', "2001:db8:0:1::7", 7},
	{'=', "2001:db8:0:1::7/128", 0},
	{'=', "2001:db8:0:1::7/127", 7},
	{'x', "2001:db8:0:1::7/128", 0},
};

static void
run_rows(uint8_t family, const struct row *rows, size_t n)
{
	struct route_table *t = table_of(family);
	uint32_t count = 0;
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		uint32_t got = r->value;
		if (r->op == '+') {
			count += get(t, r->what) == 0;
			set(t, r->what, r->value);
		} else if (r->op == '-') {
			count--;
			assert_int_equal(del(t, r->what), 0);
		} else if (r->op == 'x') {
			assert_int_equal(del(t, r->what), -ENOENT);
		} else {
			got = r->op == '?' ? ask(t, r->what) : get(t, r->what);
		}
		if (got != r->value)
			fail_msg("row %zu: %s yields %u, not %u", i, r->what, got, r->value);
		assert_int_equal(route_count(t), count);
	}
	route_destroy(t);
}

static void
answers_v4(void **state)
{
	run_rows(ADDR_V4, v4_rows, ARRAY_COUNT(v4_rows));
}

static void
answers_v6(void **state)
{
	run_rows(ADDR_V6, v6_rows, ARRAY_COUNT(v6_rows));
}

static void
refuses(void **state)
{
	struct route_table *t = table_of(ADDR_V4);
	struct prefix good = prefix_of("10.0.0.0/8");
	struct prefix other = prefix_of("2001:db8::/32");
	struct prefix too_long = good;
	struct prefix none = {0};
	too_long.len = 33;
	assert_int_equal(route_set(t, &good, 0), -EINVAL);
	assert_int_equal(route_set(t, &other, 1), -EINVAL);
	assert_int_equal(route_set(t, &too_long, 1), -EINVAL);
	assert_int_equal(route_set(t, &none, 1), -EINVAL);
	assert_int_equal(route_del(t, &other), -EINVAL);
	assert_int_equal(route_del(t, &too_long), -EINVAL);
	assert_int_equal(route_get(t, &too_long), 0);
	assert_int_equal(route_count(t), 0);
	assert_int_equal(route_set(t, &good, 1), 0);
	route_destroy(t);
	assert_null(route_create(ADDR_NONE));
	assert_null(route_create(5));
	route_destroy(NULL);
}

/* One burst over two families, three tables and none. */
static void
mixes_tables(void **state)
{
	struct route_table *a = table_of(ADDR_V4), *b = table_of(ADDR_V4), *c = table_of(ADDR_V6);
	set(a, "10.0.0.0/8", 1);
	set(a, "10.1.0.0/16", 2);
	set(b, "10.0.0.0/8", 3);
	set(c, "2001:db8::/32", 4);
	struct addr v4, v6;
	addr_parse("10.1.2.3", &v4);
	addr_parse("2001:db8::1", &v6);
	struct route_query q[ROUTE_BULK_MAX];
	static const uint32_t expected[4] = {2, 3, 4, 0};
	const struct route_table *tables[4] = {a, b, c, NULL};
	for (unsigned i = 0; i < ROUTE_BULK_MAX; i++)
		q[i] = (struct route_query){
			.table = tables[i * 7 % 4],
			.addr = i * 7 % 4 == 3   ? NULL
				: i * 7 % 4 == 2 ? v6.bytes
						 : v4.bytes,
			.value = 99,
		};
	route_lookup_bulk(q, ROUTE_BULK_MAX);
	for (unsigned i = 0; i < ROUTE_BULK_MAX; i++)
		assert_int_equal(q[i].value, expected[i * 7 % 4]);
	route_lookup_bulk(q, 0);
	route_destroy(a);
	route_destroy(b);
	route_destroy(c);
}

struct seen {
	unsigned n;
	unsigned stop_after;
};

static const char *const in_order[] = {
	"0.0.0.0/0",
	"0.0.0.0/1",
	"0.0.0.0/32",
	"10.0.0.0/8",
	"10.0.0.0/9",
	"10.0.0.0/32",
	"10.0.0.1/32",
	"10.64.0.0/10",
	"10.128.0.0/9",
	"192.0.2.0/24",
	"255.255.255.255/32",
};

static int
see(void *ctx, const struct prefix *p, uint32_t value)
{
	struct seen *s = ctx;
	char text[PREFIX_TEXT_BYTES];
	assert_true(s->n < ARRAY_COUNT(in_order));
	assert_string_equal(prefix_format(p, text), in_order[s->n]);
	assert_int_equal(value, s->n + 1);
	s->n++;
	return s->n == s->stop_after ? 5 : 0;
}

static void
walks_in_order(void **state)
{
	struct route_table *t = table_of(ADDR_V4);
	struct seen s = {0};
	assert_int_equal(route_walk(t, see, &s), 0);
	assert_int_equal(s.n, 0);
	for (unsigned i = 0; i < ARRAY_COUNT(in_order); i++) {
		unsigned at = i * 4 % ARRAY_COUNT(in_order); /* 4 and 11 share no factor */
		set(t, in_order[at], at + 1);
	}
	assert_int_equal(route_walk(t, see, &s), 0);
	assert_int_equal(s.n, ARRAY_COUNT(in_order));
	s = (struct seen){.stop_after = 3};
	assert_int_equal(route_walk(t, see, &s), 5);
	assert_int_equal(s.n, 3);
	route_destroy(t);
}

/* What updates replace is used again, other addresses or not: the memory settles. */
static void
reuses_memory(void **state)
{
	struct route_table *t = table_of(ADDR_V4);
	uint64_t settled = 0;
	for (unsigned round = 0; round < 40; round++) {
		for (uint32_t i = 0; i < 600; i++) {
			struct prefix p = {.addr = addr_from_v4((round << 24) + i * 37), .len = 32};
			assert_int_equal(route_set(t, &p, i + 1), 0);
		}
		for (uint32_t i = 0; i < 600; i++) {
			struct prefix p = {.addr = addr_from_v4((round << 24) + i * 37), .len = 32};
			assert_int_equal(route_del(t, &p), 0);
		}
		rcu_wait_retired();
		if (round == 10)
			settled = route_memory_bytes(t);
	}
	assert_int_equal(route_count(t), 0);
	/* Up to one batch of retired nodes has not come back yet. */
	assert_true(route_memory_bytes(t) <= settled + settled / 8);
	route_destroy(t);
}

static int
wait_retired(void **state)
{
	rcu_wait_retired();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_v4),
		cmocka_unit_test(answers_v6),
		cmocka_unit_test(refuses),
		cmocka_unit_test(mixes_tables),
		cmocka_unit_test(walks_in_order),
		cmocka_unit_test(reuses_memory),
	};
	return cmocka_run_group_tests(tests, NULL, wait_retired);
}
