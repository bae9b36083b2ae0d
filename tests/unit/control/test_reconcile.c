/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reconciler against real tables, with Host = no: what each change of the intent leaves
 * there. The interface's sockets are real, so this needs root; else it is skipped.
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/rcu.h"
#include "control/core.h"
#include "control/ifaces.h"
#include "control/reload.h"
#include "control/report.h"
#include "sides.h"
#include "source/config.h"

#define KEY_OURS "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define KEY_ONE "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define KEY_TWO "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="

static const char first[] =
	"[Gateway]\nHost = no\n"
	"[Port wan]\nDevice = net_null0\nAddress = 203.0.113.1/24\n"
	"Neighbour = 203.0.113.2 02:00:00:00:00:02\n"
	"[Interface]\nName = hgunit0\nPrivateKey = " KEY_OURS "\nListenPort = 51820\n"
	"Address = 10.0.0.1/24\n"
	"[Peer]\nPublicKey = " KEY_ONE "\nEndpoint = 203.0.113.2:51820\n"
	"AllowedIPs = 10.0.0.2/32, 192.168.20.0/24\n"
	"[Peer]\nPublicKey = " KEY_TWO "\nAllowedIPs = 10.0.0.3/32, fd00:30::/64\n";

static char config_path[] = "/tmp/headgate-unit-XXXXXX";
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
write_config(const char *text)
{
	FILE *f = fopen(config_path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static int
set_up(void **state)
{
	static const char *paths[] = {config_path};
	struct err err = {0};
	struct intent *it = intent_create();
	write_config(first);
	if (config_load(it, config_path, &err) || mailboxes_init(&boxes, 1) ||
		!(tables = tables_create(64, &protocol_times_default, &err))) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	const struct control_config config = {
		.tables = tables, .boxes = &boxes, .intent = it, .config_paths = paths,
		.n_config_paths = 1, .ports = ports, .n_ports = 1, .port_ops = &ops,
		.times = &protocol_times_default, .n_handshakers = 1, .n_workers = 1,
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

/* ---- Questions ---- */

static struct control_peer *
peer_of(const char *base64)
{
	struct key k;
	assert_int_equal(key_from_base64(&k, base64), 0);
	return peers_by_key(&control->peers, 0, &k);
}

/* The peer that the interface's allowed-ips give for an address; 0: none. */
static uint32_t
allowed_of(const char *text)
{
	struct addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	return route_lookup(tables->ifaces[0].allowed[family_index(a.family)], a.bytes);
}

static uint8_t
forward_type(const char *text)
{
	struct addr a;
	assert_int_equal(addr_parse(text, &a), 0);
	uint32_t id = route_lookup(tables->forward[family_index(a.family)], a.bytes);
	return id ? tables_nexthop(tables, id)->type : 0;
}

static struct reconcile_report
reload_with(const char *text)
{
	struct reconcile_report report = {0};
	struct err err = {0};
	write_config(text);
	assert_int_equal(reload(control, &report, &err), 0);
	return report;
}

/* first with one piece of it replaced. */
static const char *
edited(const char *from, const char *to)
{
	static char out[2 * sizeof(first)];
	const char *at = strstr(first, from);
	assert_non_null(at);
	snprintf(out, sizeof(out), "%.*s%s%s", (int)(at - first), first, to, at + strlen(from));
	return out;
}

/* One exchange with a socket of the interface, the loop turned by hand. */
static const char *
ask(const char *path, const char *request)
{
	static char reply[8192];
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	size_t n = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	/* A byte at a time, as the slowest client would. */
	for (const char *p = request; *p; p++) {
		if (send(fd, p, 1, MSG_NOSIGNAL) != 1)
			break; /* it did not want to hear more */
		uv_run(&control->loop, UV_RUN_NOWAIT);
	}
	for (unsigned i = 0; i < 50; i++) {
		uv_run(&control->loop, UV_RUN_NOWAIT);
		reload_if_wanted(control);
		ssize_t got = recv(fd, reply + n, sizeof(reply) - 1 - n, 0);
		n += got > 0 ? (size_t)got : 0;
	}
	reply[n] = 0;
	close(fd);
	for (unsigned i = 0; i < 5; i++)
		uv_run(&control->loop, UV_RUN_NOWAIT);
	return reply;
}

/* ---- Tests ---- */

static void
start_fills_the_tables(void **state)
{
	struct endpoint remote;
	struct addr local;
	char text[ENDPOINT_TEXT_BYTES];
	assert_int_equal(tables->iface_by_port[51820], 1);
	assert_int_equal(tables->ifaces[0].mtu, 1420);
	assert_int_equal(allowed_of("10.0.0.2"), peer_of(KEY_ONE)->peer_id);
	assert_int_equal(allowed_of("192.168.20.77"), peer_of(KEY_ONE)->peer_id);
	assert_int_equal(allowed_of("fd00:30::1"), peer_of(KEY_TWO)->peer_id);
	assert_int_equal(allowed_of("10.0.0.4"), 0);
	assert_int_equal(forward_type("192.168.20.77"), NEXTHOP_TUNNEL);
	assert_int_equal(forward_type("203.0.113.1"), NEXTHOP_LOCAL);
	assert_true(tables_encap_get(tables, peer_of(KEY_ONE)->peer_id, &remote, &local));
	assert_string_equal(endpoint_format(&remote, text), "203.0.113.2:51820");
	assert_false(tables_encap_get(tables, peer_of(KEY_TWO)->peer_id, &remote, &local));
}

static void
reload_without_change_changes_nothing(void **state)
{
	struct control_peer *one = peer_of(KEY_ONE);
	struct reconcile_report r = reload_with(first);
	assert_int_equal(r.n_applied, 0);
	assert_ptr_equal(peer_of(KEY_ONE), one);
}

static void
reload_applies_the_difference(void **state)
{
	struct control_peer *two = peer_of(KEY_TWO);
	struct reconcile_report r =
		reload_with(edited("10.0.0.2/32, 192.168.20.0/24", "10.0.0.2/32, 10.9.0.0/16"));
	assert_int_equal(r.n_applied, 2);
	assert_int_equal(allowed_of("192.168.20.77"), 0);
	assert_int_equal(allowed_of("10.9.1.1"), peer_of(KEY_ONE)->peer_id);
	assert_ptr_equal(peer_of(KEY_TWO), two);

	r = reload_with(edited("51820\nAddress", "51821\nAddress"));
	assert_int_equal(r.n_failed, 0);
	assert_int_equal(tables->iface_by_port[51820], 0);
	assert_int_equal(tables->iface_by_port[51821], 1);
}

static void
a_prefix_moves_between_peers(void **state)
{
	struct reconcile_report r = reload_with(edited("10.0.0.3/32, fd00:30::/64",
		"10.0.0.3/32, fd00:30::/64, 192.168.20.0/24"));
	assert_int_equal(r.n_failed, 0);
	assert_int_equal(allowed_of("192.168.20.77"), peer_of(KEY_TWO)->peer_id);
	assert_int_equal(allowed_of("10.0.0.2"), peer_of(KEY_ONE)->peer_id);
	assert_int_equal(forward_type("192.168.20.77"), NEXTHOP_TUNNEL);
}

static void
a_peer_goes_and_comes(void **state)
{
	reload_with(edited("[Peer]\nPublicKey = " KEY_TWO
		"\nAllowedIPs = 10.0.0.3/32, fd00:30::/64\n", ""));
	assert_null(peer_of(KEY_TWO));
	assert_int_equal(allowed_of("fd00:30::1"), 0);
	reload_with(first);
	assert_non_null(peer_of(KEY_TWO));
	assert_int_equal(allowed_of("fd00:30::1"), peer_of(KEY_TWO)->peer_id);
}

static void
a_bad_file_changes_nothing(void **state)
{
	struct reconcile_report report;
	struct err err = {0};
	write_config(edited("AllowedIPs = 10.0.0.2/32", "AllowedIPs = 10.0.0.2/99"));
	assert_true(reload(control, &report, &err) < 0);
	assert_true(strlen(err.text) > 0);
	assert_true(reload_check(control, &err) < 0);
	assert_int_equal(allowed_of("10.0.0.2"), peer_of(KEY_ONE)->peer_id);
}

static void
a_new_port_waits_for_a_restart(void **state)
{
	struct reconcile_report r = reload_with(edited("[Interface]",
		"[Port lan]\nDevice = net_null1\nAddress = 10.7.0.1/24\n[Interface]"));
	assert_int_equal(r.n_failed, 0);
	assert_true(r.n_restart > 0);
}

static void
a_key_change_ends_sessions(void **state)
{
	struct control_peer *one = peer_of(KEY_ONE);
	struct key was = control->peers.identities[0].local.public_key;
	uint32_t index;
	assert_int_equal(tables_index_reserve(tables, one->peer_id, &index), 0);
	struct session_keys keys = {.local_index = index, .is_initiator = true};
	assert_int_equal(tables_session_install(tables, &keys, 0, clock_boot_ns()), 0);
	assert_non_null(tables_peer(tables, one->peer_id)->tx);
	reload_with(edited(KEY_OURS, "gI6EdUSYvn8ugXOt8QQD6Yc+JyiZxIhp3GInSWRfWGE="));
	assert_null(tables_peer(tables, one->peer_id)->tx);
	assert_false(key_is_equal(&was, &control->peers.identities[0].local.public_key));
}

static void
the_sockets_are_ours_alone(void **state)
{
	struct stat st;
	assert_int_equal(stat("/var/run/wireguard/hgunit0.sock", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat("/run/headgate/hgunit0.sock", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
wg_gets_and_sets(void **state)
{
	const char *path = "/var/run/wireguard/hgunit0.sock";
	const char *reply = ask(path, "get=1\n\n");
	assert_non_null(strstr(reply, "listen_port=51820\n"));
	assert_non_null(strstr(reply, "allowed_ip=192.168.20.0/24\n"));
	assert_non_null(strstr(reply, "errno=0\n\n"));
	assert_string_equal(ask(path, "set=1\nlisten_port=51999\n\n"), "errno=0\n\n");
	assert_int_equal(tables->iface_by_port[51999], 1);
	assert_null(strstr(ask(path, "set=1\nlisten_port=x\n\n"), "errno=0"));
	assert_string_equal(ask(path, "nonsense\n\n"), "");
}

static void
ctl_answers_json(void **state)
{
	const char *path = "/run/headgate/hgunit0.sock";
	assert_non_null(strstr(ask(path, "status\n"), "\"interfaces\""));
	assert_null(strstr(ask(path, "peers\n"), KEY_OURS));
	write_config(first);
	assert_non_null(strstr(ask(path, "check\n"), "true"));
	assert_non_null(strstr(ask(path, "reload\n"), "\"changes\""));
	write_config("[Interface]\nNonsense = 1\n");
	assert_non_null(strstr(ask(path, "reload\n"), "\"error\""));
	assert_non_null(strstr(ask(path, "what\n"), "\"error\""));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(start_fills_the_tables),
		T(reload_without_change_changes_nothing),
		T(reload_applies_the_difference),
		T(a_prefix_moves_between_peers),
		T(a_peer_goes_and_comes),
		T(a_bad_file_changes_nothing),
		T(a_new_port_waits_for_a_restart),
		T(a_key_change_ends_sessions),
		T(the_sockets_are_ours_alone),
		T(wg_gets_and_sets),
		T(ctl_answers_json),
	};
	if (geteuid() != 0)
		return 77;
	int fd = mkstemp(config_path);
	if (fd < 0)
		return 1;
	close(fd);
	sides_begin();
	rcu_reader_offline();
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(config_path);
	return rc;
}
