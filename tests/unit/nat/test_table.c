/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of translated flows against a plain list; its times; what happens when it is full; and
 * several threads that want the same ports at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "nat/table.h"
#include "wire/ip.h"

static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static const struct nat_ports usual = {.first = 61000, .last = 65535};

static struct nat_flow
flow(uint32_t inner, uint16_t inner_port, uint32_t remote, uint8_t proto)
{
	return (struct nat_flow){.inner = {inner, 0},
		.ours = {0x0100007f, 0},
		.remote = {remote, 0},
		.inner_port = inner_port,
		.remote_port = proto == IP_PROTO_ICMP ? 0 : 4500,
		.family = ADDR_V4,
		.proto = proto};
}

/* As a reply would ask: without what is inside. */
static bool
is_found_outside(const struct nat_table *t, const struct nat_flow *f, uint32_t tick)
{
	struct nat_flow asked = *f;
	struct nat_found found;
	memset(asked.inner, 0, sizeof(asked.inner));
	asked.inner_port = 0;
	return nat_find_outer(t, &asked, tick, &found) &&
	       memcmp(asked.inner, f->inner, sizeof(f->inner)) == 0 &&
	       asked.inner_port == f->inner_port;
}

/* ---- Against a list ---- */

enum { MODEL_FLOWS = 400, MODEL_ROUNDS = 60000 };

struct model {
	struct nat_flow flows[MODEL_FLOWS];
	uint32_t seen[MODEL_FLOWS];
	bool is_there[MODEL_FLOWS], is_answered[MODEL_FLOWS];
};

static uint32_t
model_lifetime(const struct model *m, unsigned i)
{
	switch (m->flows[i].proto) {
	case IP_PROTO_UDP:
		return m->is_answered[i] ? NAT_UDP_TICKS : NAT_UDP_BRIEF_TICKS;
	case IP_PROTO_TCP:
		return m->is_answered[i] ? NAT_TCP_TICKS : NAT_TCP_BRIEF_TICKS;
	default:
		return NAT_ICMP_TICKS;
	}
}

static bool
model_has(const struct model *m, unsigned i, uint32_t tick)
{
	return m->is_there[i] && tick - m->seen[i] <= model_lifetime(m, i);
}

/* No two that are there are the same outside. */
static void
model_check_unique(const struct model *m, unsigned i, uint32_t tick)
{
	for (unsigned k = 0; k < MODEL_FLOWS; k++) {
		const struct nat_flow *a = &m->flows[i], *b = &m->flows[k];
		if (k == i || !model_has(m, k, tick))
			continue;
		assert_false(a->our_port == b->our_port && a->proto == b->proto &&
			     memcmp(a->remote, b->remote, sizeof(a->remote)) == 0);
	}
}

static void
model_out(struct model *m, struct nat_table *t, unsigned i, uint32_t tick)
{
	struct nat_flow f = m->flows[i];
	struct nat_found found;
	bool was_there = model_has(m, i, tick);
	f.our_port = 0;
	assert_int_equal(nat_find_inner(t, &usual, &f, tick, &found), was_there);
	if (was_there) {
		assert_int_equal(f.our_port, m->flows[i].our_port);
		nat_touch(&found, NAT_OUT, tick);
	} else {
		assert_true(nat_add(t, &usual, &f, tick));
		assert_in_range(f.our_port, usual.first, usual.last);
		m->flows[i].our_port = f.our_port;
		m->is_answered[i] = false;
	}
	m->is_there[i] = true;
	m->seen[i] = tick;
	model_check_unique(m, i, tick);
}

static void
model_in(struct model *m, struct nat_table *t, unsigned i, uint32_t tick)
{
	struct nat_flow f = m->flows[i];
	struct nat_found found;
	if (!m->is_there[i])
		return;
	bool is_it = nat_find_outer(t, &f, tick, &found) &&
		     memcmp(f.inner, m->flows[i].inner, sizeof(f.inner)) == 0 &&
		     f.inner_port == m->flows[i].inner_port;
	assert_int_equal(is_it, model_has(m, i, tick));
	if (!is_it)
		return;
	nat_touch(&found, NAT_IN, tick);
	m->is_answered[i] = true;
	m->seen[i] = tick;
}

static void
test_model(void **state)
{
	static const uint8_t protos[] = {IP_PROTO_UDP, IP_PROTO_TCP, IP_PROTO_ICMP};
	struct nat_table *t = nat_table_create(1024, NULL);
	struct model *m = calloc(1, sizeof(*m));
	uint64_t seed = 1;
	uint32_t tick = UINT32_MAX - 5000; /* over the end of the clock */
	assert_non_null(t);
	for (unsigned i = 0; i < MODEL_FLOWS; i++)
		m->flows[i] = flow(i % 7, (uint16_t)(i < 200 ? 61000 + i % 40 : i), i % 3,
			protos[i % 3]);
	for (unsigned k = 0; k < MODEL_ROUNDS; k++) {
		unsigned i = next_random(&seed) % MODEL_FLOWS;
		tick += next_random(&seed) % 4 == 0;
		if (next_random(&seed) % 2)
			model_out(m, t, i, tick);
		else
			model_in(m, t, i, tick);
	}
	free(m);
	nat_table_destroy(t);
}

/* ---- Ports ---- */

/* A socket has one port for all remote ends; its own one, when that is in the range. */
static void
test_ports(void **state)
{
	struct nat_table *t = nat_table_create(1024, NULL);
	struct nat_flow a = flow(1, 5353, 100, IP_PROTO_UDP), b = flow(1, 5353, 101, IP_PROTO_UDP);
	struct nat_flow c = flow(2, 61234, 100, IP_PROTO_UDP);
	struct nat_flow d = flow(3, 61234, 100, IP_PROTO_UDP);
	assert_true(nat_add(t, &usual, &a, 1) && nat_add(t, &usual, &b, 1));
	assert_int_equal(a.our_port, b.our_port);
	assert_true(nat_add(t, &usual, &c, 1) && nat_add(t, &usual, &d, 1));
	assert_int_equal(c.our_port, 61234);
	assert_int_not_equal(d.our_port, 61234);
	assert_true(is_found_outside(t, &a, 1) && is_found_outside(t, &b, 1) &&
		    is_found_outside(t, &c, 1) && is_found_outside(t, &d, 1));
	nat_table_destroy(t);
}

/* One port: one flow a remote end, and none where somebody listens. */
static void
test_exhaustion(void **state)
{
	static uint8_t in_use[65536];
	struct nat_table *t = nat_table_create(1024, NULL);
	struct nat_ports one = {.first = 61000, .last = 61000, .udp_in_use = in_use};
	struct nat_flow a = flow(1, 1, 100, IP_PROTO_UDP), b = flow(2, 1, 100, IP_PROTO_UDP);
	struct nat_flow c = flow(2, 1, 101, IP_PROTO_UDP), d = flow(2, 1, 102, IP_PROTO_UDP);
	struct nat_flow e = flow(2, 1, 102, IP_PROTO_TCP);
	assert_true(nat_add(t, &one, &a, 1));
	assert_false(nat_add(t, &one, &b, 1));
	assert_true(nat_add(t, &one, &c, 1));
	in_use[61000] = 1;
	assert_false(nat_add(t, &one, &d, 1));
	assert_true(nat_add(t, &one, &e, 1));
	/* when its time is over the port is the next one's */
	assert_false(is_found_outside(t, &a, 2 + NAT_UDP_BRIEF_TICKS));
	in_use[61000] = 0;
	assert_true(nat_add(t, &one, &b, 2 + NAT_UDP_BRIEF_TICKS));
	assert_true(is_found_outside(t, &b, 2 + NAT_UDP_BRIEF_TICKS));
	nat_table_destroy(t);
}

/* Unanswered flows make room, those that were answered stay, and when all were nothing goes. */
static void
test_displacing(void **state)
{
	struct nat_table *t = nat_table_create(1024, NULL);
	static struct nat_flow kept[800];
	struct nat_found found;
	unsigned n_added = 0, n_refused = 0;
	for (unsigned i = 0; i < ARRAY_COUNT(kept); i++) {
		kept[i] = flow(i, 7, 100 + i, IP_PROTO_TCP);
		assert_true(nat_add(t, &usual, &kept[i], 1));
		assert_true(nat_find_inner(t, &usual, &kept[i], 1, &found));
		nat_touch(&found, NAT_IN, 1);
	}
	for (unsigned i = 0; i < 20000; i++) {
		struct nat_flow f = flow(i, 8, 5000 + i, IP_PROTO_UDP);
		assert_true(nat_add(t, &usual, &f, 1 + i / 1000));
		assert_true(is_found_outside(t, &f, 1 + i / 1000));
	}
	for (unsigned i = 0; i < ARRAY_COUNT(kept); i++)
		assert_true(is_found_outside(t, &kept[i], 20));
	for (unsigned i = 0; i < 20000; i++) {
		struct nat_flow f = flow(i, 9, 50000 + i, IP_PROTO_UDP);
		if (!nat_add(t, &usual, &f, 21)) {
			n_refused++;
			continue;
		}
		n_added++;
		assert_true(nat_find_inner(t, &usual, &f, 21, &found));
		nat_touch(&found, NAT_IN, 21);
	}
	assert_true(n_added >= 1024 && n_refused > 0);
	struct nat_counts c = nat_table_count(t, 21);
	assert_int_equal(c.tcp, ARRAY_COUNT(kept));
	assert_true(c.udp >= 1024 && c.icmp == 0);
	nat_table_destroy(t);
}

/* What was refused, or has ended, makes room as well: a scan is answered by nothing but resets. */
static void
test_displacing_ended(void **state)
{
	static const unsigned ends[][2] = {{NAT_IN | NAT_RST, NAT_IN | NAT_RST},
		{NAT_IN | NAT_FIN, NAT_OUT | NAT_FIN}};
	struct nat_table *t = nat_table_create(1024, NULL);
	static struct nat_flow kept[400];
	struct nat_found found;
	for (unsigned i = 0; i < ARRAY_COUNT(kept); i++) {
		kept[i] = flow(i, 7, 100 + i, IP_PROTO_TCP);
		assert_true(nat_add(t, &usual, &kept[i], 1));
		assert_true(nat_find_inner(t, &usual, &kept[i], 1, &found));
		nat_touch(&found, NAT_IN, 1);
		nat_touch(&found, NAT_IN | NAT_FIN, 1); /* half closed goes on */
	}
	for (unsigned i = 0; i < 20000; i++) {
		struct nat_flow f = flow(i, 8, 5000 + i, IP_PROTO_TCP);
		assert_true(nat_add(t, &usual, &f, 2));
		assert_true(nat_find_inner(t, &usual, &f, 2, &found));
		for (unsigned k = 0; k < 2; k++)
			nat_touch(&found, ends[i % 2][k], 2);
	}
	for (unsigned i = 0; i < ARRAY_COUNT(kept); i++)
		assert_true(is_found_outside(t, &kept[i], 3));
	nat_table_destroy(t);
}

/* ---- Times ---- */

struct life {
	const char *what;
	uint8_t proto;
	unsigned events[4]; /* after the first packet, all at once */
	uint32_t ticks;
	uint16_t remote_port; /* 0: the usual one */
};

static const struct life lives[] = {
	{"UDP, not answered", IP_PROTO_UDP, {NAT_OUT}, NAT_UDP_BRIEF_TICKS},
	{"UDP", IP_PROTO_UDP, {NAT_IN}, NAT_UDP_TICKS},
	{"DNS, not answered", IP_PROTO_UDP, {NAT_OUT}, NAT_DNS_TICKS, 53},
	{"DNS", IP_PROTO_UDP, {NAT_IN}, NAT_DNS_TICKS, 53},
	{"DNS over TCP", IP_PROTO_TCP, {NAT_IN}, NAT_TCP_TICKS, 53},
	{"echo", IP_PROTO_ICMP, {NAT_IN, NAT_OUT}, NAT_ICMP_TICKS},
	{"SYN", IP_PROTO_TCP, {NAT_OUT | NAT_SYN}, NAT_TCP_BRIEF_TICKS},
	{"SYN, SYN ACK", IP_PROTO_TCP, {NAT_IN}, NAT_TCP_TICKS},
	{"a FIN", IP_PROTO_TCP, {NAT_IN, NAT_OUT | NAT_FIN}, NAT_TCP_TICKS},
	{"FIN, FIN", IP_PROTO_TCP, {NAT_IN | NAT_FIN, NAT_OUT | NAT_FIN}, NAT_TCP_BRIEF_TICKS},
	{"RST", IP_PROTO_TCP, {NAT_IN, NAT_IN | NAT_RST}, NAT_TCP_BRIEF_TICKS},
	{"a forged RST", IP_PROTO_TCP, {NAT_IN, NAT_IN | NAT_RST, NAT_OUT}, NAT_TCP_TICKS},
	{"SYN after FINs", IP_PROTO_TCP,
		{NAT_IN | NAT_FIN, NAT_OUT | NAT_FIN, NAT_OUT | NAT_SYN, NAT_IN}, NAT_TCP_TICKS},
};

static void
test_times(void **state)
{
	for (unsigned i = 0; i < ARRAY_COUNT(lives); i++) {
		const struct life *l = &lives[i];
		struct nat_table *t = nat_table_create(1024, NULL);
		struct nat_flow f = flow(1, 2, 3, l->proto);
		if (l->remote_port)
			f.remote_port = l->remote_port;
		struct nat_found found;
		assert_true(nat_add(t, &usual, &f, 1000));
		assert_true(nat_find_inner(t, &usual, &f, 1000, &found));
		for (unsigned k = 0; k < ARRAY_COUNT(l->events) && l->events[k]; k++)
			nat_touch(&found, l->events[k], 1000);
		bool lasts = is_found_outside(t, &f, 1000 + l->ticks);
		bool ends = !is_found_outside(t, &f, 1001 + l->ticks);
		if (!lasts || !ends)
			fail_msg("%s: %s", l->what, lasts ? "too long" : "too short");
		/* a worker whose clock is a tick behind */
		assert_true(is_found_outside(t, &f, 999));
		nat_table_destroy(t);
	}
}

/* ---- Threads ---- */

enum { THREADS = 4, THREAD_FLOWS = 1500, THREAD_ROUNDS = 12 };

struct racer {
	pthread_t thread;
	struct nat_table *t;
	pthread_barrier_t *start;
	uint32_t id;
	uint32_t n_lost;
	struct nat_flow flows[THREAD_FLOWS];
};

/* All want ports towards the same remote end, and the same candidates: inner ends are alike. */
static void *
race(void *ctx)
{
	struct racer *r = ctx;
	uint64_t seed = r->id;
	struct nat_found found;
	for (uint32_t round = 0; round < THREAD_ROUNDS; round++) {
		uint32_t tick = round * (NAT_TCP_TICKS + 1);
		(void)pthread_barrier_wait(r->start);
		for (unsigned i = 0; i < THREAD_FLOWS; i++) {
			struct nat_flow *f = &r->flows[i];
			*f = flow(r->id, (uint16_t)(61000 + i), 7, IP_PROTO_UDP);
			if (!nat_add(r->t, &usual, f, tick)) {
				f->our_port = 0;
				continue;
			}
			struct nat_flow *old = &r->flows[next_random(&seed) % (i + 1)];
			if (old->our_port && nat_find_outer(r->t, old, tick, &found))
				nat_touch(&found, NAT_IN, tick);
			r->n_lost += !is_found_outside(r->t, f, tick);
		}
		(void)pthread_barrier_wait(r->start);
	}
	return NULL;
}

/* No port was given twice, nobody found another's flow, and hardly anybody went without. */
static void
test_threads(void **state)
{
	static struct racer racers[THREADS];
	static uint8_t is_given[65536];
	pthread_barrier_t start;
	struct nat_table *t = nat_table_create(16384, NULL);
	unsigned n_given = 0;
	assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){.t = t, .start = &start, .id = i};
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(racers[i].n_lost, 0);
		for (unsigned k = 0; k < THREAD_FLOWS; k++) {
			uint16_t port = racers[i].flows[k].our_port;
			if (!port)
				continue;
			assert_false(is_given[port]);
			is_given[port] = 1;
			n_given++;
		}
	}
	/* 6000 flows want 4536 ports. */
	assert_in_range(n_given, 3800, 4536);
	(void)pthread_barrier_destroy(&start);
	nat_table_destroy(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_exhaustion),
		cmocka_unit_test(test_displacing),
		cmocka_unit_test(test_displacing_ended),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
