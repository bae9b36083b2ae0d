/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The map: recorded frames of headscale unpacked and applied, every recorded delta against a map
 * that has its node, and rows of what is to be refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "source/headscale/map_frames.h"
#include "source/headscale/netmap.h"
#include "unit/source/recording.h"

static struct netmap_news
apply_json(struct netmap *m, const json_t *v)
{
	struct netmap_news news;
	struct err err = {0};
	char *text = json_dumps(v, JSON_COMPACT);
	int rc = netmap_apply(m, text, strlen(text), &news, &err);
	if (rc)
		fail_msg("%s", err.text);
	free(text);
	return news;
}

/* A recording is one message or a list of them. */
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

static struct netmap
first_map(void)
{
	struct netmap m;
	netmap_init(&m);
	apply_recording(&m, "map-first-2-peers");
	return m;
}

static void
first(void **state)
{
	struct netmap m = first_map();
	char text[ENDPOINT_TEXT_BYTES];
	assert_non_null(m.self);
	assert_string_equal(m.self->name, "p1.tail.test");
	assert_int_equal(m.n_peers, 2);
	assert_true(m.has_filter);
	const struct tailnet_node *c1 = netmap_find(&m, 1);
	assert_string_equal(c1->name, "c1.tail.test");
	assert_int_equal(c1->n_addresses, 2);
	assert_int_equal(c1->n_allowed, 2);
	assert_int_equal(c1->n_endpoints, 1);
	assert_string_equal(endpoint_format(&c1->endpoints[0], text), "10.99.0.11:41641");
	assert_int_equal(c1->home_derp, 999);
	assert_true(c1->is_online);
	netmap_fini(&m);
}

/* A stream that begins anew with the same map changes no value. */
static void
resync(void **state)
{
	struct netmap m = first_map();
	const struct tailnet_node *c1 = netmap_find(&m, 1);
	netmap_begin_stream(&m);
	apply_recording(&m, "map-first-2-peers");
	assert_ptr_equal(netmap_find(&m, 1), c1);
	netmap_begin_stream(&m);
	apply_recording(&m, "map-first-no-peers-deny-all");
	assert_int_equal(m.n_peers, 0);
	assert_true(m.has_filter);
	assert_int_equal(json_array_size(json_object_get(m.filters, "base")), 0);
	netmap_fini(&m);
}

/* Of the peers the recording has the most telling members only. */
static void
expect_json(const struct map_frames *f, json_t *expected)
{
	json_t *is = json_loadb(f->json.data, f->json.n_bytes, 0, NULL);
	json_object_del(expected, "Peers");
	json_object_del(is, "Peers");
	assert_true(json_equal(is, expected));
	json_decref(is);
}

static void
frames(void **state)
{
	json_t *v = recording("wire-map-zstd-frames");
	const json_t *messages = json_object_get(v, "messages");
	static const size_t pieces[] = {1, 5, 1000, 1 << 20};
	for (size_t p = 0; p < ARRAY_COUNT(pieces); p++) {
		struct map_frames f;
		struct err err = {0};
		size_t n_seen = 0;
		assert_int_equal(map_frames_init(&f), 0);
		for (size_t i = 0; i < json_array_size(messages); i++) {
			size_t n, step;
			uint8_t length[4];
			uint8_t *zstd = recorded_bytes(json_array_get(messages, i), "zstd_hex", &n);
			store_le32(length, (uint32_t)n);
			assert_int_equal(map_frames_feed(&f, length, 4, &err), 0);
			for (size_t at = 0; at < n; at += step) {
				step = MIN_OF(pieces[p], n - at);
				assert_int_equal(map_frames_feed(&f, zstd + at, step, &err), 0);
			}
			free(zstd);
			assert_int_equal(map_frames_next(&f, &err), 1);
			expect_json(&f, json_object_get(json_array_get(messages, i), "json"));
			n_seen++;
		}
		assert_int_equal(map_frames_next(&f, &err), 0);
		assert_int_equal(n_seen, json_array_size(messages));
		map_frames_fini(&f);
	}
	json_decref(v);
}

static void
bad_frames(void **state)
{
	static const struct {
		uint8_t bytes[12];
		size_t n;
		int feed, next;
	} table[] = {
		{{3, 0, 0, 0, 'a', 'b', 'c'}, 7, 0, -EBADMSG},
		{{0, 0, 0, 0}, 4, 0, -EBADMSG},
		{{0, 0, 0, 5}, 4, -EMSGSIZE, -EMSGSIZE},
		{{255, 255, 255, 255}, 4, -EMSGSIZE, -EMSGSIZE},
		{{9, 0, 0, 0, 0x28, 0xb5}, 6, 0, 0},
		{{2, 0, 0, 0, 0x28, 0xb5}, 6, 0, -EBADMSG},
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		struct map_frames f;
		struct err err = {0};
		assert_int_equal(map_frames_init(&f), 0);
		assert_int_equal(map_frames_feed(&f, table[i].bytes, table[i].n, &err),
			table[i].feed);
		assert_int_equal(map_frames_next(&f, &err), table[i].next);
		map_frames_fini(&f);
	}
}

/* Every kind of delta that was recorded. */
static void
deltas(void **state)
{
	static const char *const names[] = {
		"delta-ha-failover-seen-by-old-primary", "delta-peer-added",
		"delta-peer-came-online", "delta-peer-derp-home-0", "delta-peer-disco-key-zero",
		"delta-peer-endpoint-added", "delta-peer-endpoints-cleared",
		"delta-peer-expired-now", "delta-peer-hostname-changed",
		"delta-peer-key-expiry-disabled", "delta-peer-key-expiry-set",
		"delta-peer-node-key-rotated", "delta-peer-offline", "delta-peer-removed",
		"delta-peer-renamed-by-admin", "delta-peer-tagged", "delta-policy-change",
		"delta-policy-deny-all", "delta-route-advertised-not-approved",
		"delta-route-and-exit-approved", "delta-route-approved", "delta-route-unapproved",
		"map-empty-controltime-only", "keepalive", "ping-request",
		"self-node-after-own-lite-update",
	};
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		struct netmap m = first_map();
		apply_recording(&m, names[i]);
		netmap_fini(&m);
	}
}

#define SIXTY_FOUR "0123456789012345678901234567890123456789012345678901234567890123"

static const char node_one[] =
	"{\"ID\":1,\"Name\":\"n.\",\"Key\":\"nodekey:"
	"0100000000000000000000000000000000000000000000000000000000000000\","
	"\"Addresses\":[\"100.64.0.9/32\"],\"AllowedIPs\":[\"100.64.0.9/32\",\"10.1.2.3/16\"]}";

static int
apply_text(struct netmap *m, const char *format, const char *part)
{
	char text[4096];
	struct netmap_news news;
	struct err err = {0};
	snprintf(text, sizeof(text), format, part, part);
	return netmap_apply(m, text, strlen(text), &news, &err);
}

/* A ping is taken as a whole or not at all, and does not spoil the message. */
static void
pings(void **state)
{
	static const struct {
		const char *message, *url;
		size_t n_bytes;
	} table[] = {
		{"{\"PingRequest\":{\"URL\":\"http://h/x\"}}", "http://h/x", 0},
		{"{\"PingRequest\":{\"URL\":\"http://h/x\",\"Types\":\"c2n\","
			"\"Payload\":\"aGk=\"}}", "http://h/x", 2},
		{"{\"PingRequest\":{\"URL\":\"http://h/x\",\"Payload\":\"a b\"}}", "", 0},
		{"{\"PingRequest\":{\"URL\":\"http://h/x\",\"Types\":\"" SIXTY_FOUR
			"\"}}", "", 0},
		{"{\"PingRequest\":null}", "", 0},
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		struct netmap m = first_map();
		struct netmap_news news;
		struct err err;
		assert_int_equal(netmap_apply(&m, table[i].message, strlen(table[i].message),
			&news, &err), 0);
		assert_string_equal(news.ping.url, table[i].url);
		if (news.ping.url[0])
			assert_int_equal(news.ping.n_payload_bytes, table[i].n_bytes);
		netmap_fini(&m);
	}
}

/* A message with that one member; takes the list over. */
static void
apply_list(struct netmap *m, const char *name, json_t *list)
{
	struct netmap_news news;
	struct err err;
	json_t *message = json_pack("{s:o}", name, list);
	char *text = json_dumps(message, 0);
	assert_int_equal(netmap_apply(m, text, strlen(text), &news, &err), 0);
	json_decref(message);
	free(text);
}

/* Many nodes at once, backwards and twice: each stands once, in order, as it came last. */
static void
many_at_once(void **state)
{
	enum { N_NODES = 100 };
	struct netmap m = first_map();
	json_t *all = json_array(), *gone = json_array();
	for (int round = 0; round < 2; round++) {
		for (int i = N_NODES; i > 0; i--)
			json_array_append_new(all, json_pack("{s:i, s:s, s:s, s:[s]}", "ID",
				7000 + i, "Name", round ? "last." : "first.",
				"Key", "nodekey:" SIXTY_FOUR,
				"Addresses", "100.64.9.9/32"));
	}
	for (int i = N_NODES; i > 1; i--)
		json_array_append_new(gone, json_integer(7000 + i));
	size_t n_before = m.n_peers;
	apply_list(&m, "PeersChanged", all);
	assert_int_equal(m.n_peers, n_before + N_NODES);
	for (size_t i = 1; i < m.n_peers; i++)
		assert_true(m.peers[i - 1]->id < m.peers[i]->id);
	assert_string_equal(netmap_find(&m, 7001)->name, "last");
	apply_list(&m, "PeersRemoved", gone);
	assert_int_equal(m.n_peers, n_before + 1);
	assert_non_null(netmap_find(&m, 7001));
	netmap_fini(&m);
}

static void
one_by_one(void **state)
{
	struct netmap m;
	netmap_init(&m);
	assert_int_equal(apply_text(&m, "{\"Node\":%s,\"Peers\":[%s]}", node_one), 0);
	assert_int_equal(m.n_peers, 1);
	char text[PREFIX_TEXT_BYTES];
	assert_string_equal(prefix_format(&m.peers[0]->allowed[0], text), "10.1.0.0/16");
	assert_string_equal(m.peers[0]->name, "n");
	static const struct {
		const char *message;
		bool online;
		size_t n_endpoints, n_peers;
	} table[] = {
		{"{\"PeersChangedPatch\":[{\"NodeID\":1,\"Online\":true}]}", true, 0, 1},
		{"{\"PeersChangedPatch\":[{\"NodeID\":1,\"Endpoints\":[\"1.2.3.4:5\"]}]}", true, 1,
			1},
		{"{\"PeersChangedPatch\":[{\"NodeID\":77,\"Online\":true}]}", true, 1, 1},
		{"{\"OnlineChange\":{\"1\":false,\"99\":true}}", false, 1, 1},
		{"{\"Peers\":null,\"PacketFilters\":{\"base\":null}}", false, 1, 1},
		{"{\"PeersRemoved\":[5]}", false, 1, 1},
		{"{\"PeersRemoved\":[1]}", false, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		assert_int_equal(apply_text(&m, "%s", table[i].message), 0);
		const struct tailnet_node *n = netmap_find(&m, 1);
		assert_int_equal(m.n_peers, table[i].n_peers);
		assert_true(!n || n->is_online == table[i].online);
		assert_true(!n || n->n_endpoints == table[i].n_endpoints);
	}
	netmap_fini(&m);
}

static void
refused(void **state)
{
	static const char *const table[] = {
		"{\"Peers\":[7]}",
		"{\"Peers\":7}",
		"{\"PeersChanged\":[{\"ID\":2}]}",
		"{\"PeersChanged\":[{\"ID\":2,\"Key\":\"nodekey:12\"}]}",
		"{\"PeersChangedPatch\":[{\"NodeID\":1,\"Key\":\"mkey:1\"}]}",
		"{\"PeersChangedPatch\":[{\"NodeID\":1,\"Online\":7}]}",
		"{\"PeersRemoved\":[\"1\"]}",
		"{\"OnlineChange\":{\"1\":7}}",
		"{\"PacketFilters\":{\"base\":7}}",
		"{\"PeersChanged\":[{\"ID\":99999999999999999999}]}",
		"{\"ControlTime\":\"yesterday\"}",
		"{\"Node\":[]}",
		"[]",
		"{",
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		struct netmap m;
		netmap_init(&m);
		assert_int_equal(apply_text(&m, "{\"Node\":%s,\"Peers\":[%s]}", node_one), 0);
		assert_int_not_equal(apply_text(&m, "%s", table[i]), 0);
		netmap_fini(&m);
	}
	struct netmap m;
	netmap_init(&m);
	assert_int_not_equal(apply_text(&m, "{\"Peers\":[%s]}", node_one), 0); /* who are we? */
	netmap_fini(&m);
}

static void
times(void **state)
{
	static const struct {
		const char *text;
		int rc;
		int64_t s;
	} table[] = {
		{"1970-01-01T00:00:01Z", 0, 1},
		{"2026-11-22T04:10:06.229340946Z", 0, 1795320606},
		{"2026-11-22T06:10:06+02:00", 0, 1795320606},
		{"0001-01-01T00:00:00Z", 0, 0},
		{"", 0, 0},
		{"2026-11-22", -EINVAL, 0},
		{"2026-11-22T04:10:06", -EINVAL, 0},
		{"2026-11-22T04:10:06.Q", -EINVAL, 0},
		{"2026-11-22T04:1x:06Z", -EINVAL, 0},
	};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		int64_t s;
		assert_int_equal(time_parse(table[i].text, &s), table[i].rc);
		assert_int_equal(s, table[i].s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first),
		cmocka_unit_test(resync),
		cmocka_unit_test(frames),
		cmocka_unit_test(bad_frames),
		cmocka_unit_test(deltas),
		cmocka_unit_test(pings),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(refused),
		cmocka_unit_test(times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
