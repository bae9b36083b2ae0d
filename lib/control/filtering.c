/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/filtering.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "control/core.h"
#include "filter/filter.h"

/* Rules before and behind what has changed keep their counts. */
static void
carry_hits(struct filter *now, const struct filter_plan *plan, const struct filter *was,
	const struct filter_plan *old)
{
	size_t n = MIN_OF(plan->n_rules, old->n_rules), first = 0, last = 0;
	if (!n)
		return; /* and one of the two may be no list at all */
	const struct filter_rule *end = plan->rules + plan->n_rules;
	const struct filter_rule *old_end = old->rules + old->n_rules;
	while (first < n && filter_rule_is_equal(&plan->rules[first], &old->rules[first]))
		first++;
	while (last < n - first && filter_rule_is_equal(end - last - 1, old_end - last - 1))
		last++;
	for (size_t i = 0; i < first; i++)
		now->hits[i] = __atomic_load_n(&was->hits[i], __ATOMIC_RELAXED);
	for (size_t i = 1; i <= last; i++)
		now->hits[plan->n_rules - i] =
			__atomic_load_n(&was->hits[old->n_rules - i], __ATOMIC_RELAXED);
}

static uint16_t
next_generation(const struct filter *was)
{
	return was && was->generation < UINT16_MAX ? (uint16_t)(was->generation + 1) : 1;
}

int
filtering_set(struct control *c, const struct filter_plan *plan, struct err *err)
{
	struct filter *was = c->tables->filter, *now = NULL;
	const struct filter_plan *old = c->running->filter;
	bool keeps = was && old && plan && old->max_flows == plan->max_flows;
	if (plan) {
		now = filter_create(plan, keeps ? was->flows : NULL, next_generation(was), err);
		if (!now)
			return -ENOMEM;
	}
	if (now && was && old)
		carry_hits(now, plan, was, old);
	tables_filter_set(c->tables, now);
	return 0;
}

static int
report_local(const struct filter_ranges *local, struct status *s)
{
	for (size_t i = 0; i < local->n; i++) {
		char text[FILTER_RANGE_TEXT_BYTES];
		struct status_filter_local *l = status_add_filter_local(s);
		if (!l)
			return -ENOMEM;
		snprintf(l->text, sizeof(l->text), "%s",
			filter_range_format(&local->items[i], text));
	}
	return 0;
}

int
filtering_report(const struct control *c, struct status *s)
{
	const struct filter *f = c->tables->filter;
	const struct filter_plan *plan = c->running->filter;
	if (!f || !plan)
		return 0;
	s->filter.is_on = true;
	s->filter.is_strict_tcp = f->is_strict_tcp;
	s->filter.max_flows = plan->max_flows ? plan->max_flows : (uint32_t)FILTER_FLOWS_DEFAULT;
	s->filter.n_flows = flow_table_count(f->flows, &f->times, flow_tick(clock_boot_ns()));
	for (size_t i = 0; i < plan->n_rules; i++) {
		struct status_filter_rule *r = status_add_filter_rule(s);
		if (!r || !(r->text = strdup(plan->rules[i].text ? plan->rules[i].text : "")))
			return -ENOMEM;
		r->n_hits = __atomic_load_n(&f->hits[i], __ATOMIC_RELAXED);
	}
	return report_local(&c->membership.local, s);
}
