/* SPDX-License-Identifier: BSD-3-Clause */
/* The status as JSON and as tables: whole, without secrets, and bearing missing fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intent/status.h"
#include "intent/status_json.h"
#include "intent/status_print.h"

static struct status *
some_status(void)
{
	struct status *s = status_create();
	strcpy(s->version, "0.1.0");
	s->uptime_s = 3700;
	s->now_s = 1700000100;
	strcpy(s->crypto.backend, "ipsec-mb");
	strcpy(s->crypto.why, "AVX-512");
	strcpy(s->crypto.second_backend, "portable");
	strcpy(s->crypto.second_why, "cheaper");
	*status_add_worker(s) = (struct status_worker){1, 12345, 0.5};
	struct status_port *port = status_add_port(s);
	strcpy(port->name, "wan");
	port->link_is_up = true;
	port->rx_bytes = 3 << 20;
	struct status_drop *drop = status_add_drop(s);
	*drop = (struct status_drop){"replayed", "seen before", 7, 2, 0.5};
	*status_add_drop(s) = (struct status_drop){"no_route", "no route", 0};
	struct status_interface *i = status_add_interface(s);
	strcpy(i->name, "hg0");
	memset(&i->private_key, 0xaa, sizeof(i->private_key));
	memset(&i->public_key, 0xbb, sizeof(i->public_key));
	struct status_peer *p = status_add_peer(i);
	memset(&p->psk, 0xcc, sizeof(p->psk));
	p->has_psk = true;
	p->last_handshake.s = 1700000000;
	struct prefix prefix;
	assert_int_equal(prefix_parse("10.0.0.0/8", &prefix), 0);
	assert_int_equal(status_add_allowed(p, &prefix), 0);
	for (int n = 0; n < 9; n++)
		assert_non_null(status_add_peer(i));
	return s;
}

/* What status_print writes; the caller frees it. */
static char *
printed(const json_t *json, enum status_view view)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	status_print(json, view, out);
	fclose(out);
	return text;
}

static void
test_json(void **state)
{
	struct status *s = some_status();
	json_t *json = status_to_json(s);
	assert_non_null(json);
	json_t *iface = json_array_get(json_object_get(json, "interfaces"), 0);
	json_t *peers = json_object_get(iface, "peers");
	json_t *peer = json_array_get(peers, 0);
	assert_int_equal(json_array_size(peers), 10);
	assert_true(json_is_null(json_object_get(peer, "endpoint")));
	assert_true(json_is_true(json_object_get(peer, "has_psk")));
	assert_int_equal(json_integer_value(json_object_get(peer, "last_handshake_s")), 1700000000);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(peer, "allowed_ips"), 0)),
		"10.0.0.0/8");

	char *text = json_dumps(json, 0);
	char private_key[KEY_BASE64_BYTES], psk[KEY_BASE64_BYTES];
	key_to_base64(&s->interfaces[0].private_key, private_key);
	key_to_base64(&s->interfaces[0].peers[0].psk, psk);
	assert_null(strstr(text, private_key));
	assert_null(strstr(text, psk));
	free(text);
	json_decref(json);
	status_destroy(s);
}

static void
test_tables(void **state)
{
	static const struct {
		enum status_view view;
		const char *shows;
	} rows[] = {
		{STATUS_VIEW_STATUS, "headgate 0.1.0, up 1h 1m\ncrypto: ipsec-mb (AVX-512)\n"
			"beside it: portable (cheaper)\n"},
		{STATUS_VIEW_STATUS, "12345  50.0%"},
		{STATUS_VIEW_PEERS, "hg0: 10 peers\n"},
		{STATUS_VIEW_PEERS, "1m 40s"},
		{STATUS_VIEW_PEERS, "never"},
		{STATUS_VIEW_PORTS, "3.00 MiB"},
		{STATUS_VIEW_DROPS,
			"             7          2        0.5  replayed                   "
			"seen before\n"},
	};
	struct status *s = some_status();
	json_t *json = status_to_json(s);
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		char *text = printed(json, rows[r].view);
		assert_non_null(strstr(text, rows[r].shows));
		assert_null(strstr(text, "no_route"));
		free(text);
	}
	json_decref(json);
	status_destroy(s);
}

static void
test_missing_fields(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"{\"ports\":[{}],\"interfaces\":[{\"peers\":[{}, 3]}],\"drops\":[{\"count\":1}]}",
		"{\"ports\":{},\"interfaces\":3,\"workers\":[null]}",
	};
	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		json_t *json = json_loads(texts[t], 0, NULL);
		assert_non_null(json);
		for (int v = STATUS_VIEW_STATUS; v <= STATUS_VIEW_DROPS; v++)
			free(printed(json, (enum status_view)v));
		json_decref(json);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_missing_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
