/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What nodes of a tailnet get beside peers of the config: views are handed in, the server is away.
 * The interfaces' sockets are real, so this needs root; else it is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rcu.h"
#include "control/core.h"
#include "control/ifaces.h"
#include "control/membership.h"
#include "control/reload.h"
#include "sides.h"
#include "source/config.h"
#include "tailnet/times.h"
#include "tailnet/view.h"

#define KEY_OURS "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define KEY_OURS_1 "gI6EdUSYvn8ugXOt8QQD6Yc+JyiZxIhp3GInSWRfWGE="
#define KEY_NODE "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define KEY_PEER "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="

static const char head[] =
	"[Gateway]\nHost = no\n"
	"[Port wan]\nDevice = net_null0\nAddress = 203.0.113.1/24\n"
	"Neighbour = 203.0.113.2 02:00:00:00:00:02\n"
	"[Interface]\nName = hgunit3\nPrivateKey = " KEY_OURS "\nListenPort = 51820\n";
static const char node[] =
	"[Headscale]\nServer = https://127.0.0.1:9\nAcceptRoutes = yes\nStateFile = ";
static const char other[] =
	"[Interface]\nName = hgunit4\nPrivateKey = " KEY_OURS_1 "\nListenPort = 51821\n"
	"[Peer]\nPublicKey = " KEY_PEER "\nAllowedIPs = 10.5.1.0/24, 10.6.0.0/16\n";

static const char *more_of_node = "";
static char folder[] = "/tmp/headgate-unit-XXXXXX";
static char config_path[64], other_path[64], state_path[64];
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

/* peers: sections of hgunit3. */
static void
write_config(const char *peers)
{
	FILE *f = fopen(config_path, "w"), *g = fopen(other_path, "w");
	assert_true(f && g);
	fprintf(f, "%s%s%s%s\n%s", head, peers, node, state_path, more_of_node);
	fputs(other, g);
	assert_int_equal(fclose(f) | fclose(g), 0);
}

static int
set_up(void **state)
{
	static const char *paths[] = {config_path, other_path};
	struct err err = {0};
	struct intent *it = intent_create();
	write_config("");
	if (config_load(it, config_path, &err) || config_load(it, other_path, &err) ||
		mailboxes_init(&boxes, 1) ||
		!(tables = tables_create(64, &protocol_times_default, &err))) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	const struct control_config config = {
		.tables = tables, .boxes = &boxes, .intent = it, .config_paths = paths,
		.n_config_paths = 2, .ports = ports, .n_ports = 1, .port_ops = &ops,
		.times = &protocol_times_default, .n_handshakers = 1, .n_workers = 1,
		.tailnet_times = &tailnet_times_default,
	};
	if (control_create(&config, &control, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return -1;
}

static int
tear_down(void **state)
{
	control_destroy(control);
	tables_destroy(tables);
	mailboxes_fini(&boxes);
	return 0;
}

static struct key
key_of(const char *base64)
{
	struct key k;
	assert_int_equal(key_from_base64(&k, base64), 0);
	return k;
}

/* A map with that one node, at the first of the prefixes, is taken in. */
static void
take_node(const char *const *prefixes, size_t n)
{
	struct membership *m = &control->membership;
	struct tailnet_view *v = view_create_empty();
	struct tailnet_node *t = calloc(1, sizeof(*t));
	assert_true(v && t);
	t->n_refs = 1;
	t->id = 7;
	snprintf(t->name, sizeof(t->name), "node");
	t->key = key_of(KEY_NODE);
	t->disco = key_of(KEY_PEER);
	t->is_online = true;
	t->allowed = calloc(n, sizeof(*t->allowed));
	t->addresses = calloc(1, sizeof(*t->addresses));
	v->peers = calloc(1, sizeof(struct tailnet_node *));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(prefix_parse(prefixes[i], &t->allowed[i]), 0);
	t->addresses[0] = t->allowed[0];
	t->n_addresses = 1;
	t->n_allowed = n;
	v->peers[v->n_peers++] = t;
	view_destroy(m->next);
	m->next = v;
	m->view_at = m->next_at = 0;
	while (m->next)
		membership_turn(control);
}

static void
reload_with(const char *peers)
{
	struct reconcile_report report = {0};
	struct err err = {0};
	write_config(peers);
	assert_int_equal(reload(control, &report, &err), 0);
	assert_int_equal(report.n_failed, 0);
	while (control->membership.next)
		membership_turn(control);
}

static struct control_peer *
node_peer(void)
{
	struct key k = key_of(KEY_NODE);
	struct control_iface *i = iface_find(control, "hgunit3");
	return i ? peers_by_key(&control->peers, i->iface_id, &k) : NULL;
}

/* Whether the node has what hgunit3's allowed-ips have for an address. */
static bool
has(const char *text)
{
	struct addr a;
	const struct control_peer *p = node_peer();
	struct control_iface *i = iface_find(control, "hgunit3");
	assert_int_equal(addr_parse(text, &a), 0);
	uint32_t id = route_lookup(tables->ifaces[i->iface_id].allowed[family_index(a.family)],
		a.bytes);
	return p && id == p->peer_id;
}

/* A node that the config names from now on is as the config says, and nothing moves it. */
static void
config_takes_a_node_over(void **state)
{
	static const char *const prefixes[] = {"100.64.0.9/32"};
	static const char peer[] = "[Peer]\nPublicKey = " KEY_NODE
		"\nEndpoint = 203.0.113.2:51820\nAllowedIPs = 10.9.0.0/16\n";
	struct reacher_view paths;
	take_node(prefixes, 1);
	assert_true(has("100.64.0.9"));
	assert_true(membership_owns(control, node_peer()));
	assert_true(reacher_look(&control->reacher, node_peer()->peer_id, &paths));
	reload_with(peer);
	assert_non_null(node_peer());
	assert_true(has("10.9.0.1"));
	assert_false(has("100.64.0.9"));
	assert_false(membership_owns(control, node_peer()));
	assert_false(reacher_look(&control->reacher, node_peer()->peer_id, &paths));
	reload_with("");
	assert_true(has("100.64.0.9"));
	assert_false(has("10.9.0.1"));
	assert_true(membership_owns(control, node_peer()));
}

/* What a peer of the config has is known by its address alone, whichever interface it is at. */
static void
no_prefix_over_a_peer_of_the_config(void **state)
{
	static const char *const prefixes[] = {"100.64.0.9/32", "10.4.0.0/16", "10.5.0.0/16",
		"10.5.1.0/24", "10.6.7.0/24"};
	take_node(prefixes, ARRAY_COUNT(prefixes));
	assert_true(has("100.64.0.9"));
	assert_true(has("10.4.0.1"));
	assert_false(has("10.5.0.1")); /* around one of the peer's */
	assert_false(has("10.5.1.1")); /* the same as one */
	assert_true(has("10.6.7.1"));  /* within one: of the longer prefix rules know */
}

/* The internet is the node's that ExitNode names, but not around a peer of another interface. */
static void
internet_of_exit_node(void **state)
{
	static const char *const prefixes[] = {"100.64.0.9/32", "0.0.0.0/0", "::/0"};
	take_node(prefixes, ARRAY_COUNT(prefixes));
	assert_false(has("2001:db8:7::7"));
	more_of_node = "ExitNode = somebody\n";
	reload_with("");
	assert_false(has("2001:db8:7::7"));
	more_of_node = "ExitNode = NODE\n";
	reload_with("");
	assert_true(has("2001:db8:7::7"));
	assert_false(has("198.51.100.7")); /* hgunit1 has a peer in it */
	assert_int_equal(control->membership.exit.node, 7);
	more_of_node = "ExitNode = 100.64.0.9\n";
	reload_with("");
	assert_true(has("2001:db8:7::7"));
	more_of_node = "";
	reload_with("");
	assert_false(has("2001:db8:7::7"));
	assert_true(has("100.64.0.9"));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(config_takes_a_node_over),
		T(no_prefix_over_a_peer_of_the_config),
		T(internet_of_exit_node),
	};
	if (geteuid() != 0)
		return 77;
	if (!mkdtemp(folder))
		return 1;
	snprintf(config_path, sizeof(config_path), "%s/config", folder);
	snprintf(other_path, sizeof(other_path), "%s/other", folder);
	snprintf(state_path, sizeof(state_path), "%s/state", folder);
	sides_begin();
	rcu_reader_offline();
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(config_path);
	unlink(other_path);
	unlink(state_path);
	rmdir(folder);
	return rc;
}
