/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Readers beside a writer. Value encodes prefix: its length stands in the top byte, a serial
 * number of the address it was cut from below. A covering prefix is always there. So each answer
 * can be judged alone: never 0, never of a prefix that does not cover the address; and addresses
 * under a host route that stays always get that one.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/rcu.h"
#include "route/route.h"

enum {
	N_READERS = 2,
	N_POINTS = 4096,
	N_FIXED = 64,
	RUN_MS = 1200,
};

struct shared {
	struct route_table *table;
	struct addr points[N_POINTS];
	uint8_t cover_len;
	bool done;      /* atomic */
	uint64_t n_bad; /* atomic */
};

struct reader {
	pthread_t thread;
	struct shared *shared;
	uint64_t seed;
	uint64_t n_asked;
};

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint32_t
value_of(unsigned point, unsigned len)
{
	return (uint32_t)len << 24 | (point + 1);
}

static bool
is_right(const struct shared *s, unsigned asked, uint32_t value)
{
	uint32_t point = (value & 0xffffff) - 1;
	struct prefix p = {.len = (uint8_t)(value >> 24)};
	if (!value || point >= N_POINTS || p.len < s->cover_len)
		return false;
	if (asked < N_FIXED && value != value_of(asked, addr_bits(s->points[0].family)))
		return false;
	p.addr = s->points[point];
	return prefix_has(&p, &s->points[asked]);
}

static void *
read_on(void *arg)
{
	struct reader *r = arg;
	struct shared *s = r->shared;
	struct route_query q[32];
	unsigned asked[32];
	rcu_reader_register();
	while (!__atomic_load_n(&s->done, __ATOMIC_RELAXED)) {
		for (unsigned i = 0; i < ARRAY_COUNT(q); i++) {
			uint64_t draw = next_random(&r->seed);
			asked[i] = (unsigned)(draw >> 8) % (draw & 1 ? N_POINTS : N_FIXED);
			q[i].table = s->table;
			q[i].addr = s->points[asked[i]].bytes;
		}
		route_lookup_bulk(q, ARRAY_COUNT(q));
		uint64_t n_bad = 0;
		for (unsigned i = 0; i < ARRAY_COUNT(q); i++)
			n_bad += !is_right(s, asked[i], q[i].value) +
				 !is_right(s, asked[i], route_lookup(s->table, q[i].addr));
		if (n_bad)
			__atomic_add_fetch(&s->n_bad, n_bad, __ATOMIC_RELAXED);
		r->n_asked += ARRAY_COUNT(q);
		rcu_reader_quiescent();
	}
	rcu_reader_unregister();
	return NULL;
}

static void
set(struct shared *s, unsigned point, unsigned len)
{
	struct prefix p = {.addr = s->points[point], .len = (uint8_t)len};
	assert_int_equal(route_set(s->table, &p, value_of(point, len)), 0);
}

/* Sets and removes for RUN_MS, in phases that grow past the short cut's counts and shrink. */
static void
write_on(struct shared *s)
{
	unsigned bits = addr_bits(s->points[0].family);
	uint64_t seed = 99;
	ns_t end = clock_boot_ns() + RUN_MS * NS_IN_MS;
	for (uint64_t turn = 0; turn % 64 || clock_boot_ns() < end; turn++) {
		bool grows = turn / 20000 % 2 == 0;
		unsigned point = N_FIXED + (unsigned)(next_random(&seed) % (N_POINTS - N_FIXED));
		uint64_t draw = next_random(&seed) >> 16;
		unsigned len = s->cover_len + 1 + (unsigned)(draw % (bits - s->cover_len));
		if (draw >> 32 & 1)
			len = bits;
		struct prefix p = {.addr = s->points[point], .len = (uint8_t)len};
		if (turn % 512 == 0)
			set(s, 0, s->cover_len);
		else if (turn % 8 < (grows ? 6 : 2))
			set(s, point, len);
		else if (route_get(s->table, &p) >> 24 == len && !prefix_has(&p, &s->points[0]))
			assert_int_equal(route_del(s->table, &p), 0);
	}
}

/* Points share their first cover_len bits; the first N_FIXED keep their host routes. */
static void
run(uint8_t family, const char *base, uint8_t cover_len)
{
	struct shared s = {.table = route_create(family), .cover_len = cover_len};
	assert_non_null(s.table);
	uint64_t seed = 7;
	struct prefix cover = {.len = cover_len};
	addr_parse(base, &cover.addr);
	for (unsigned i = 0; i < N_POINTS; i++) {
		s.points[i] = cover.addr;
		for (unsigned b = cover_len; b < addr_bits(family); b++)
			s.points[i].bytes[b / 8] ^=
				(uint8_t)((next_random(&seed) >> 20 & 1) << (7 - b % 8));
	}
	set(&s, 0, cover_len);
	for (unsigned i = 0; i < N_FIXED; i++)
		set(&s, i, addr_bits(family));

	struct reader readers[N_READERS];
	for (unsigned i = 0; i < N_READERS; i++) {
		readers[i] = (struct reader){.shared = &s, .seed = 1000 + i};
		assert_int_equal(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
	}
	write_on(&s);
	__atomic_store_n(&s.done, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < N_READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		assert_true(readers[i].n_asked > 0);
	}
	assert_int_equal(s.n_bad, 0);
	route_destroy(s.table);
	rcu_wait_retired();
}

static void
v4_beside_a_writer(void **state)
{
	run(ADDR_V4, "100.64.0.0", 10);
}

static void
v6_beside_a_writer(void **state)
{
	run(ADDR_V6, "fd7a:115c:a1e0::", 48);
}

static void
default_route_beside_a_writer(void **state)
{
	run(ADDR_V4, "0.0.0.0", 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v4_beside_a_writer),
		cmocka_unit_test(v6_beside_a_writer),
		cmocka_unit_test(default_route_beside_a_writer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
