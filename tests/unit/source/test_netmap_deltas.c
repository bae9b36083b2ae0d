/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What each kind of delta makes of a node: those that headscale was recorded with, and those that
 * other servers may send. A node is compared as a line of text with all that it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "source/headscale/netmap.h"
#include "unit/source/recording.h"

enum { LINE_BYTES = 1024 };

static void
add(char *line, const char *format, ...)
{
	size_t n = strlen(line);
	va_list args;
	va_start(args, format);
	vsnprintf(line + n, LINE_BYTES - n, format, args);
	va_end(args);
}

/* name key/disco [online] [expired] [expiry=S] [seen] derp=N at=… may=… [tags] */
static void
describe(const struct tailnet_node *n, char line[LINE_BYTES])
{
	char text[MAX_OF(PREFIX_TEXT_BYTES, ENDPOINT_TEXT_BYTES)];
	line[0] = 0;
	if (!n)
		return;
	add(line, "%s %02x%02x/%02x%02x%s%s", n->name, n->key.bytes[0], n->key.bytes[1],
		n->disco.bytes[0], n->disco.bytes[1], n->is_online ? " online" : "",
		n->is_expired ? " expired" : "");
	if (n->key_expiry_s)
		add(line, " expiry=%lld", (long long)n->key_expiry_s);
	add(line, "%s derp=%d at=", n->last_seen_s ? " seen" : "", n->home_derp);
	for (size_t i = 0; i < n->n_endpoints; i++)
		add(line, "%s%s", i ? "," : "", endpoint_format(&n->endpoints[i], text));
	add(line, " may=");
	for (size_t i = 0; i < n->n_allowed; i++)
		add(line, "%s%s", i ? "," : "", prefix_format(&n->allowed[i], text));
	add(line, "%s%s", n->tags[0] ? " " : "", n->tags);
}

static void
expect_line(const struct netmap *m, int64_t id, const char *expected)
{
	char line[LINE_BYTES];
	describe(netmap_find(m, id), line);
	assert_string_equal(line, expected);
}

static void
apply_json(struct netmap *m, const json_t *v)
{
	struct netmap_news news;
	struct err err = {0};
	char *text = json_dumps(v, JSON_COMPACT);
	if (netmap_apply(m, text, strlen(text), &news, &err))
		fail_msg("%s", err.text);
	free(text);
}

static void
apply_recording(struct netmap *m, const char *name)
{
	json_t *v = recording(name);
	for (size_t i = 0; i < json_array_size(v); i++)
		apply_json(m, json_array_get(v, i));
	if (json_is_object(v))
		apply_json(m, v);
	json_decref(v);
}

/* The map of two peers, to which a third, 25, has come. */
static struct netmap
three_peers(void)
{
	struct netmap m;
	netmap_init(&m);
	apply_recording(&m, "map-first-2-peers");
	apply_recording(&m, "delta-peer-added");
	assert_int_equal(m.n_peers, 3);
	return m;
}

#define P2 "p2.tail.test da56/e529"
#define AT_1 "at=10.99.0.22:41701"
#define AT_2 "at=10.99.0.22:41701,10.99.0.22:9998"
#define MAY "may=100.64.0.25/32,fd7a:115c:a1e0::19/128"

static void
recorded(void **state)
{
	static const struct {
		const char *name;
		int64_t id;
		size_t n_peers;
		const char *node;
	} table[] = {
		{"delta-peer-came-online", 25, 3, P2 " online derp=999 " AT_1 " " MAY},
		{"delta-peer-derp-home-0", 25, 3, P2 " online derp=0 " AT_1 " " MAY},
		{"delta-peer-disco-key-zero", 25, 3,
			"p2.tail.test da56/0000 online derp=999 " AT_1 " " MAY},
		{"delta-peer-endpoint-added", 25, 3,
			P2 " online derp=999 " AT_1 ",10.99.0.22:9999 " MAY},
		{"delta-peer-endpoints-cleared", 25, 3, P2 " online derp=999 at= " MAY},
		{"delta-peer-expired-now", 25, 3,
			P2 " online expired expiry=1795321467 derp=999 " AT_2 " " MAY},
		{"delta-peer-hostname-changed", 25, 3,
			"p2new.tail.test da56/e529 online derp=999 " AT_1 " " MAY},
		{"delta-peer-key-expiry-set", 25, 3,
			P2 " online expiry=1798761600 derp=999 " AT_2 " " MAY},
		{"delta-peer-key-expiry-disabled", 25, 3, P2 " online derp=999 " AT_2 " " MAY},
		{"delta-peer-node-key-rotated", 25, 3,
			"p2.tail.test 0783/e529 online derp=999 " AT_2 " " MAY},
		{"delta-peer-offline", 32, 4, "two.tail.test 4b48/ac53 seen derp=999 at= "
			"may=100.64.0.32/32,fd7a:115c:a1e0::20/128"},
		{"delta-peer-removed", 25, 3, ""},
		{"delta-peer-renamed-by-admin", 25, 3,
			"renamed.tail.test da56/e529 online derp=999 " AT_2 " " MAY},
		{"delta-peer-tagged", 25, 4,
			"p2.tail.test 8b71/e529 online derp=999 " AT_2 " " MAY " tag:gw"},
		{"delta-policy-deny-all", 25, 1, P2 " seen derp=999 " AT_1 " " MAY},
		{"delta-route-advertised-not-approved", 25, 3,
			P2 " online derp=999 " AT_2 " " MAY},
		{"delta-route-approved", 25, 3, P2 " online derp=999 " AT_2 " may="
			"100.64.0.25/32,192.168.60.0/24,fd7a:115c:a1e0::19/128"},
		{"delta-route-and-exit-approved", 25, 3, P2 " online derp=999 " AT_2 " may="
			"0.0.0.0/0,100.64.0.25/32,192.168.60.0/24,::/0,fd7a:115c:a1e0::19/128"},
		{"delta-route-unapproved", 25, 3, P2 " online derp=999 " AT_2 " " MAY},
		{"delta-ha-failover-seen-by-old-primary", 34, 5, "gwb.tail.test 6421/7561 online "
			"derp=999 at=10.99.0.22:41711 may=100.64.0.34/32,192.168.50.0/24,"
			"fd7a:115c:a1e0::22/128 tag:gw"},
		{"map-empty-controltime-only", 25, 3, P2 " seen derp=999 " AT_1 " " MAY},
		{"keepalive", 25, 3, P2 " seen derp=999 " AT_1 " " MAY},
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		struct netmap m = three_peers();
		apply_recording(&m, table[i].name);
		expect_line(&m, table[i].id, table[i].node);
		assert_int_equal(m.n_peers, table[i].n_peers);
		netmap_fini(&m);
	}
}

static int
apply_text(struct netmap *m, const char *text)
{
	struct netmap_news news;
	struct err err = {0};
	return netmap_apply(m, text, strlen(text), &news, &err);
}

#define KEY(digits) #digits "000000000000000000000000000000000000000000000000000000000001"

/* One after the other; each changes what it names and no more. */
static void
others(void **state)
{
	static const struct {
		const char *message, *node;
	} table[] = {
		{"{\"PeersChangedPatch\":[{\"NodeID\":25,\"Online\":true}]}",
			P2 " online seen derp=999 " AT_1 " " MAY},
		{"{\"PeersChangedPatch\":[{\"NodeID\":25,\"DERPRegion\":7}]}",
			P2 " online seen derp=7 " AT_1 " " MAY},
		{"{\"PeersChangedPatch\":[{\"NodeID\":25,\"Endpoints\":[\"[2001:db8::1]:9\"]}]}",
			P2 " online seen derp=7 at=[2001:db8::1]:9 " MAY},
		{"{\"PeersChangedPatch\":[{\"NodeID\":25,\"KeyExpiry\":\"1970-01-01T00:01:40Z\"}]}",
			P2 " online expiry=100 seen derp=7 at=[2001:db8::1]:9 " MAY},
		{"{\"PeersChangedPatch\":[{\"NodeID\":25,\"KeyExpiry\":\"0001-01-01T00:00:00Z\"}]}",
			P2 " online seen derp=7 at=[2001:db8::1]:9 " MAY},
		{"{\"PeersChangedPatch\":[{\"NodeID\":25,\"DiscoKey\":\"discokey:" KEY(abcd)
			"\"}]}",
			"p2.tail.test da56/abcd online seen derp=7 at=[2001:db8::1]:9 " MAY},
		{"{\"PeersChangedPatch\":[{\"NodeID\":25,\"Key\":\"nodekey:" KEY(1234) "\","
			"\"KeySignature\":null,\"Cap\":999,\"CapMap\":null}]}",
			"p2.tail.test 1234/abcd online seen derp=7 at=[2001:db8::1]:9 " MAY},
		{"{\"PeerSeenChange\":{\"25\":false,\"77\":true}}",
			"p2.tail.test 1234/abcd online derp=7 at=[2001:db8::1]:9 " MAY},
		{"{\"PeerSeenChange\":{\"25\":true},\"ControlTime\":\"2026-11-22T00:00:00Z\"}",
			"p2.tail.test 1234/abcd online seen derp=7 at=[2001:db8::1]:9 " MAY},
		{"{\"OnlineChange\":{\"25\":false}}",
			"p2.tail.test 1234/abcd seen derp=7 at=[2001:db8::1]:9 " MAY},
		/* Patches come last of all, removals first. */
		{"{\"PeersChangedPatch\":[{\"NodeID\":25,\"DERPRegion\":8}],"
			"\"OnlineChange\":{\"25\":true},\"PeersRemoved\":[25],"
			"\"PeersChanged\":[{\"ID\":25,\"Name\":\"n\",\"Key\":\"nodekey:" KEY(5678)
			"\",\"Addresses\":[\"100.64.0.25/32\"],\"DERP\":\"127.3.3.40:3\"}]}",
			"n 5678/0000 online derp=8 at= may=100.64.0.25/32"},
		{"{\"Peers\":[],\"Health\":[\"x\"],\"PopBrowserURL\":\"u\",\"Seq\":5}",
			"n 5678/0000 online derp=8 at= may=100.64.0.25/32"},
		{"{\"Peers\":[{\"ID\":3,\"Key\":\"nodekey:" KEY(9999) "\"}],"
			"\"PeersRemoved\":[3]}", ""},
	};
	struct netmap m = three_peers();
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		assert_int_equal(apply_text(&m, table[i].message), 0);
		expect_line(&m, 25, table[i].node);
	}
	assert_int_equal(m.n_peers, 1);
	assert_int_equal(m.peers[0]->id, 3);
	netmap_fini(&m);
}

static size_t
rules_of(const struct netmap *m, const char *name)
{
	return json_array_size(json_object_get(m->filters, name));
}

/* Named filters come and go by name; the old member is the one called base. */
static void
filters(void **state)
{
	static const struct {
		const char *message;
		size_t n_names, n_base, n_more;
	} table[] = {
		{"{\"PacketFilters\":{\"base\":[{}],\"more\":[{},{}]}}", 2, 1, 2},
		{"{\"PacketFilters\":{\"more\":[{}]}}", 2, 1, 1},
		{"{\"PacketFilter\":[{},{},{}]}", 2, 3, 1},
		{"{\"PacketFilter\":null,\"PacketFilters\":null}", 2, 3, 1},
		{"{\"PacketFilters\":{\"more\":null}}", 1, 3, 0},
		{"{\"PacketFilters\":{\"*\":null,\"more\":[{}]}}", 1, 0, 1},
		{"{\"PacketFilter\":[]}", 2, 0, 1},
		{"{\"PacketFilters\":{\"*\":null}}", 0, 0, 0},
	};
	struct netmap m = three_peers();
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		assert_int_equal(apply_text(&m, table[i].message), 0);
		assert_true(m.has_filter);
		assert_int_equal(json_object_size(m.filters), table[i].n_names);
		assert_int_equal(rules_of(&m, "base"), table[i].n_base);
		assert_int_equal(rules_of(&m, "more"), table[i].n_more);
	}
	netmap_fini(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded),
		cmocka_unit_test(others),
		cmocka_unit_test(filters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
