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
	s->filter.is_on = true;
	status_add_filter_rule(s)->text = strdup("10.0.0.1 -> *");
	strcpy(status_add_filter_local(s)->text, "192.168.10.0/24");
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

/* Some node of a tailnet with one peer. */
static void
join(struct status *s)
{
	struct status_tailnet *t = &s->tailnet;
	strcpy(t->on, "hg0");
	strcpy(t->phase, "running");
	t->since_s = s->now_s - 300;
	t->has_self = true;
	strcpy(t->self.name, "gw.tail.test");
	t->nodes = calloc(1, sizeof(*t->nodes));
	t->n_nodes = 1;
	struct status_node *n = &t->nodes[0];
	memset(&n->key, 0x0a, sizeof(n->key));
	strcpy(n->name, "laptop.tail.test");
	strcpy(n->tags, "tag:a,tag:b");
	n->addresses[n->n_addresses++] = (struct addr){{100, 64, 0, 2}, ADDR_V4};
	struct status_peer *p = &s->interfaces[0].peers[0];
	p->public_key = n->key;
	p->rx_bytes = 99;
}

static void
names_of_a_tailnet(void **state)
{
	struct status *s = some_status();
	join(s);
	json_t *json = status_to_json(s);
	const char *name, *dns, *ip, *tag, *allowed, *backend;
	int rx;
	assert_int_equal(json_unpack(json,
		"{s:s, s:{s:s}, s:{s:{s:s, s:[s!], s:[s,s], s:[s!], s:i}}}",
		"BackendState", &backend, "Self", "HostName", &name, "Peer",
		"nodekey:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
		"DNSName", &dns, "TailscaleIPs", &ip, "Tags", &tag, &tag, "AllowedIPs", &allowed,
		"RxBytes", &rx), 0);
	assert_string_equal(backend, "Running");
	assert_string_equal(name, "gw");
	assert_string_equal(dns, "laptop.tail.test.");
	assert_string_equal(ip, "100.64.0.2");
	assert_string_equal(tag, "tag:b");
	assert_string_equal(allowed, "10.0.0.0/8");
	assert_int_equal(rx, 99);
	assert_int_equal(json_array_size(json_object_get(json, "Health")), 0);
	json_decref(json);
	s->tailnet.on[0] = 0;
	json = status_to_json(s);
	assert_null(json_object_get(json, "Self"));
	json_decref(json);
	status_destroy(s);
}

static void
what_is_wrong(void **state)
{
	static const struct {
		const char *phase, *trouble, *unapproved, *exit_trouble;
		int64_t skew_s, expires_in_s;
		const char *sentence, *backend;
	} table[] = {
		{"connecting", "connecting to h: refused", "", "", 0, 0,
			"the server is out of reach for 5 min: connecting", "Running"},
		{"needs login", "open https://h/x", "", "", 0, 0, "open https://h/x",
			"NeedsLogin"},
		{"running", "", "", "", 0, 3 * 24 * 3600, "key expires in 3 days", "Running"},
		{"running", "", "", "", 0, -5, "this node's key has expired", "Running"},
		{"running", "", "10.7.0.0/16", "", 0, 0, "10.7.0.0/16 (headscale", "Running"},
		{"running", "", "", "ExitNode = hub1: no node is so", 0, 0,
			"hub1: no node is so", "Running"},
		{"running", "", "", "", -7200, 0, "clock is 2 h ahead of the server's", "Running"},
		{"running", "", "", "", 90, 0, "clock is 90 s behind the server's", "Running"},
		{"down", "", "", "", 0, 0, NULL, "Stopped"},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct status *s = some_status();
		join(s);
		struct status_tailnet *t = &s->tailnet;
		strcpy(t->phase, table[i].phase);
		strcpy(t->trouble, table[i].trouble);
		strcpy(t->unapproved, table[i].unapproved);
		strcpy(t->exit_trouble, table[i].exit_trouble);
		t->skew_s = table[i].skew_s;
		if (table[i].expires_in_s)
			t->key_expiry_s = s->now_s + (uint64_t)table[i].expires_in_s;
		json_t *json = status_to_json(s), *health = json_object_get(json, "Health");
		const char *said = json_string_value(json_array_get(health, 0));
		assert_int_equal(json_array_size(health), table[i].sentence ? 1 : 0);
		if (table[i].sentence && !strstr(said, table[i].sentence))
			fail_msg("%s, not %s", said, table[i].sentence);
		assert_string_equal(json_string_value(json_object_get(json, "BackendState")),
			table[i].backend);
		json_decref(json);
		status_destroy(s);
	}
}

/* A person finds the URL whatever else is wrong meanwhile, and once. */
static void
login_is_told(void **state)
{
	static const struct {
		const char *phase, *trouble;
		unsigned n_times;
	} table[] = {
		{"needs login", "waits to be let in: open https://h/register/x", 1},
		{"needs login", "connecting to h: refused", 1},
		{"needs login", "", 1},
		{"running", "", 0},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct status *s = some_status();
		join(s);
		strcpy(s->tailnet.phase, table[i].phase);
		strcpy(s->tailnet.trouble, table[i].trouble);
		strcpy(s->tailnet.auth_url, "https://h/register/x");
		json_t *json = status_to_json(s), *health = json_object_get(json, "Health");
		unsigned n = 0;
		for (size_t k = 0; k < json_array_size(health); k++)
			n += strstr(json_string_value(json_array_get(health, k)),
				"https://h/register/x") != NULL;
		assert_int_equal(n, table[i].n_times);
		json_decref(json);
		status_destroy(s);
	}
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
		{STATUS_VIEW_FILTER, "             0  10.0.0.1 -> *\n\nnodes of the tailnet "
			"reach here, as far as rules let them:\n  192.168.10.0/24\n"},
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
		cmocka_unit_test(names_of_a_tailnet),
		cmocka_unit_test(what_is_wrong),
		cmocka_unit_test(login_is_told),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_missing_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
