/* SPDX-License-Identifier: BSD-3-Clause */
/* The relays of a map: recorded, written in every form, and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "source/headscale/derp_map.h"
#include "source/headscale/netmap.h"
#include "unit/source/recording.h"

static void
recorded(void **state)
{
	struct err err = {0};
	char text[ADDR_TEXT_BYTES];
	json_t *v = recording("derpmap-embedded-and-pinned-derper");
	struct derp_map *m = derp_map_parse(v, &err);
	assert_non_null(m);
	assert_int_equal(m->n_regions, 2);
	assert_int_equal(m->regions[0].id, 900);
	assert_string_equal(m->regions[1].code, "hs");
	assert_string_equal(m->regions[1].name, "lab");
	const struct stun_server *s = &m->regions[0].servers[0];
	assert_int_equal(m->regions[0].n_servers, 1);
	assert_string_equal(addr_format(&s->v4, text), "10.99.0.22");
	assert_int_equal(s->port, 3479);
	assert_false(s->asks_v4 || s->asks_v6);
	assert_ptr_equal(derp_map_get(m), m);
	derp_map_put(m);
	derp_map_put(m);
	derp_map_put(NULL);
	json_decref(v);
}

/* One node each: whom it says to ask. */
static void
nodes(void **state)
{
	static const struct {
		const char *node;
		const char *v4, *v6;
		bool asks_v4, asks_v6;
		unsigned port; /* 0: it is no server */
	} rows[] = {
		{"'HostName':'d.example','IPv4':'192.0.2.1'", "192.0.2.1", "none", false, true,
			3478},
		{"'HostName':'d.example'", "none", "none", true, true, 3478},
		{"'HostName':'d.example','IPv4':'none','STUNPort':99", "none", "none", false, true,
			99},
		{"'HostName':'d.example','IPv4':'none','IPv6':'none'", "", "", false, false, 0},
		{"'HostName':'192.0.2.1'", "192.0.2.1", "none", false, false, 3478},
		{"'HostName':'192.0.2.1','IPv4':'192.0.2.2'", "192.0.2.2", "none", false, false,
			3478},
		{"'HostName':'2001:db8::1'", "none", "2001:db8::1", false, false, 3478},
		{"'IPv6':'2001:db8::1','IPv4':'2001:db8::2'", "none", "2001:db8::1", false,
			false, 3478},
		{"'HostName':'d.example','STUNPort':-1", "", "", false, false, 0},
		{"'HostName':'d.example','STUNPort':65536", "", "", false, false, 0},
		{"'Name':'d'", "", "", false, false, 0},
	};
	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		char text[256], addr[ADDR_TEXT_BYTES];
		struct err err = {0};
		snprintf(text, sizeof(text), "{'Regions':{'7':{'RegionID':7,'Nodes':[{%s}]}}}",
			rows[i].node);
		for (char *c = text; *c; c++)
			*c = *c == '\'' ? '"' : *c;
		json_t *v = json_loads(text, 0, NULL);
		struct derp_map *m = derp_map_parse(v, &err);
		assert_non_null(m);
		const struct stun_server *s = &m->regions[0].servers[0];
		if (m->regions[0].n_servers != (rows[i].port != 0))
			fail_msg("row %u: %u servers", i, m->regions[0].n_servers);
		if (rows[i].port) {
			assert_int_equal(s->port, rows[i].port);
			assert_int_equal(s->asks_v4, rows[i].asks_v4);
			assert_int_equal(s->asks_v6, rows[i].asks_v6);
			assert_string_equal(addr_format(&s->v4, addr), rows[i].v4);
			assert_string_equal(addr_format(&s->v6, addr), rows[i].v6);
		}
		derp_map_put(m);
		json_decref(v);
	}
}

static void
regions(void **state)
{
	static const struct {
		const char *text;
		int n_regions; /* -1: refused */
	} rows[] = {
		{"{}", 0},
		{"{\"Regions\":null}", 0},
		{"{\"Regions\":{}}", 0},
		{"{\"Regions\":{\"1\":null,\"2\":{\"RegionID\":2}}}", 1},
		{"{\"Regions\":{\"1\":{},\"2\":{\"RegionID\":-2}}}", 0},
		{"{\"Regions\":{\"1\":{\"RegionID\":1,\"RegionCode\":\"a\\u001b[31m\"}}}", 1},
		{"{\"Regions\":[]}", -1},
		{"{\"Regions\":{\"1\":7}}", -1},
		{"{\"Regions\":{\"1\":{\"RegionID\":\"1\"}}}", -1},
		{"{\"Regions\":{\"1\":{\"RegionID\":1,\"Nodes\":{}}}}", -1},
		{"{\"Regions\":{\"1\":{\"RegionID\":1,\"Nodes\":[7]}}}", -1},
		{"{\"Regions\":{\"1\":{\"RegionID\":1,\"Nodes\":[{\"HostName\":1}]}}}", -1},
	};
	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		struct err err = {0};
		json_t *v = json_loads(rows[i].text, 0, NULL);
		struct derp_map *m = derp_map_parse(v, &err);
		if ((m ? (int)m->n_regions : -1) != rows[i].n_regions)
			fail_msg("row %u: %d regions", i, m ? (int)m->n_regions : -1);
		if (!m)
			assert_true(err.text[0]);
		if (m && m->n_regions)
			assert_null(strchr(m->regions[0].code, 0x1b));
		derp_map_put(m);
		json_decref(v);
	}
}

/* More regions than there is room for are left out. */
static void
many(void **state)
{
	struct err err = {0};
	json_t *all = json_object();
	for (int i = 1; i <= 100; i++) {
		char key[8];
		snprintf(key, sizeof(key), "%d", i);
		json_object_set_new(all, key, json_pack("{s:i}", "RegionID", i));
	}
	json_t *v = json_pack("{s:o}", "Regions", all);
	struct derp_map *m = derp_map_parse(v, &err);
	assert_non_null(m);
	assert_int_equal(m->n_regions, DERP_MAX_REGIONS);
	derp_map_put(m);
	json_decref(v);
}

static void
apply(struct netmap *m, const char *text)
{
	struct netmap_news news;
	struct err err = {0};
	if (netmap_apply(m, text, strlen(text), &news, &err))
		fail_msg("%s", err.text);
}

/* What a later message does not tell stays; a stream that tells nothing has none. */
static void
in_a_map(void **state)
{
	static const char self[] = "\"Node\":{\"ID\":1,\"Name\":\"a\",\"Key\":\"nodekey:"
		"0101010101010101010101010101010101010101010101010101010101010101\"}";
	char first[512];
	struct netmap m;
	netmap_init(&m);
	snprintf(first, sizeof(first), "{%s,\"DERPMap\":{\"Regions\":{\"1\":{\"RegionID\":1}}}}",
		self);
	apply(&m, first);
	assert_int_equal(m.derp->n_regions, 1);
	struct derp_map *was = m.derp;
	apply(&m, "{\"DERPMap\":{\"Regions\":null,\"HomeParams\":{}}}");
	apply(&m, "{\"DERPMap\":null}");
	assert_ptr_equal(m.derp, was);
	apply(&m, "{\"DERPMap\":{\"Regions\":{\"1\":{\"RegionID\":1},\"2\":{\"RegionID\":2}}}}");
	assert_int_equal(m.derp->n_regions, 2);
	netmap_begin_stream(&m);
	snprintf(first, sizeof(first), "{%s}", self);
	apply(&m, first);
	assert_null(m.derp);
	netmap_fini(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded),
		cmocka_unit_test(nodes),
		cmocka_unit_test(regions),
		cmocka_unit_test(many),
		cmocka_unit_test(in_a_map),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
