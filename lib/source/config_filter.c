/* SPDX-License-Identifier: BSD-3-Clause */
/* [Filter]: what may come out of tunnels. A rule is one line; its grammar is filter/rule.h's. */
#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "filter/rule.h"
#include "source/config_reader.h"

static int
filter_begin(struct config_reader *r, const char *argument)
{
	char where[INTENT_WHERE_BYTES];
	if (r->it->filter)
		return config_error(r,
			"a second [Filter]: the first is at %s, and there is one for all files",
			intent_where(r->it, r->it->filter_origin, where));
	r->it->filter_origin = config_here(r);
	const struct filter_plan plan = {.is_on = true};
	return intent_filter_set(r->it, &plan);
}

static int
read_allow(struct config_reader *r, char *value)
{
	struct filter_rule rule = {0};
	struct err err = {0};
	int rc = filter_rule_parse(value, &rule, &err);
	if (rc == -EINVAL)
		return config_error(r, "Allow: %s, as in: Allow = 10.0.0.0/24, 10.1.0.7 -> "
			"192.168.20.0/24 : tcp/22, tcp/8000-8100, icmp", err.text);
	if (!rc)
		rc = filter_plan_add(r->it->filter, &rule);
	filter_rule_fini(&rule);
	return rc == -ENOSPC ? config_error(r, "more than %d rules", FILTER_MAX_RULES) : rc;
}

static int
read_strict_tcp(struct config_reader *r, char *value)
{
	static const char *const words[] = {"no", "yes"};
	unsigned word;
	if (value_word(value, words, ARRAY_COUNT(words), &word) < 0)
		return -EINVAL;
	r->it->filter->is_strict_tcp = word;
	return 0;
}

static int
read_flows(struct config_reader *r, char *value)
{
	uint32_t n;
	if (value_number(value, FILTER_FLOWS_MAX, &n) < 0 || n < FILTER_FLOWS_MIN)
		return -EINVAL;
	r->it->filter->max_flows = n;
	return 0;
}

static int
read_seconds(const char *value, uint32_t *out)
{
	uint32_t s;
	if (value_number(value, FILTER_TIMEOUT_MAX_S, &s) < 0 || s == 0)
		return -EINVAL;
	*out = s;
	return 0;
}

static int
read_udp_timeout(struct config_reader *r, char *value)
{
	return read_seconds(value, &r->it->filter->udp_timeout_s);
}

static int
read_tcp_timeout(struct config_reader *r, char *value)
{
	return read_seconds(value, &r->it->filter->tcp_timeout_s);
}

static const struct config_key filter_keys[] = {
	{"Allow", read_allow, "SOURCES -> DESTINATIONS : SERVICES",
		"10.0.0.0/24, 10.1.0.7 -> 192.168.20.0/24 : tcp/22, tcp/8000-8100, icmp",
		"lets packets that come out of tunnels pass, from any of the sources to any of the "
		"destinations; may be repeated. Addresses are single ones, prefixes, ranges "
		"FIRST-LAST, or *. Services are tcp, udp or sctp, alone or with /PORT or "
		"/FIRST-LAST, icmp (of both families), proto/NUMBER, or * for everything; "
		"without them: tcp, udp and icmp. Before their colon stands a space. What goes "
		"into tunnels always passes, and the replies to it"},
	{"StrictTCP", read_strict_tcp, "yes or no", "no",
		"yes: of TCP only connections that were seen to open pass; those that were open "
		"before headgated started go on once our side has sent something"},
	{"Flows", read_flows, "1024 to 67108864", "1000000",
		"how many flows are known at a time, 32 to 64 bytes each; a change forgets all"},
	{"UDPTimeout", read_udp_timeout, "seconds, at least 1", "180",
		"how long a UDP or SCTP flow is known after its last packet, at least"},
	{"TCPTimeout", read_tcp_timeout, "seconds, at least 1", "7440",
		"the same for TCP connections, with StrictTCP; those that open or end: at most "
		"240"},
};

const struct config_section config_section_filter = {
	.name = "Filter",
	.begin = filter_begin,
	.keys = filter_keys,
	.n_keys = ARRAY_COUNT(filter_keys),
	.help = "what may come out of tunnels; without the section everything may, with it only "
		"what a rule allows",
};
