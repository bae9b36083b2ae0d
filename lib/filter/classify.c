/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/classify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static int
build_axes(struct classifier *c, const struct filter_plan *plan)
{
	static const uint8_t families[2] = {ADDR_V4, ADDR_V6};
	int rc = 0;
	for (unsigned i = 0; i < 4 && !rc; i++) {
		enum axis_side side = i / 2 ? AXIS_DESTINATION : AXIS_SOURCE;
		rc = axis_build(&c->axes[side][i % 2], plan, side, families[i % 2]);
	}
	return rc;
}

static int
build_services(struct classifier *c, const struct filter_plan *plan)
{
	size_t n = 0;
	for (size_t r = 0; r < plan->n_rules; r++)
		n += plan->rules[r].n_services;
	c->services = malloc((n + 1) * sizeof(*c->services));
	c->service_of = malloc((plan->n_rules + 1) * sizeof(*c->service_of));
	if (!c->services || !c->service_of || n > UINT32_MAX)
		return -ENOMEM;
	uint32_t at = 0;
	for (size_t r = 0; r < plan->n_rules; r++) {
		const struct filter_rule *rule = &plan->rules[r];
		c->service_of[r] = at;
		if (rule->n_services)
			memcpy(c->services + at, rule->services,
				rule->n_services * sizeof(*c->services));
		at += (uint32_t)rule->n_services;
	}
	c->service_of[plan->n_rules] = at;
	return 0;
}

static size_t
count_ranges(const struct filter_plan *plan)
{
	size_t n = 0;
	for (size_t r = 0; r < plan->n_rules; r++)
		n += plan->rules[r].n_sources + plan->rules[r].n_destinations;
	return n;
}

int
classifier_build(struct classifier *c, const struct filter_plan *plan, struct err *err)
{
	*c = (struct classifier){.shape = axis_shape_of(plan->n_rules)};
	if (count_ranges(plan) > FILTER_MAX_RANGES)
		return err_set(err, -E2BIG, "the filter's rules name more than %d addresses",
			FILTER_MAX_RANGES);
	int rc = build_services(c, plan);
	if (!rc)
		rc = build_axes(c, plan);
	if (!rc)
		return 0;
	classifier_fini(c);
	return err_set(err, rc, rc == -E2BIG ? "the filter's rules are too many and too different "
						"from each other: let some share their addresses"
					      : "no memory for the filter's rules");
}

void
classifier_fini(struct classifier *c)
{
	for (unsigned i = 0; i < 4; i++)
		axis_fini(&c->axes[i / 2][i % 2]);
	free(c->services);
	free(c->service_of);
	*c = (struct classifier){0};
}

static bool
service_matches(const struct filter_service *s, uint8_t proto, uint16_t port, bool has_ports)
{
	if (s->proto != proto && s->proto != FILTER_PROTO_ANY)
		return false;
	if (!has_ports)
		return s->first_port == 0 && s->last_port == UINT16_MAX;
	return s->first_port <= port && port <= s->last_port;
}

/* What is matched with the services of the rules that both addresses leave. */
struct wanted {
	uint8_t proto;
	bool has_ports;
	uint16_t port;
};

static bool
rule_matches(const struct classifier *c, uint32_t rule, const struct wanted *w)
{
	for (uint32_t i = c->service_of[rule]; i < c->service_of[rule + 1]; i++) {
		if (service_matches(&c->services[i], w->proto, w->port, w->has_ports))
			return true;
	}
	return false;
}

static uint32_t
match_word(const struct classifier *c, uint64_t rules, uint32_t first, const struct wanted *w)
{
	for (; rules; rules &= rules - 1) {
		uint32_t rule = first + (uint32_t)__builtin_ctzll(rules);
		if (rule_matches(c, rule, w))
			return rule;
	}
	return CLASSIFY_NONE;
}

static uint32_t
match_rows(const struct classifier *c, const uint64_t *a, const uint64_t *b,
	const struct wanted *w)
{
	uint32_t n = c->shape.n_summary;
	for (uint32_t s = 0; s < n; s++) {
		for (uint64_t words = a[s] & b[s]; words; words &= words - 1) {
			uint32_t word = s * 64 + (uint32_t)__builtin_ctzll(words);
			uint32_t rule = match_word(c, a[n + word] & b[n + word], word * 64, w);
			if (rule != CLASSIFY_NONE)
				return rule;
		}
	}
	return CLASSIFY_NONE;
}

uint32_t
classify(const struct classifier *c, const struct tuple *t, bool is_reversed)
{
	unsigned family = t->family == ADDR_V6;
	const uint8_t *src = is_reversed ? t->dst : t->src, *dst = is_reversed ? t->src : t->dst;
	struct wanted w = {
		.proto = t->proto,
		.has_ports = t->kind == TUPLE_DATAGRAM || t->kind == TUPLE_TCP ||
			     t->kind == TUPLE_TCP_OPENING,
		.port = is_reversed ? t->src_port : t->dst_port,
	};
	return match_rows(c, axis_row(&c->axes[AXIS_SOURCE][family], &c->shape, src, t->family),
		axis_row(&c->axes[AXIS_DESTINATION][family], &c->shape, dst, t->family), &w);
}

bool
classify_joins(const struct classifier *c, const struct tuple *t, bool is_reversed)
{
	unsigned family = t->family == ADDR_V6;
	const uint8_t *src = is_reversed ? t->dst : t->src, *dst = is_reversed ? t->src : t->dst;
	const struct axis_shape *shape = &c->shape;
	const uint64_t *a = axis_row(&c->axes[AXIS_SOURCE][family], shape, src, t->family);
	const uint64_t *b = axis_row(&c->axes[AXIS_DESTINATION][family], shape, dst, t->family);
	for (uint32_t i = shape->n_summary; i < shape->n_summary + shape->n_words; i++) {
		if (a[i] & b[i])
			return true;
	}
	return false;
}
