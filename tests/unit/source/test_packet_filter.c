/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recorded policies with the filter that headscale made of them for a gateway: who may reach what
 * through our rules; and filters that are to be refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "source/headscale/packet_filter.h"
#include "unit/source/recording.h"

enum { ICMP = 1, TCP = 6, UDP = 17, GRE = 47, ICMP6 = 58, SCTP = 132 };

/* The gateway of the recordings: its addresses, and the routes that were approved. */
static const char *const local_texts[] = {
	"100.64.0.31/32", "fd7a:115c:a1e0::1f/128", "192.168.50.0/24", "10.50.0.0/16"};

static struct filter_ranges
local_of_recordings(void)
{
	struct filter_ranges l = {0};
	for (size_t i = 0; i < ARRAY_COUNT(local_texts); i++) {
		struct prefix p;
		assert_int_equal(prefix_parse(local_texts[i], &p), 0);
		assert_int_equal(filter_ranges_add_prefix(&l, &p), 0);
	}
	return l;
}

static bool
has(const struct filter_range *ranges, size_t n, const char *text)
{
	struct addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	for (size_t i = 0; i < n; i++) {
		size_t n_bytes = addr_n_bytes(a.family);
		if (ranges[i].first.family == a.family &&
			memcmp(ranges[i].first.bytes, a.bytes, n_bytes) <= 0 &&
			memcmp(ranges[i].last.bytes, a.bytes, n_bytes) >= 0)
			return true;
	}
	return false;
}

struct probe {
	const char *policy, *from, *to;
	unsigned proto, port;
	bool may;
};

static bool
serves(const struct filter_rule *r, const struct probe *p)
{
	for (size_t i = 0; i < r->n_services; i++) {
		const struct filter_service *s = &r->services[i];
		if ((s->proto == p->proto || s->proto == FILTER_PROTO_ANY) &&
			s->first_port <= p->port && p->port <= s->last_port)
			return true;
	}
	return false;
}

static bool
allows(const struct filter_plan *plan, const struct probe *p)
{
	for (size_t i = 0; i < plan->n_rules; i++) {
		const struct filter_rule *r = &plan->rules[i];
		if (has(r->sources, r->n_sources, p->from) &&
			has(r->destinations, r->n_destinations, p->to) && serves(r, p))
			return true;
	}
	return false;
}

static int
parse(const json_t *filters, struct filter_plan *plan)
{
	struct filter_ranges local = local_of_recordings();
	struct err err = {0};
	char *text = json_dumps(filters, JSON_COMPACT);
	int rc = packet_filter_parse(text, strlen(text), &local, plan, &err);
	assert_true(rc == 0 || err.text[0]);
	free(text);
	filter_ranges_fini(&local);
	return rc;
}

#define GW "100.64.0.31"
#define GW6 "fd7a:115c:a1e0::1f"
#define C1 "100.64.0.1"
#define C16 "fd7a:115c:a1e0::1"
#define LAN "192.168.50.10"

static const struct probe probes[] = {
	{"allow-all-star", C1, GW, TCP, 22, true},
	{"allow-all-star", C16, GW6, UDP, 53, true},
	{"allow-all-star", "100.115.92.7", GW, TCP, 22, false}, /* a hole in the tailnet's range */
	{"allow-all-star", "8.8.8.8", GW, TCP, 22, false},
	{"allow-all-star", C1, LAN, ICMP, 0, true},
	{"allow-all-star", C1, "8.8.8.8", TCP, 443, false},     /* * is not more than ours */
	{"allow-all-star", C1, GW, GRE, 0, false},              /* nobody named the protocol */
	{"autogroup-internet", C1, LAN, TCP, 80, false},
	{"autogroup-self", C1, GW, TCP, 22, false},
	{"autogroup-tagged-member", C1, GW, TCP, 443, true},
	{"autogroup-tagged-member", C1, GW, TCP, 444, false},
	{"danger-all-src", "8.8.8.8", GW, TCP, 443, true},
	{"danger-all-src", "8.8.8.8", LAN, TCP, 443, false},
	{"empty-acls", C1, GW, TCP, 22, false},
	{"grant-app-only", C1, GW, TCP, 80, false},             /* grants no packets */
	{"grant-app", C1, GW, TCP, 80, true},
	{"grant-app", C1, GW, UDP, 80, false},
	{"grant-ip", C1, GW, TCP, 443, true},
	{"grant-ip", C1, GW, UDP, 53, true},
	{"grant-ip", C1, GW, ICMP, 0, true},
	{"grant-ip", C1, GW, TCP, 53, false},
	{"grant-ip-star", C1, LAN, UDP, 9, true},
	{"hosts-and-group", C1, LAN, TCP, 443, true},
	{"hosts-and-group", C1, "192.168.50.11", TCP, 443, false},
	{"hosts-and-group", C1, "10.50.9.9", TCP, 1024, true},
	{"hosts-and-group", C1, "10.50.9.9", TCP, 1025, false},
	{"no-acls-key", "8.8.8.8", LAN, TCP, 1, true},
	{"one-direction-tag-to-member", C1, GW, TCP, 9000, false},
	{"proto-gre-sctp-num", C1, GW, GRE, 0, true},
	{"proto-gre-sctp-num", C1, GW, SCTP, 5000, true},
	{"proto-gre-sctp-num", C1, GW, SCTP, 5001, false},
	{"proto-gre-sctp-num", C1, GW, 2, 0, true},
	{"proto-gre-sctp-num", C1, GW, TCP, 5000, false},
	{"proto-icmp", C1, LAN, ICMP, 0, true},
	{"proto-icmp", C1, LAN, TCP, 80, false},
	{"proto-udp", C16, GW6, UDP, 53, true},
	{"proto-udp", C16, GW6, TCP, 53, false},
	{"src-ip-dst-one-peer", C1, GW, TCP, 22, false},
	{"subnet-as-src", C1, LAN, TCP, 80, true},
	{"user-to-lan-ports", C1, LAN, TCP, 8050, true},
	{"user-to-lan-ports", C1, LAN, TCP, 8101, false},
	{"user-to-lan-ports", "100.64.0.4", LAN, TCP, 80, false},
	{"user-to-lan-ports", C16, GW6, TCP, 1, true},
	{"user-to-tag-22", C1, GW, TCP, 22, true},
	{"user-to-tag-22", C1, GW, TCP, 23, false},
	{"user-to-tag-22", C1, GW, ICMP, 0, true},
	{"wildcard-dst-port", C1, LAN, TCP, 22, true},
	{"wildcard-dst-port", C1, LAN, TCP, 23, false},
};

static void
policies(void **state)
{
	for (size_t i = 0; i < ARRAY_COUNT(probes); i++) {
		const struct probe *p = &probes[i];
		struct filter_plan plan = {.is_on = true};
		char name[64];
		snprintf(name, sizeof(name), "policy-%s", p->policy);
		json_t *v = recording(name);
		assert_int_equal(parse(json_object_get(v, "PacketFilters"), &plan), 0);
		if (allows(&plan, p) != p->may)
			fail_msg("%s: %s to %s, %u/%u", p->policy, p->from, p->to, p->proto,
				p->port);
		filter_plan_fini(&plan);
		json_decref(v);
	}
}

static void
refused(void **state)
{
	static const char *const table[] = {
		"{\"base\":[7]}",
		"{\"base\":[{\"SrcIPs\":[\"nobody\"],\"DstPorts\":[{\"IP\":\"*\",\"Ports\":"
		"{\"First\":0,\"Last\":1}}]}]}",
		"{\"base\":[{\"SrcIPs\":[\"*\"],\"DstPorts\":[{\"IP\":\"*\"}]}]}",
		"{\"base\":[{\"SrcIPs\":[\"*\"],\"DstPorts\":[{\"IP\":\"*\",\"Ports\":"
		"{\"First\":2,\"Last\":1}}]}]}",
		"{\"base\":[{\"SrcIPs\":[\"*\"],\"DstPorts\":[{\"IP\":\"*\",\"Ports\":"
		"{\"First\":0,\"Last\":65536}}]}]}",
		"{\"base\":[{\"SrcIPs\":[\"*\"],\"IPProto\":[256],\"DstPorts\":[{\"IP\":\"*\","
		"\"Ports\":{\"First\":0,\"Last\":1}}]}]}",
		"{\"base\":[{\"SrcIPs\":7}]}",
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		struct filter_plan plan = {.is_on = true};
		json_t *v = json_loads(table[i], 0, NULL);
		assert_non_null(v);
		assert_int_equal(parse(v, &plan), -EBADMSG);
		filter_plan_fini(&plan);
		json_decref(v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies),
		cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
