/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What maps, reloads and `wg` make of the peers of a tailnet, with a server that is never reached.
 * The interface's sockets are real, so this needs root; else it is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rcu.h"
#include "control/core.h"
#include "control/ifaces.h"
#include "control/membership_filter.h"
#include "control/reload.h"
#include "filter/ranges.h"
#include "sides.h"
#include "source/config.h"
#include "source/text.h"
#include "tailnet/tailnet.h"

#define KEY_OURS "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define KEY_OTHER "8I+kLUIkPZdyRAnEvksZenR4iRL9RcQxliK/oRaBxUs="
#define KEY_NODE "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="

#define HEAD "[Gateway]\nHost = no\n[Port wan]\nDevice = net_null0\nAddress = 203.0.113.1/24\n" \
	"[Interface]\nName = hgunit2\nListenPort = 51820\n"
#define HEADSCALE "[Headscale]\nServer = http://127.0.0.1:1\nServerKey = mkey:" \
	"07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c\nStateFile = %s\n"
#define OURS "PrivateKey = " KEY_OURS "\n"

static char config_path[] = "/tmp/headgate-unit-XXXXXX";
static char state_path[] = "/tmp/headgate-unit-state-XXXXXX";
static struct mailboxes boxes;
static struct tables *tables;
static struct control *control;
static struct control_port ports[1] = {{
	.name = "wan",
	.mac = {{2, 0, 0, 0, 0, 1}},
	.mtu = 1500,
	.is_attached = true,
}};
static const struct control_port_ops ops;

static void
write_config(const char *key, const char *peers)
{
	FILE *f = fopen(config_path, "w");
	assert_non_null(f);
	fprintf(f, HEAD "%s" HEADSCALE "%s", key, state_path, peers);
	assert_int_equal(fclose(f), 0);
}

static int
set_up(void **state)
{
	static const char *paths[] = {config_path};
	struct err err = {0};
	struct intent *it = intent_create();
	unlink(state_path);
	write_config(OURS, "");
	if (config_load(it, config_path, &err) || mailboxes_init(&boxes, 1) ||
		!(tables = tables_create(64, &protocol_times_default, &err))) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	const struct control_config config = {
		.tables = tables, .boxes = &boxes, .intent = it, .config_paths = paths,
		.n_config_paths = 1, .ports = ports, .n_ports = 1, .port_ops = &ops,
		.times = &protocol_times_default, .tailnet_times = &tailnet_times_short,
		.n_handshakers = 1, .n_workers = 1,
	};
	if (control_create(&config, &control, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	membership_turn(control); /* what the thread says at its start */
	return 0;
}

static int
tear_down(void **state)
{
	control_destroy(control);
	tables_destroy(tables);
	mailboxes_fini(&boxes);
	unlink(state_path);
	return 0;
}

static struct key
key_of(const char *base64)
{
	struct key k;
	assert_int_equal(key_from_base64(&k, base64), 0);
	return k;
}

static struct control_peer *
node_peer(void)
{
	struct key k = key_of(KEY_NODE);
	return peers_by_key(&control->peers, 0, &k);
}

static uint32_t
allowed_of(const char *text)
{
	struct addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return route_lookup(tables->ifaces[0].allowed[family_index(a.family)], a.bytes);
}

static void
settle(void)
{
	for (unsigned i = 0; i < 4; i++)
		membership_turn(control);
}

/* The tailnet is the node of KEY_NODE alone; with id 0 it is empty. */
static void
tell_of(int64_t id, uint8_t disco)
{
	struct membership *m = &control->membership;
	struct tailnet_view *v = view_create_empty();
	struct tailnet_node *n = calloc(1, sizeof(*n));
	n->n_refs = 1;
	n->id = id;
	n->key = key_of(KEY_NODE);
	n->disco.bytes[0] = disco;
	snprintf(n->name, sizeof(n->name), "node.example");
	n->addresses = calloc(1, sizeof(*n->addresses));
	n->allowed = calloc(1, sizeof(*n->allowed));
	assert_int_equal(prefix_parse("100.64.0.7/32", n->addresses), 0);
	n->allowed[0] = n->addresses[0];
	n->n_addresses = n->n_allowed = 1;
	v->peers = calloc(1, sizeof(struct tailnet_node *));
	if (id)
		v->peers[v->n_peers++] = n;
	else
		node_put(n);
	m->next = v;
	m->view_at = m->next_at = 0;
	settle();
}

static struct reconcile_report
reload_with(const char *key, const char *peers)
{
	struct reconcile_report report = {0};
	struct err err = {0};
	write_config(key, peers);
	assert_int_equal(reload(control, &report, &err), 0);
	settle();
	return report;
}

/* ---- Tests ---- */

static void
a_node_comes_and_goes(void **state)
{
	tell_of(7, 1);
	assert_non_null(node_peer());
	assert_true(membership_owns(control, node_peer()));
	assert_int_equal(allowed_of("100.64.0.7"), node_peer()->peer_id);
	tell_of(0, 0);
	assert_null(node_peer());
	assert_int_equal(control->membership.owned.n, 0);
}

/* Another disco key is another process, which knows of no session, whatever its id is now. */
static void
a_session_ends_with_the_disco_key(void **state)
{
	static const struct {
		int64_t id;
		uint8_t disco;
		bool ends;
	} table[] = {{7, 1, false}, {7, 2, true}, {3, 2, false}, {2, 3, true}};
	tell_of(7, 1);
	struct control_peer *p = node_peer();
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		p->timers.wipe_at_ns = 1; /* as if there was a session */
		tell_of(table[i].id, table[i].disco);
		assert_ptr_equal(node_peer(), p);
		assert_int_equal(p->timers.wipe_at_ns, table[i].ends ? 0 : 1);
	}
}

/* What the files say of a key counts, from the reload on that has it. */
static void
a_peer_of_the_config_takes_over(void **state)
{
	tell_of(7, 1);
	reload_with(OURS, "[Peer]\nPublicKey = " KEY_NODE "\nAllowedIPs = 10.77.0.0/24\n");
	assert_non_null(node_peer());
	assert_false(membership_owns(control, node_peer()));
	assert_int_equal(allowed_of("10.77.0.1"), node_peer()->peer_id);
	assert_int_equal(allowed_of("100.64.0.7"), 0);
	tell_of(0, 0);
	assert_non_null(node_peer());
	tell_of(7, 1);
	reload_with(OURS, "");
	assert_int_equal(allowed_of("10.77.0.1"), 0);
	assert_true(membership_owns(control, node_peer()));
}

static bool
has_key(const char *base64)
{
	struct key k = key_of(base64);
	interface_clamp_key(&k);
	return key_is_equal(&control->running->interfaces[0]->private_key, &k);
}

/* The server knows the node by its key: with another one it is another node. */
static void
another_key_joins_anew(void **state)
{
	tell_of(7, 1);
	assert_int_equal(reload_with(OURS, "").n_applied, 0);
	assert_non_null(node_peer());
	reload_with("PrivateKey = " KEY_OTHER "\n", "");
	assert_true(has_key(KEY_OTHER));
	assert_null(node_peer());
	tell_of(7, 1);
	reload_with("", ""); /* the state file's, from now on */
	assert_false(has_key(KEY_OTHER));
	assert_null(node_peer());
	assert_false(control->membership.has_own_key);
	tell_of(7, 1);
	assert_int_equal(reload_with("", "").n_applied, 0);
	assert_non_null(node_peer());
}

/* …which `wg` cannot tell the server. */
static void
wg_sets_no_key(void **state)
{
	static const struct {
		const char *key;
		int rc;
	} table[] = {{KEY_OTHER, -EPERM}, {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 0}};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct change_list list;
		struct change c = {.kind = CHANGE_INTERFACE_SET_KEY, .on = "hgunit2",
			.key = key_of(table[i].key)};
		struct change port = {.kind = CHANGE_INTERFACE_SET_LISTEN_PORT, .on = "hgunit2"};
		change_list_init(&list);
		assert_int_equal(change_list_add(&list, &c), 0);
		assert_int_equal(change_list_add(&list, &port), 0);
		assert_int_equal(membership_keep(control, &list), table[i].rc);
		assert_int_equal(list.n, 1);
		assert_int_equal(list.items[0].kind, CHANGE_INTERFACE_SET_LISTEN_PORT);
		change_list_fini(&list);
	}
}

static bool
is_down_soon(void)
{
	struct tailnet_status s = {0};
	for (unsigned i = 0; i < 1000 && s.phase != TAILNET_DOWN; i++) {
		usleep(10000);
		assert_true(membership_status(control, &s));
	}
	return s.phase == TAILNET_DOWN;
}

/* Who is down by a person's wish stays so, though the config has it join anew. */
static void
down_outlives_a_reload(void **state)
{
	struct err err;
	assert_int_equal(membership_wish(control, TAILNET_WISH_DOWN, &err), 0);
	assert_true(is_down_soon());
	reload_with("PrivateKey = " KEY_OTHER "\n", "");
	assert_true(is_down_soon());
}

/* A rule of so many sources; the base's allow nothing that the tailnet's do. */
static char *
many_sources(unsigned n)
{
	struct text t;
	text_init(&t);
	text_add(&t, "{\"base\":[{\"SrcIPs\":[\"100.64.0.7\"");
	for (unsigned i = 0; i < n; i++)
		text_add(&t, ",\"101.%u.%u.%u\"", i >> 16, i >> 8 & 0xff, i & 0xff);
	text_add(&t, "],\"DstPorts\":[{\"IP\":\"*\",\"Ports\":{\"First\":0,\"Last\":9}}]}]}");
	char *out = strdup(t.data);
	text_fini(&t);
	return out;
}

static void
tell_filters(char *filters)
{
	struct tailnet_view *v = control->membership.view;
	free(v->filters);
	v->filters = filters;
	membership_filter_renew(control);
}

/* Rules that cannot be had leave none of the tailnet's in force: not those of before. */
static void
rules_that_are_too_many(void **state)
{
	struct membership *m = &control->membership;
	struct filter_plan base = {.is_on = true};
	struct filter_rule r = {.text = strdup("base")};
	struct prefix p, own;
	prefix_parse("100.64.0.1/32", &own);
	assert_int_equal(prefix_list_add(&m->own, &own), 0);
	for (unsigned i = 0; i < 600000; i++) {
		p = (struct prefix){.addr = {{102, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
			(uint8_t)i}, ADDR_V4}, .len = 32};
		const struct filter_range range = filter_range_of(&p);
		assert_int_equal(filter_rule_add_source(&r, &range), 0);
	}
	const struct filter_range to = filter_range_of(&own);
	filter_rule_add_destination(&r, &to);
	filter_rule_add_defaults(&r, 0, 1);
	assert_int_equal(filter_plan_add(&base, &r), 0);
	m->base = filter_plan_copy(&base);
	filter_plan_fini(&base);
	tell_of(7, 1);
	tell_filters(many_sources(0));
	assert_int_equal(control->running->filter->n_rules, 2);
	tell_filters(many_sources(600000));
	assert_int_equal(control->running->filter->n_rules, 1);
	tell_filters(many_sources(0));
	assert_int_equal(control->running->filter->n_rules, 2);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(a_node_comes_and_goes),
		T(a_session_ends_with_the_disco_key),
		T(a_peer_of_the_config_takes_over),
		T(another_key_joins_anew),
		T(wg_sets_no_key),
		T(down_outlives_a_reload),
		T(rules_that_are_too_many),
	};
	if (geteuid() != 0)
		return 77;
	int fd = mkstemp(config_path), other = mkstemp(state_path);
	if (fd < 0 || other < 0)
		return 1;
	close(fd);
	close(other);
	sides_begin();
	rcu_reader_offline();
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(config_path);
	return rc;
}
