/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Compiled rules against the plainest model there is: all rules, one after the other, range by
 * range. Addresses come from a small space, so that ranges touch, cover and repeat each other,
 * and the ends of the whole space are among them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "filter/classify.h"
#include "wire/ip.h"

static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* One of a few addresses: the lowest, the highest, and some around a place in between. */
static struct addr
draw_addr(uint64_t *seed, uint8_t family, unsigned n_points)
{
	struct addr a = {.family = family};
	uint64_t r = next_random(seed) % n_points;
	unsigned n = addr_n_bytes(family);
	if (r == 0)
		return a;
	if (r == 1) {
		memset(a.bytes, 0xff, n);
		return a;
	}
	a.bytes[0] = 10;
	a.bytes[n / 2 - 1] = (uint8_t)(r % 3 ? 0 : 255); /* in IPv6 both words count */
	store_be16(a.bytes + n - 2, (uint16_t)r);
	return a;
}

static struct filter_range
draw_range(uint64_t *seed, uint8_t family, unsigned n_points)
{
	struct filter_range r = {draw_addr(seed, family, n_points),
		draw_addr(seed, family, n_points)};
	if (memcmp(r.first.bytes, r.last.bytes, 16) <= 0)
		return r;
	return (struct filter_range){r.last, r.first};
}

static const uint16_t protos[] = {IP_PROTO_TCP, IP_PROTO_UDP, IP_PROTO_SCTP, IP_PROTO_ICMP,
	IP_PROTO_ICMPV6, 47, FILTER_PROTO_ANY};

static struct filter_service
draw_service(uint64_t *seed)
{
	struct filter_service s = {
		.proto = protos[next_random(seed) % ARRAY_COUNT(protos)],
		.last_port = UINT16_MAX,
	};
	if (next_random(seed) % 2) {
		s.first_port = (uint16_t)(next_random(seed) % 8);
		s.last_port = (uint16_t)(s.first_port + next_random(seed) % 4);
	}
	return s;
}

static void
draw_plan(uint64_t *seed, struct filter_plan *plan, unsigned n_rules, unsigned n_points)
{
	while (plan->n_rules < n_rules) {
		struct filter_rule r = {0};
		for (unsigned n = next_random(seed) % 4; n; n--) {
			uint8_t family = next_random(seed) % 2 ? ADDR_V4 : ADDR_V6;
			struct filter_range s = draw_range(seed, family, n_points);
			struct filter_range d = draw_range(seed, family, n_points);
			struct filter_service service = draw_service(seed);
			assert_int_equal(filter_rule_add_source(&r, &s), 0);
			assert_int_equal(filter_rule_add_destination(&r, &d), 0);
			assert_int_equal(filter_rule_add_service(&r, &service), 0);
		}
		assert_int_equal(filter_plan_add(plan, &r), 0);
	}
}

static bool
model_has(const struct filter_range *ranges, size_t n, const struct addr *a)
{
	for (size_t i = 0; i < n; i++) {
		if (ranges[i].first.family == a->family &&
			memcmp(ranges[i].first.bytes, a->bytes, 16) <= 0 &&
			memcmp(a->bytes, ranges[i].last.bytes, 16) <= 0)
			return true;
	}
	return false;
}

static bool
model_serves(const struct filter_rule *r, uint8_t proto, uint16_t port, bool has_ports)
{
	for (size_t i = 0; i < r->n_services; i++) {
		const struct filter_service *s = &r->services[i];
		bool is_all = s->first_port == 0 && s->last_port == UINT16_MAX;
		bool is_port = port >= s->first_port && port <= s->last_port;
		if ((s->proto == FILTER_PROTO_ANY || s->proto == proto) &&
			(has_ports ? is_port : is_all))
			return true;
	}
	return false;
}

struct question {
	struct addr src, dst;
	struct tuple tuple;
};

static uint32_t
model(const struct filter_plan *p, const struct question *q, bool is_reversed)
{
	const struct addr *src = is_reversed ? &q->dst : &q->src;
	const struct addr *dst = is_reversed ? &q->src : &q->dst;
	uint16_t port = is_reversed ? q->tuple.src_port : q->tuple.dst_port;
	bool has_ports = q->tuple.kind != TUPLE_OTHER;
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct filter_rule *r = &p->rules[i];
		if (model_has(r->sources, r->n_sources, src) &&
			model_has(r->destinations, r->n_destinations, dst) &&
			model_serves(r, q->tuple.proto, port, has_ports))
			return (uint32_t)i;
	}
	return CLASSIFY_NONE;
}

static void
draw_question(uint64_t *seed, unsigned n_points, struct question *q)
{
	uint8_t family = next_random(seed) % 2 ? ADDR_V4 : ADDR_V6;
	q->src = draw_addr(seed, family, n_points);
	q->dst = draw_addr(seed, family, n_points);
	q->tuple = (struct tuple){
		.src = q->src.bytes,
		.dst = q->dst.bytes,
		.family = family,
		.proto = (uint8_t)protos[next_random(seed) % (ARRAY_COUNT(protos) - 1)],
		.src_port = (uint16_t)(next_random(seed) % 12),
		.dst_port = (uint16_t)(next_random(seed) % 12),
		.kind = TUPLE_OTHER,
	};
	if (q->tuple.proto == IP_PROTO_TCP)
		q->tuple.kind = TUPLE_TCP_OPENING;
	else if (q->tuple.proto == IP_PROTO_UDP || q->tuple.proto == IP_PROTO_SCTP)
		q->tuple.kind = TUPLE_DATAGRAM;
}

static void
test_model(void **state)
{
	static const struct {
		unsigned n_rules, n_points;
	} cases[] = {{0, 5}, {1, 4}, {3, 6}, {63, 40}, {64, 40}, {65, 400}, {700, 3000},
		{5000, 30000}};
	uint64_t seed = 6;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct filter_plan plan = {.is_on = true};
		struct classifier c;
		uint32_t n_allowed = 0;
		draw_plan(&seed, &plan, cases[i].n_rules, cases[i].n_points);
		assert_int_equal(classifier_build(&c, &plan, NULL), 0);
		for (unsigned k = 0; k < 4000; k++) {
			struct question q;
			bool is_reversed = next_random(&seed) % 2;
			draw_question(&seed, cases[i].n_points, &q);
			uint32_t rule = classify(&c, &q.tuple, is_reversed);
			assert_int_equal(rule, model(&plan, &q, is_reversed));
			n_allowed += rule != CLASSIFY_NONE;
		}
		if (cases[i].n_rules > 1)
			assert_in_range(n_allowed, 1, 3999);
		classifier_fini(&c);
		filter_plan_fini(&plan);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
