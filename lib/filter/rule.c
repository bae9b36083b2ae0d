/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/ip.h"

/* Room for one more of n items, which has grown to a power of two each time; NULL: no memory. */
static void *
grow(void *items, size_t n, size_t item_bytes)
{
	if (n & (n - 1))
		return items;
	return realloc(items, (n ? n * 2 : 1) * item_bytes);
}

static int
range_add(struct filter_range **items, size_t *n, const struct filter_range *range)
{
	uint8_t family = range->first.family;
	if (!addr_bits(family) || family != range->last.family ||
		memcmp(range->first.bytes, range->last.bytes, addr_n_bytes(family)) > 0)
		return -EINVAL;
	struct filter_range *grown = grow(*items, *n, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	*items = grown;
	grown[(*n)++] = *range;
	return 0;
}

int
filter_rule_add_source(struct filter_rule *r, const struct filter_range *range)
{
	return range_add(&r->sources, &r->n_sources, range);
}

int
filter_rule_add_destination(struct filter_rule *r, const struct filter_range *range)
{
	return range_add(&r->destinations, &r->n_destinations, range);
}

int
filter_rule_add_service(struct filter_rule *r, const struct filter_service *s)
{
	if (s->first_port > s->last_port || s->proto > FILTER_PROTO_ANY)
		return -EINVAL;
	struct filter_service *grown = grow(r->services, r->n_services, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	r->services = grown;
	grown[r->n_services++] = *s;
	return 0;
}

int
filter_rule_add_defaults(struct filter_rule *r, uint16_t first_port, uint16_t last_port)
{
	const struct filter_service defaults[] = {
		{IP_PROTO_TCP, first_port, last_port},
		{IP_PROTO_UDP, first_port, last_port},
		{IP_PROTO_ICMP, 0, UINT16_MAX},
		{IP_PROTO_ICMPV6, 0, UINT16_MAX},
	};
	int rc = 0;
	for (size_t i = 0; i < ARRAY_COUNT(defaults) && !rc; i++)
		rc = filter_rule_add_service(r, &defaults[i]);
	return rc;
}

void
filter_rule_fini(struct filter_rule *r)
{
	free(r->sources);
	free(r->destinations);
	free(r->services);
	free(r->text);
	*r = (struct filter_rule){0};
}

static int
rule_copy(struct filter_rule *to, const struct filter_rule *from)
{
	int rc = 0;
	for (size_t i = 0; i < from->n_sources && !rc; i++)
		rc = filter_rule_add_source(to, &from->sources[i]);
	for (size_t i = 0; i < from->n_destinations && !rc; i++)
		rc = filter_rule_add_destination(to, &from->destinations[i]);
	for (size_t i = 0; i < from->n_services && !rc; i++)
		rc = filter_rule_add_service(to, &from->services[i]);
	if (!rc && from->text && !(to->text = strdup(from->text)))
		rc = -ENOMEM;
	return rc;
}

static int
list_add(struct filter_rule **rules, size_t *n, struct filter_rule *r)
{
	if (*n == FILTER_MAX_RULES)
		return -ENOSPC;
	struct filter_rule *grown = grow(*rules, *n, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	*rules = grown;
	grown[(*n)++] = *r;
	*r = (struct filter_rule){0};
	return 0;
}

int
filter_plan_add(struct filter_plan *p, struct filter_rule *r)
{
	return list_add(&p->rules, &p->n_rules, r);
}

int
filter_plan_add_bound(struct filter_plan *p, struct filter_rule *r)
{
	return list_add(&p->bounds, &p->n_bounds, r);
}

typedef int (*add_fn)(struct filter_plan *p, struct filter_rule *r);

static int
list_copy(struct filter_plan *to, add_fn add, const struct filter_rule *from, size_t n)
{
	int rc = 0;
	for (size_t i = 0; i < n && !rc; i++) {
		struct filter_rule rule = {0};
		rc = rule_copy(&rule, &from[i]);
		if (!rc)
			rc = add(to, &rule);
		filter_rule_fini(&rule);
	}
	return rc;
}

struct filter_plan *
filter_plan_copy(const struct filter_plan *p)
{
	struct filter_plan *copy = malloc(sizeof(*copy));
	if (!copy)
		return NULL;
	*copy = *p;
	copy->rules = copy->bounds = NULL;
	copy->n_rules = copy->n_bounds = 0;
	if (!list_copy(copy, filter_plan_add, p->rules, p->n_rules) &&
		!list_copy(copy, filter_plan_add_bound, p->bounds, p->n_bounds))
		return copy;
	filter_plan_destroy(copy);
	return NULL;
}

void
filter_plan_fini(struct filter_plan *p)
{
	for (size_t i = 0; i < p->n_rules; i++)
		filter_rule_fini(&p->rules[i]);
	for (size_t i = 0; i < p->n_bounds; i++)
		filter_rule_fini(&p->bounds[i]);
	free(p->rules);
	free(p->bounds);
	*p = (struct filter_plan){0};
}

void
filter_plan_destroy(struct filter_plan *p)
{
	if (p)
		filter_plan_fini(p);
	free(p);
}

static bool
ranges_are_equal(const struct filter_range *a, const struct filter_range *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!addr_is_equal(&a[i].first, &b[i].first) ||
			!addr_is_equal(&a[i].last, &b[i].last))
			return false;
	}
	return true;
}

static bool
services_are_equal(const struct filter_service *a, const struct filter_service *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (a[i].proto != b[i].proto || a[i].first_port != b[i].first_port ||
			a[i].last_port != b[i].last_port)
			return false;
	}
	return true;
}

bool
filter_rule_is_equal(const struct filter_rule *a, const struct filter_rule *b)
{
	return a->n_sources == b->n_sources && a->n_destinations == b->n_destinations &&
	       a->n_services == b->n_services &&
	       strcmp(a->text ? a->text : "", b->text ? b->text : "") == 0 &&
	       ranges_are_equal(a->sources, b->sources, a->n_sources) &&
	       ranges_are_equal(a->destinations, b->destinations, a->n_destinations) &&
	       services_are_equal(a->services, b->services, a->n_services);
}

static bool
lists_are_equal(const struct filter_rule *a, size_t n_a, const struct filter_rule *b, size_t n_b)
{
	for (size_t i = 0; i < n_a && n_a == n_b; i++) {
		if (!filter_rule_is_equal(&a[i], &b[i]))
			return false;
	}
	return n_a == n_b;
}

bool
filter_plan_is_equal(const struct filter_plan *a, const struct filter_plan *b)
{
	if (a->is_on != b->is_on || a->is_strict_tcp != b->is_strict_tcp ||
		a->max_flows != b->max_flows || a->udp_timeout_s != b->udp_timeout_s ||
		a->tcp_timeout_s != b->tcp_timeout_s || a->takes_tsmp != b->takes_tsmp)
		return false;
	return lists_are_equal(a->rules, a->n_rules, b->rules, b->n_rules) &&
	       lists_are_equal(a->bounds, a->n_bounds, b->bounds, b->n_bounds);
}
