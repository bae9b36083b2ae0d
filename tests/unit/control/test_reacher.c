/* SPDX-License-Identifier: BSD-3-Clause */
/* Two nodes look for each other: what each sends is put into the other's box, without threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/rcu.h"
#include "control/reacher.h"
#include "control/reacher_inner.h"
#include "crypto/x25519.h"
#include "sides.h"

static struct side sides[2];
static struct reacher reachers[2];
static struct key node_keys[2], disco_private[2], disco_keys[2];
static uint32_t peer_ids[2];  /* of the other, at each */
static bool is_deaf[2];       /* nothing comes to it */
static unsigned n_sent[2];
static ns_t now;

static struct tailnet_node *
node_of(unsigned who, unsigned n_endpoints)
{
	struct tailnet_node *n = calloc(1, sizeof(*n));
	assert_non_null(n);
	n->n_refs = 1;
	n->id = who + 1;
	snprintf(n->name, sizeof(n->name), "node%u", who);
	n->key = node_keys[who];
	n->disco = disco_keys[who];
	n->endpoints = calloc(1, sizeof(*n->endpoints));
	n->endpoints[0] = sides[who].at;
	n->n_endpoints = n_endpoints;
	return n;
}

/* Whether it was known by another disco key. */
static bool
put(unsigned at, uint32_t peer_id, struct tailnet_node *n)
{
	int rc = reacher_put(&reachers[at], peer_id, n);
	assert_true(rc >= 0);
	node_put(n);
	return rc;
}

static void
draw_keys(unsigned who)
{
	x25519_keygen(node_keys[who].bytes);
	x25519_keygen(disco_private[who].bytes);
	x25519_public(disco_keys[who].bytes, disco_private[who].bytes);
	struct reacher_self self = {sides[who].iface_id, disco_private[who], node_keys[who]};
	reacher_set_self(&reachers[who], &self);
}

static int
set_up(void **state)
{
	static const char *const at[] = {"192.0.2.1:51820", "192.0.2.2:41641"};
	now = clock_boot_ns();
	for (unsigned i = 0; i < 2; i++) {
		side_init(&sides[i], i ? "b" : "a", now);
		endpoint_parse(at[i], &sides[i].at);
		reacher_init(&reachers[i], sides[i].tables, &sides[i].boxes, now);
		draw_keys(i);
		is_deaf[i] = false;
		n_sent[i] = 0;
	}
	for (unsigned i = 0; i < 2; i++) {
		side_add_peer(&sides[i], &node_keys[!i], NULL, NULL);
		peer_ids[i] = sides[i].peer->peer_id;
		put(i, peer_ids[i], node_of(!i, i)); /* b has no endpoint in a's map */
	}
	return 0;
}

static int
tear_down(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		reacher_fini(&reachers[i]);
		side_fini(&sides[i]);
	}
	return 0;
}

/* Carries what one ordered sent to the other, if that is where it went. */
static unsigned
carry(unsigned from)
{
	struct order_mail order;
	unsigned n = 0;
	for (; mailbox_take(sides[from].orders[0], &order, 1); n++) {
		struct reach_mail mail = {
			.path = {.remote = sides[from].at, .local = sides[!from].at.addr},
			.received_ns = now,
			.iface_id = sides[!from].iface_id,
			.n_bytes = order.n_bytes,
		};
		assert_int_equal(order.kind, ORDER_SEND);
		memcpy(mail.datagram, order.message, order.n_bytes);
		n_sent[from]++;
		if (!is_deaf[!from] && endpoint_is_equal(&order.path.remote, &sides[!from].at))
			assert_true(mailbox_put(sides[!from].boxes.reach, &mail));
	}
	return n;
}

/* Until neither has more to say. */
static void
talk(void)
{
	unsigned n;
	do {
		n = carry(0) + carry(1);
		for (unsigned i = 0; i < 2; i++)
			while (reacher_turn(&reachers[i], now))
				n++;
	} while (n);
}

static void
go_on(ns_t ns)
{
	for (ns_t until = now + ns; now < until; now += 100 * NS_IN_MS)
		talk();
}

static bool
is_pinned(unsigned at)
{
	return tables_peer(sides[at].tables, peer_ids[at])->is_pinned;
}

static bool
is_found(unsigned at)
{
	struct endpoint remote;
	struct addr local;
	return is_pinned(at) &&
		tables_encap_get(sides[at].tables, peer_ids[at], &remote, &local) &&
		endpoint_is_equal(&remote, &sides[!at].at);
}

static bool
told_found(unsigned at)
{
	struct event_mail ev;
	return mailbox_take(sides[at].boxes.events, &ev, 1) && ev.kind == EVENT_PATH_FOUND &&
		ev.peer_id == peer_ids[at];
}

/* b wants to send to a, whose endpoint it knows; a learns where b is by its ping. */
static void
both_find_each_other(void **state)
{
	talk();
	assert_int_equal(n_sent[0] + n_sent[1], 0); /* nobody has asked for anything */
	reacher_stir(&reachers[1], peer_ids[1]);
	talk();
	assert_true(is_found(0));
	assert_true(is_found(1));
	assert_true(told_found(0));
	assert_true(told_found(1));
	assert_false(told_found(0));
	assert_int_equal(n_sent[0], 2); /* a pong and a ping */
	assert_int_equal(n_sent[1], 2);
}

/* Heartbeats keep a path that is used; without data it is let go, and doubted without pongs. */
static void
path_is_kept_while_used(void **state)
{
	reacher_stir(&reachers[1], peer_ids[1]);
	for (unsigned i = 0; i < 60; i++) {
		tables_peer(sides[1].tables, peer_ids[1])->tx_bytes += 100;
		go_on(NS_IN_S);
		assert_true(is_pinned(1));
	}
	is_deaf[0] = true;
	go_on(8 * NS_IN_S);
	assert_false(is_pinned(1));
	is_deaf[0] = false;
	go_on(10 * NS_IN_S);
	assert_true(is_pinned(1));
	go_on(60 * NS_IN_S);
	assert_false(is_pinned(1));
	unsigned n_before = n_sent[1];
	go_on(60 * NS_IN_S);
	assert_int_equal(n_sent[1], n_before);
}

/* Of whom nobody knows nothing is opened; what was not sealed for us is not answered. */
static void
strangers_are_not_answered(void **state)
{
	struct key private_key = disco_private[1], public_key = disco_keys[1];
	draw_keys(1);
	reacher_stir(&reachers[1], peer_ids[1]);
	talk();
	assert_int_equal(n_sent[0], 0);
	assert_int_equal(reachers[0].n_strangers, 1);

	x25519_keygen(disco_private[1].bytes); /* says to be b, and is not */
	struct reacher_self self = {sides[1].iface_id, disco_private[1], node_keys[1]};
	reacher_set_self(&reachers[1], &self);
	reachers[1].disco_public = public_key;
	disco_private[1] = private_key;
	reacher_stir(&reachers[1], peer_ids[1]);
	now += 6 * NS_IN_S;
	talk();
	assert_int_equal(n_sent[0], 0);
	assert_true(reachers[0].n_unsealed >= 1);
	assert_false(is_pinned(0));
}

/* A ping must come from the node key that the disco key is of. */
static void
another_nodes_key_is_not_answered(void **state)
{
	struct reacher_self self = {sides[1].iface_id, disco_private[1], node_keys[0]};
	reacher_set_self(&reachers[1], &self);
	reacher_stir(&reachers[1], peer_ids[1]);
	talk();
	assert_int_equal(n_sent[0], 0);
	assert_false(is_pinned(0));
}

/* Two nodes with one disco key: each is answered as itself. */
static void
disco_key_of_two_nodes(void **state)
{
	uint32_t twin_id;
	struct tailnet_node *twin = node_of(1, 0);
	x25519_keygen(twin->key.bytes);
	assert_int_equal(tables_peer_add(sides[0].tables, sides[0].iface_id, &twin_id), 0);
	put(0, twin_id, twin);
	reacher_stir(&reachers[1], peer_ids[1]);
	talk();
	assert_true(is_found(0));
	assert_false(tables_peer(sides[0].tables, twin_id)->is_pinned);
	reacher_forget(&reachers[0], twin_id);
	reacher_forget(&reachers[0], twin_id);
}

/* Another disco key is another process: what was known of its paths is forgotten. */
static void
new_disco_key(void **state)
{
	reacher_stir(&reachers[1], peer_ids[1]);
	talk();
	assert_true(is_pinned(0));
	draw_keys(1);
	assert_false(is_pinned(1)); /* our own: nobody has proved a path to the new us */
	assert_true(put(0, peer_ids[0], node_of(1, 0)));
	assert_false(put(0, peer_ids[0], node_of(1, 0)));
	assert_false(is_pinned(0));
	now += 6 * NS_IN_S;
	reacher_stir(&reachers[1], peer_ids[1]);
	go_on(6 * NS_IN_S);
	assert_true(is_found(0));
	assert_true(is_found(1));
}

static unsigned n_boxes;
int __real_disco_box_init(struct disco_box *box, const struct key *private_key,
	const struct key *their_public);
int __wrap_disco_box_init(struct disco_box *box, const struct key *private_key,
	const struct key *their_public);

int
__wrap_disco_box_init(struct disco_box *box, const struct key *private_key,
	const struct key *their_public)
{
	n_boxes++;
	return __real_disco_box_init(box, private_key, their_public);
}

/* A key that no box can be made with costs its X25519 once, however often somebody names it. */
static void
weak_disco_key(void **state)
{
	struct tailnet_node *weak = node_of(1, 0);
	weak->disco = (struct key){{1}};
	struct reach_mail mail = {
		.path = {.remote = sides[1].at, .local = sides[0].at.addr},
		.received_ns = now,
		.iface_id = sides[0].iface_id,
		.n_bytes = DISCO_PING_BYTES,
	};
	memcpy(mail.datagram, "TS\xf0\x9f\x92\xac\1", DISCO_MAGIC_BYTES + 1);
	put(0, peer_ids[0], weak);
	n_boxes = 0;
	for (unsigned i = 0; i < 100; i++) {
		assert_true(mailbox_put(sides[0].boxes.reach, &mail));
		(void)reacher_turn(&reachers[0], now);
	}
	assert_int_equal(reachers[0].n_unsealed, 100);
	assert_int_equal(n_boxes, 1);
	draw_keys(0); /* ours is another: it is tried anew */
	assert_true(mailbox_put(sides[0].boxes.reach, &mail));
	(void)reacher_turn(&reachers[0], now);
	assert_int_equal(n_boxes, 2);
}

/* Nodes without disco, and those that left, are not spoken to. */
static void
without_disco(void **state)
{
	struct tailnet_node *mute = node_of(0, 1);
	memset(&mute->disco, 0, sizeof(mute->disco));
	put(1, peer_ids[1], mute);
	reacher_stir(&reachers[1], peer_ids[1]);
	talk();
	assert_int_equal(n_sent[1], 0);
	put(1, peer_ids[1], node_of(0, 1));
	reacher_forget(&reachers[1], peer_ids[1]);
	reacher_stir(&reachers[1], peer_ids[1]);
	talk();
	assert_int_equal(n_sent[1], 0);
}

/* Both threads run, and control does all it may meanwhile. For ThreadSanitizer above all. */
static void
threads_and_control(void **state)
{
	struct reacher_self self;
	struct reacher_view view;
	struct err err;
	for (unsigned i = 0; i < 2; i++) {
		self = (struct reacher_self){sides[i].iface_id, disco_private[i], node_keys[i]};
		assert_int_equal(reacher_start(&reachers[i], &self, &err), 0);
	}
	rcu_reader_offline();
	for (unsigned i = 0; i < 2000 && !(i > 200 && view.has_path); i++) {
		now = clock_boot_ns();
		reacher_stir(&reachers[1], peer_ids[1]);
		(void)carry(0);
		(void)carry(1);
		if (i < 200 && i % 16 == 0)
			put(0, peer_ids[0], node_of(1, i % 32 == 0));
		if (i < 200 && i % 50 == 0)
			reacher_forget(&reachers[0], peer_ids[0]);
		if (i == 100)
			reacher_set_self(&reachers[1], &self);
		if (i % 8 == 0)
			reacher_ping(&reachers[1], peer_ids[1]);
		assert_true(reacher_look(&reachers[1], peer_ids[1], &view));
		nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
	}
	rcu_reader_online();
	assert_true(view.has_path);
	for (unsigned i = 0; i < 2; i++)
		reacher_stop(&reachers[i]);
	assert_false(reacher_look(&reachers[1], peer_ids[1], &view));
}

/* What a person is told of a node that is not reached directly. */
static void
reasons(void **state)
{
	static const struct {
		struct reacher_view view;
		const char *why;
	} rows[] = {
		{{.has_path = true, .is_trusted = true, .is_active = true}, ""},
		{{.has_path = true}, ""}, /* idle */
		{{.has_path = true, .is_active = true,
			.via = {{{192, 0, 2, 1}, ADDR_V4}, 7, 0}},
			"it no longer answers at 192.0.2.1:7"},
		{{0}, "nothing was sent to it yet"},
		{{.was_sought = true}, "the server knows no address of it"},
		{{.was_sought = true, .n_candidates = 2},
			"it answers at none of its 2 addresses: is UDP let through?"},
	};
	char text[REACHER_WHY_BYTES];
	for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
		assert_string_equal(reacher_why(&rows[i].view, text), rows[i].why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_find_each_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(path_is_kept_while_used, set_up, tear_down),
		cmocka_unit_test_setup_teardown(strangers_are_not_answered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_nodes_key_is_not_answered, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(disco_key_of_two_nodes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(new_disco_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(weak_disco_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_disco, set_up, tear_down),
		cmocka_unit_test_setup_teardown(threads_and_control, set_up, tear_down),
		cmocka_unit_test(reasons),
	};
	sides_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
