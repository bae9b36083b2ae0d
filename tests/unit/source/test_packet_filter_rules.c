/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Filters as a server sends them, and what the node with these addresses lets pass then: its own
 * 100.64.0.31 and fd7a:115c:a1e0::1f, and 192.168.50.0/24 behind it. The rules are recorded ones.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "filter/classify.h"
#include "source/headscale/packet_filter.h"
#include "source/text.h"
#include "wire/ip.h"

#define USERS "\"SrcIPs\":[\"100.64.0.1-100.64.0.3\",\"fd7a:115c:a1e0::1-fd7a:115c:a1e0::3\"]"
#define TO(ip, first, last) "{\"IP\":\"" ip "\",\"Ports\":{\"First\":" first ",\"Last\":" last "}}"
#define BASE(rules) "{\"base\":[" rules "]}"

static const char to_22[] = BASE("{" USERS ",\"DstPorts\":[" TO("100.64.0.31", "22", "22") ","
	TO("fd7a:115c:a1e0::1f", "22", "22") "]}"),
	udp_53[] = BASE("{" USERS ",\"DstPorts\":[" TO("100.64.0.31", "53", "53") "],"
		"\"IPProto\":[17]}"),
	icmp[] = BASE("{" USERS ",\"DstPorts\":[" TO("192.168.50.10", "0", "65535") "],"
		"\"IPProto\":[1]}"),
	lan[] = BASE("{" USERS ",\"DstPorts\":[" TO("192.168.50.0/24", "80", "80") ","
		TO("192.168.50.0/24", "8000", "8100") "]}"),
	wide[] = BASE("{" USERS ",\"DstPorts\":[" TO("*", "22", "22") "]}"),
	half[] = BASE("{" USERS ",\"DstPorts\":[" TO("192.168.50.128/24", "0", "65535") ","
		TO("10.0.0.0-192.168.50.7", "0", "65535") "],\"IPProto\":[47]}"),
	some_gre[] = BASE("{" USERS ",\"DstPorts\":[" TO("192.168.50.10", "1", "65535") "],"
		"\"IPProto\":[47]}"),
	grant[] = BASE("{" USERS ",\"CapGrant\":[{\"Dsts\":[\"100.64.0.31/32\"],"
		"\"CapMap\":{\"example.com/cap/x\":[{\"a\":1}]}}]}"),
	all[] = BASE("{\"SrcIPs\":[\"*\"],\"DstPorts\":[" TO("*", "0", "65535") "]}"),
	none[] = "{\"base\":[]}";

static const struct {
	const char *json;
	uint8_t proto;
	const char *from, *to;
	bool passes;
} cases[] = {
	{to_22, IP_PROTO_TCP, "100.64.0.2:1", "100.64.0.31:22", true},
	{to_22, IP_PROTO_TCP, "100.64.0.2:1", "100.64.0.31:23", false},
	{to_22, IP_PROTO_TCP, "100.64.0.4:1", "100.64.0.31:22", false},
	{to_22, IP_PROTO_UDP, "100.64.0.2:1", "100.64.0.31:22", true},
	{to_22, IP_PROTO_SCTP, "100.64.0.2:1", "100.64.0.31:22", false},
	{to_22, IP_PROTO_TCP, "[fd7a:115c:a1e0::1]:1", "[fd7a:115c:a1e0::1f]:22", true},
	{to_22, IP_PROTO_TCP, "[fd7a:115c:a1e0::4]:1", "[fd7a:115c:a1e0::1f]:22", false},
	{to_22, IP_PROTO_ICMP, "100.64.0.2:0", "100.64.0.31:0", true},
	{to_22, IP_PROTO_ICMPV6, "[fd7a:115c:a1e0::1]:0", "[fd7a:115c:a1e0::1f]:0", true},
	{to_22, 47, "100.64.0.2:0", "100.64.0.31:0", false},
	{udp_53, IP_PROTO_UDP, "100.64.0.1:1", "100.64.0.31:53", true},
	{udp_53, IP_PROTO_TCP, "100.64.0.1:1", "100.64.0.31:53", false},
	{udp_53, IP_PROTO_ICMP, "100.64.0.1:0", "100.64.0.31:0", true}, /* some port is open */
	{udp_53, IP_PROTO_ICMP, "100.64.0.1:0", "192.168.50.1:0", false},
	{icmp, IP_PROTO_ICMP, "100.64.0.1:0", "192.168.50.10:0", true},
	{icmp, IP_PROTO_ICMP, "100.64.0.1:0", "192.168.50.11:0", false},
	{icmp, IP_PROTO_TCP, "100.64.0.1:1", "192.168.50.10:80", false},
	{lan, IP_PROTO_TCP, "100.64.0.3:1", "192.168.50.200:80", true},
	{lan, IP_PROTO_TCP, "100.64.0.3:1", "192.168.50.200:8050", true},
	{lan, IP_PROTO_TCP, "100.64.0.3:1", "192.168.50.200:443", false},
	{lan, IP_PROTO_TCP, "100.64.0.3:1", "192.168.51.1:80", false},
	{wide, IP_PROTO_TCP, "100.64.0.3:1", "192.168.50.1:22", true},
	{wide, IP_PROTO_TCP, "100.64.0.3:1", "100.64.0.31:22", true},
	{wide, IP_PROTO_TCP, "100.64.0.3:1", "10.0.0.1:22", false}, /* not ours */
	{half, 47, "100.64.0.3:0", "192.168.50.200:0", true},
	{half, 47, "100.64.0.3:0", "10.0.0.1:0", false},
	{half, IP_PROTO_TCP, "100.64.0.3:1", "192.168.50.1:22", false},
	{some_gre, 47, "100.64.0.3:0", "192.168.50.10:0", false},
	{grant, IP_PROTO_TCP, "100.64.0.1:1", "100.64.0.31:80", false},
	{all, IP_PROTO_TCP, "8.8.8.8:1", "192.168.50.1:22", true},
	{all, 47, "8.8.8.8:0", "192.168.50.1:0", false},
	{none, IP_PROTO_TCP, "100.64.0.1:1", "100.64.0.31:80", false},
};

static void
read_filter(const char *json, struct filter_plan *plan)
{
	static const char *const own[] = {"100.64.0.31", "fd7a:115c:a1e0::1f", "192.168.50.0/24"};
	struct filter_ranges local = {0};
	struct err err;
	for (size_t i = 0; i < ARRAY_COUNT(own); i++) {
		struct prefix p;
		assert_int_equal(prefix_parse(own[i], &p), 0);
		assert_int_equal(filter_ranges_add_prefix(&local, &p), 0);
	}
	assert_int_equal(packet_filter_parse(json, strlen(json), &local, plan, &err), 0);
	filter_ranges_fini(&local);
}

static bool
passes(const struct filter_plan *plan, uint8_t proto, const char *from, const char *to)
{
	struct endpoint src, dst;
	struct classifier c;
	assert_int_equal(endpoint_parse(from, &src), 0);
	assert_int_equal(endpoint_parse(to, &dst), 0);
	bool is_icmp = proto == IP_PROTO_ICMP || proto == IP_PROTO_ICMPV6;
	const struct tuple t = {.src = src.addr.bytes, .dst = dst.addr.bytes,
		.src_port = src.port, .dst_port = dst.port,
		.family = src.addr.family, .proto = proto,
		.kind = is_icmp		      ? TUPLE_ICMP
			: proto == IP_PROTO_TCP ? TUPLE_TCP_OPENING
			: proto == 47	      ? TUPLE_OTHER
					      : TUPLE_DATAGRAM};
	assert_int_equal(classifier_build(&c, plan, NULL), 0);
	bool is_allowed = classify(&c, &t, false) != CLASSIFY_NONE;
	classifier_fini(&c);
	return is_allowed;
}

static void
test_rules(void **state)
{
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct filter_plan plan = {.is_on = true};
		read_filter(cases[i].json, &plan);
		if (passes(&plan, cases[i].proto, cases[i].from, cases[i].to) != cases[i].passes)
			fail_msg("%u from %s to %s, by %s", cases[i].proto, cases[i].from,
				cases[i].to, cases[i].json);
		filter_plan_fini(&plan);
	}
}

static void
test_wrong(void **state)
{
	static const char *const wrong[] = {"", "[", "7", "{\"base\":[7]}",
		BASE("{\"SrcIPs\":[\"x\"],\"DstPorts\":[" TO("*", "0", "1") "]}"),
		BASE("{" USERS ",\"DstPorts\":[" TO("10.0.0.0/40", "0", "1") "]}"),
		BASE("{" USERS ",\"DstPorts\":[" TO("*", "2", "1") "]}"),
		BASE("{" USERS ",\"DstPorts\":[" TO("*", "0", "65536") "]}"),
		BASE("{" USERS ",\"DstPorts\":[" TO("*", "0", "1") "],\"IPProto\":[256]}"),
	};
	const struct filter_ranges local = {0};
	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		struct filter_plan plan = {.is_on = true};
		struct err err = {0};
		int rc = packet_filter_parse(wrong[i], strlen(wrong[i]), &local, &plan, &err);
		if (rc != -EBADMSG || !err.text[0])
			fail_msg("%s: %d", wrong[i], rc);
		filter_plan_fini(&plan);
	}
}

/* Each destination has all sources: what that multiplies to is not believed, nor carried out. */
static void
test_too_many(void **state)
{
	enum { N = 2000 };
	struct filter_plan plan = {.is_on = true};
	struct filter_ranges local = {0};
	struct err err = {0};
	struct text json;
	text_init(&json);
	struct prefix p;
	assert_int_equal(prefix_parse("192.168.50.0/24", &p), 0);
	assert_int_equal(filter_ranges_add_prefix(&local, &p), 0);
	text_add(&json, "{\"base\":[{\"SrcIPs\":[\"100.64.0.1\"");
	for (unsigned i = 0; i < N; i++)
		text_add(&json, ",\"100.65.%u.%u\"", i / 256, i % 256);
	text_add(&json, "],\"DstPorts\":[{\"IP\":\"10.9.9.9\",\"Ports\":{\"First\":0,\"Last\":1}}");
	for (unsigned i = 0; i < N; i++)
		text_add(&json, "," "{\"IP\":\"192.168.50.1\",\"Ports\":{\"First\":%u,"
			"\"Last\":%u}}", i, i);
	text_add(&json, "]}]}");
	assert_int_equal(packet_filter_parse(json.data, json.n_bytes, &local, &plan, &err),
		-ENOSPC);
	assert_true(plan.n_rules < N);
	text_fini(&json);
	filter_ranges_fini(&local);
	filter_plan_fini(&plan);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_too_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
