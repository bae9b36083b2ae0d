/* SPDX-License-Identifier: BSD-3-Clause */
/* Which answers of a name are followed, and the life of the names asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "control/resolver.h"

static struct endpoint
endpoint_of(const char *text)
{
	struct endpoint e = {0};
	if (text)
		assert_int_equal(endpoint_parse(text, &e), 0);
	return e;
}

static void
which_answers_count(void **state)
{
	static const struct {
		const char *now, *before, *current;
		bool is_given_up, counts;
	} rows[] = {
		{"192.0.2.1:1", NULL, NULL, false, true},           /* the first time */
		{"192.0.2.1:1", NULL, "192.0.2.9:1", false, true},  /* that, and heard from it */
		{"192.0.2.1:1", "192.0.2.1:1", "192.0.2.1:1", false, false}, /* nothing is new */
		{"192.0.2.1:1", "192.0.2.1:1", "192.0.2.1:1", true, false},
		{"192.0.2.2:1", "192.0.2.1:1", "192.0.2.1:1", false, true},  /* the name moved */
		{"192.0.2.2:1", "192.0.2.1:1", "192.0.2.9:1", false, true},  /* the peer too */
		{"192.0.2.1:1", "192.0.2.1:1", "192.0.2.9:1", false, false}, /* it has roamed */
		{"192.0.2.1:1", "192.0.2.1:1", "192.0.2.9:1", true, true},   /* to nowhere */
		{"[2001:db8::1]:1", "192.0.2.1:1", "192.0.2.1:1", false, true},
	};
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct endpoint current = endpoint_of(rows[i].current);
		struct resolver_answer a = {.now = endpoint_of(rows[i].now),
			.before = endpoint_of(rows[i].before), .is_given_up = rows[i].is_given_up};
		if (resolver_answer_counts(&a, &current) != rows[i].counts)
			fail_msg("row %zu", i);
	}
}

struct log {
	unsigned n;
	struct resolver_answer last;
};

static void
note(void *ctx, const struct resolver_answer *answer)
{
	struct log *l = ctx;
	l->n++;
	l->last = *answer;
}

static void
begin(struct resolver *r, uv_loop_t *loop, struct log *l)
{
	memset(r, 0, sizeof(*r));
	memset(l, 0, sizeof(*l));
	assert_int_equal(uv_loop_init(loop), 0);
	resolver_init(r, loop);
	r->found = note;
	r->ctx = l;
}

static void
end(struct resolver *r, uv_loop_t *loop)
{
	resolver_fini(r);
	uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(loop), 0);
	assert_int_equal(r->n_under_way, 0);
}

/* Numbers are names too, that need no server. */
static void
many_names_each_found_once(void **state)
{
	enum { N = 3 * RESOLVER_AT_ONCE };
	struct resolver r;
	uv_loop_t loop;
	struct log l;
	begin(&r, &loop, &l);
	for (unsigned i = 0; i < N; i++) {
		struct key k = {{1, (uint8_t)i}};
		assert_int_equal(resolver_start(&r, (uint16_t)(i % 2), &k, "127.0.0.1", 7), 0);
	}
	assert_int_equal(r.n_under_way, RESOLVER_AT_ONCE);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(l.n, N);
	assert_int_equal(r.by_peer.n, N);
	struct endpoint is = endpoint_of("127.0.0.1:7");
	assert_true(endpoint_is_equal(&l.last.now, &is));
	assert_false(endpoint_is_known(&l.last.before));

	/* One unanswered handshake so soon is no reason to ask again; a whole row of them is. */
	struct key k = {{1, 4}}, stranger = {{9}};
	resolver_again(&r, 0, &k, false);
	resolver_again(&r, 1, &k, true); /* the other interface's */
	resolver_again(&r, 0, &stranger, true);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(l.n, N);
	resolver_again(&r, 0, &k, true);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(l.n, N + 1);
	assert_true(l.last.is_given_up);
	assert_true(endpoint_is_equal(&l.last.before, &is));
	end(&r, &loop);
}

static void
forgotten_names_are_silent(void **state)
{
	struct resolver r;
	uv_loop_t loop;
	struct log l;
	begin(&r, &loop, &l);
	for (unsigned i = 0; i < 3 * RESOLVER_AT_ONCE; i++) {
		struct key k = {{1, (uint8_t)i}};
		assert_int_equal(resolver_start(&r, 0, &k, "127.0.0.1", 7), 0);
	}
	for (unsigned i = 1; i < 3 * RESOLVER_AT_ONCE; i++) {
		struct key k = {{1, (uint8_t)i}};
		resolver_forget(&r, 0, &k);
	}
	struct key k = {{1, 0}};
	assert_int_equal(resolver_start(&r, 0, &k, "127.0.0.2", 8), 0); /* in place of the first */
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(l.n, 1);
	struct endpoint is = endpoint_of("127.0.0.2:8");
	assert_true(endpoint_is_equal(&l.last.now, &is));
	/* What is under way at the end is not heard of any more. */
	resolver_again(&r, 0, &k, true);
	end(&r, &loop);
	assert_int_equal(l.n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_answers_count),
		cmocka_unit_test(many_names_each_found_once),
		cmocka_unit_test(forgotten_names_are_silent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
