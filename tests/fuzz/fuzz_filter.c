/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The filter: a line of rules' text, up to a newline, then packets. A rule that is understood is
 * compiled. Each packet, a length byte and as many bytes, lies in a buffer of just its size and
 * comes out of a tunnel; then it goes into one, turned around in all but its ports and addresses,
 * and whatever it is, filtering it twice says the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "filter/filter.h"
#include "wire/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void
must(bool is_so)
{
	if (!is_so)
		abort();
}

/* The rule of a line, if it is one. */
static void
read_rule(struct filter_plan *plan, const uint8_t *data, size_t n_bytes)
{
	struct filter_rule rule = {0};
	struct err err;
	char *text = malloc(n_bytes + 1);
	must(text);
	memcpy(text, data, n_bytes);
	text[n_bytes] = 0;
	if (filter_rule_parse(text, &rule, &err) == 0) {
		must(rule.n_sources && rule.n_destinations && rule.n_services && rule.text);
		must(filter_plan_add(plan, &rule) == 0);
	}
	filter_rule_fini(&rule);
	free(text);
}

static void
judge(struct filter *f, const uint8_t *data, uint32_t n_bytes)
{
	uint8_t *ip = malloc(n_bytes ? n_bytes : 1), family;
	must(ip);
	if (n_bytes)
		memcpy(ip, data, n_bytes);
	uint32_t n = ip_check(ip, n_bytes, &family);
	struct filter_query q = {.ip = ip, .n_bytes = n, .family = family};
	if (n) {
		filter_look(f, &q, 1);
		filter_from_tunnel(f, &q, 1, NS_IN_S);
		uint8_t first = q.verdict;
		filter_from_tunnel(f, &q, 1, NS_IN_S);
		must(first == q.verdict && first < FILTER_SKIP);
		filter_into_tunnel(f, &q, 1, NS_IN_S);
		must(q.verdict == FILTER_PASS || q.verdict == FILTER_FLOWS_FULL);
	}
	free(ip);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	static struct flow_table *flows; /* its memory is too much to ask for each time */
	struct filter_plan plan = {.is_on = true, .max_flows = FILTER_FLOWS_MIN};
	const uint8_t *end = n_bytes ? memchr(data, '\n', n_bytes) : NULL;
	size_t at = end ? (size_t)(end - data) : n_bytes;
	read_rule(&plan, data, at);
	plan.is_strict_tcp = at % 2;
	struct filter *f = filter_create(&plan, flows, (uint16_t)(1 + n_bytes % 1000), NULL);
	must(f);
	flows = f->flows;
	for (at++; at < n_bytes; at += 1u + data[at]) {
		size_t left = n_bytes - at - 1;
		judge(f, data + at + 1, (uint32_t)(data[at] < left ? data[at] : left));
	}
	filter_destroy(f);
	filter_plan_fini(&plan);
	return 0;
}
