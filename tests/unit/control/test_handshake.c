/* SPDX-License-Identifier: BSD-3-Clause */
/* Two handshakers talk to each other: what must come about, and what must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/bytes.h"
#include "base/rcu.h"
#include "sides.h"

#define START_NS (1000 * NS_IN_S)

static struct side a, b;

static int
set_up(void **state)
{
	side_init(&a, "a", START_NS);
	side_init(&b, "b", START_NS);
	endpoint_parse("192.0.2.1:51820", &a.at);
	endpoint_parse("[2001:db8::2]:51820", &b.at);
	return 0;
}

static int
tear_down(void **state)
{
	side_fini(&a);
	side_fini(&b);
	return 0;
}

static void
want(struct side *s, ns_t now)
{
	struct event_mail ev = {.kind = EVENT_HANDSHAKE_WANTED, .peer_id = s->peer->peer_id};
	timing_event(&s->timing, &ev, now);
}

static void
assert_same_keys(void)
{
	struct peer_entry *ea = tables_peer(a.tables, a.peer->peer_id);
	struct peer_entry *eb = tables_peer(b.tables, b.peer->peer_id);
	assert_non_null(ea->tx);
	assert_non_null(eb->tx);
	assert_memory_equal(ea->tx->send_key, eb->tx->recv_key, SESSION_KEY_BYTES);
	assert_memory_equal(ea->tx->recv_key, eb->tx->send_key, SESSION_KEY_BYTES);
	assert_int_equal(ea->tx->remote_index, eb->tx->local_index);
	assert_int_equal(eb->tx->remote_index, ea->tx->local_index);
	assert_true(ea->tx->is_initiator);
	assert_false(eb->tx->is_initiator);
}

static void
comes_up(const struct key *psk)
{
	side_add_peer(&a, &b.public_key, &b.at, psk);
	side_add_peer(&b, &a.public_key, NULL, psk);
	want(&a, START_NS);
	sides_talk(&a, &b, START_NS);
	assert_int_equal(a.n_sent, 1);
	assert_int_equal(b.n_sent, 1);
	assert_int_equal(a.n_ready, 1);
	assert_true(side_has_session(&a));
	assert_true(a.peer->last_handshake.s > 0);

	/* The responder waits for the first packet, then it may send as well. */
	assert_false(side_has_session(&b));
	assert_int_equal(b.peer->last_handshake.s, 0);
	side_confirm(&b, START_NS);
	side_turn(&b, NULL, START_NS);
	assert_true(side_has_session(&b));
	assert_true(b.peer->last_handshake.s > 0);
	assert_int_equal(b.n_ready, 1);
	assert_same_keys();

	/* It has learned where the initiator is. */
	struct endpoint remote;
	struct addr local;
	assert_true(tables_encap_get(b.tables, b.peer->peer_id, &remote, &local));
	assert_true(endpoint_is_equal(&remote, &a.at));
}

static void
without_psk(void **state)
{
	comes_up(NULL);
}

static void
with_psk(void **state)
{
	struct key psk;
	memset(&psk, 7, sizeof(psk));
	comes_up(&psk);
}

static void
rekeys_and_keeps_the_trio(void **state)
{
	comes_up(NULL);
	ns_t later = START_NS + 121 * NS_IN_S;
	want(&a, later);
	sides_talk(&a, &b, later);
	side_confirm(&b, later);
	assert_same_keys();
	assert_true(tables_peer(a.tables, a.peer->peer_id)->previous_slot);
	assert_true(tables_peer(b.tables, b.peer->peer_id)->previous_slot);
}

static void
both_at_once(void **state)
{
	side_add_peer(&a, &b.public_key, &b.at, NULL);
	side_add_peer(&b, &a.public_key, &a.at, NULL);
	want(&a, START_NS);
	want(&b, START_NS);
	ns_t now = START_NS;
	for (; now < START_NS + 30 * NS_IN_S; now += 100 * NS_IN_MS) {
		sides_talk(&a, &b, now);
		side_confirm(&a, now);
		side_confirm(&b, now);
		if (side_has_session(&a) && side_has_session(&b))
			break;
	}
	assert_true(side_has_session(&a) && side_has_session(&b));
}

/*
 * A worker asks for a session in the moment in which another packet proves one, or on account of
 * an old one that is still being received: there is nothing to be done.
 */
static void
asks_for_no_session_it_has(void **state)
{
	comes_up(NULL);
	want(&a, START_NS);
	want(&b, START_NS);
	for (ns_t now = START_NS; now < START_NS + 9 * NS_IN_S; now += 100 * NS_IN_MS)
		sides_talk(&a, &b, now);
	assert_int_equal(a.n_sent, 1);
	assert_int_equal(b.n_sent, 1);
}

/* The worker's clock may be a little ahead of control's look at its own. */
static void
renews_what_a_worker_holds_for_old(void **state)
{
	comes_up(NULL);
	ns_t later = START_NS + 120 * NS_IN_S - NS_IN_MS;
	want(&a, later);
	sides_talk(&a, &b, later);
	assert_int_equal(a.n_sent, 2);
	/* The responder's ends: it renews it then, and not before. */
	want(&b, START_NS + 150 * NS_IN_S);
	side_turn(&b, NULL, START_NS + 150 * NS_IN_S);
	assert_int_equal(b.n_sent, 2);
	want(&b, START_NS + 180 * NS_IN_S - NS_IN_MS);
	side_turn(&b, NULL, START_NS + 180 * NS_IN_S - NS_IN_MS);
	assert_int_equal(b.n_sent, 3);
}

static void
refuses_another_psk(void **state)
{
	struct key psk;
	memset(&psk, 7, sizeof(psk));
	side_add_peer(&a, &b.public_key, &b.at, &psk);
	side_add_peer(&b, &a.public_key, NULL, NULL);
	want(&a, START_NS);
	sides_talk(&a, &b, START_NS);
	assert_int_equal(b.n_sent, 1);
	assert_false(side_has_session(&a));
	assert_false(side_has_session(&b));
}

static void
refuses_a_stranger(void **state)
{
	side_add_peer(&a, &b.public_key, &b.at, NULL);
	want(&a, START_NS);
	sides_talk(&a, &b, START_NS);
	assert_int_equal(a.n_sent, 1);
	assert_int_equal(b.n_sent, 0);
}

static void
is_silent_to_who_knows_no_key_of_ours(void **state)
{
	struct key wrong = b.public_key;
	wrong.bytes[3] ^= 1;
	side_add_peer(&a, &wrong, &b.at, NULL);
	side_add_peer(&b, &a.public_key, NULL, NULL);
	want(&a, START_NS);
	sides_talk(&a, &b, START_NS);
	assert_int_equal(a.n_sent, 1);
	assert_int_equal(b.n_sent, 0);
}

static void
ignores_a_replayed_initiation(void **state)
{
	struct order_mail order;
	struct wire_mail mail;
	struct handshake_time t = {START_NS, {1700000000, 0}};
	side_add_peer(&a, &b.public_key, &b.at, NULL);
	side_add_peer(&b, &a.public_key, NULL, NULL);
	want(&a, START_NS);
	handshaker_turn(&a.handshaker, &t);
	assert_int_equal(mailbox_take(a.orders[0], &order, 1), 1);
	mail = (struct wire_mail){.path.remote = a.at, .n_bytes = order.n_bytes};
	memcpy(mail.message, order.message, order.n_bytes);
	for (ns_t now = START_NS; now < START_NS + 3 * NS_IN_S; now += NS_IN_S) {
		mailbox_put(b.boxes.wire, &mail);
		side_turn(&b, NULL, now);
	}
	assert_int_equal(b.n_sent, 1);
}

static void
flood(struct side *s)
{
	struct wire_mail junk = {.n_bytes = sizeof(struct wg_initiation), .iface_id = s->iface_id};
	store_le32(junk.message, WG_INITIATION);
	endpoint_parse("198.51.100.9:9", &junk.path.remote);
	for (unsigned i = 0; i < HANDSHAKER_LOAD_MAILS; i++)
		assert_true(mailbox_put(s->boxes.wire, &junk));
}

static void
asks_for_a_cookie_under_load(void **state)
{
	side_add_peer(&a, &b.public_key, &b.at, NULL);
	side_add_peer(&b, &a.public_key, NULL, NULL);
	flood(&b);
	want(&a, START_NS);
	side_turn(&a, &b, START_NS);
	side_turn(&b, &a, START_NS); /* one cookie, nothing for the junk */
	assert_int_equal(b.n_sent, 1);
	side_turn(&a, &b, START_NS);
	assert_false(side_has_session(&a));
	assert_true(a.peer->cookies.has_cookie);

	ns_t later = START_NS + 6 * NS_IN_S; /* the retry carries mac2 */
	flood(&b);
	side_turn(&a, &b, later);
	assert_int_equal(a.n_sent, 2);
	sides_talk(&a, &b, later);
	assert_int_equal(b.n_sent, 2);
	assert_true(side_has_session(&a));
}

static void
survives_messages_of_any_kind(void **state)
{
	struct wire_mail mail = {.path.remote = a.at};
	side_add_peer(&b, &a.public_key, NULL, NULL);
	for (uint32_t type = 0; type < 6; type++)
		for (uint16_t n = 0; n <= MAIL_MESSAGE_BYTES; n += 4)
			for (uint16_t iface = 0; iface < 70; iface += 23) {
				memset(mail.message, (int)n, sizeof(mail.message));
				store_le32(mail.message, type);
				mail.n_bytes = n;
				mail.iface_id = iface;
				mailbox_put(b.boxes.wire, &mail);
			}
	side_turn(&b, NULL, START_NS);
	assert_int_equal(b.n_sent, 0);
}

/* ---- Timers ---- */

static void
tries_for_ninety_seconds(void **state)
{
	side_add_peer(&a, &b.public_key, &b.at, NULL);
	want(&a, START_NS);
	ns_t now = START_NS;
	for (; now < START_NS + 200 * NS_IN_S && !a.n_dropped; now += 50 * NS_IN_MS)
		side_turn(&a, NULL, now);
	assert_int_equal(a.n_dropped, 1);
	assert_in_range(now - START_NS, 90 * NS_IN_S, 110 * NS_IN_S);
	assert_in_range(a.n_sent, 18, 21);
	assert_int_equal(tables_encap_get(a.tables, a.peer->peer_id, &(struct endpoint){0},
		&(struct addr){0}), true);
}

static void
keeps_alive_and_wipes(void **state)
{
	comes_up(NULL);
	struct peer_entry *e = tables_peer(a.tables, a.peer->peer_id);
	struct event_mail ev = {.kind = EVENT_ACTIVITY, .peer_id = a.peer->peer_id};
	activity_data_received(&e->activity, START_NS);
	timing_event(&a.timing, &ev, START_NS);
	side_turn(&a, NULL, START_NS + 9 * NS_IN_S);
	assert_int_equal(a.n_keepalives, 0);
	side_turn(&a, NULL, START_NS + 10 * NS_IN_S + 10 * NS_IN_MS);
	assert_int_equal(a.n_keepalives, 1);
	side_turn(&a, NULL, START_NS + 541 * NS_IN_S);
	assert_false(side_has_session(&a));
	assert_null(e->tx);
}

/* An event that was under way while its peer went must not move whoever has the id by now. */
static void
moves_only_the_peer_that_roamed(void **state)
{
	comes_up(NULL);
	struct event_mail ev = {.kind = EVENT_ROAMED, .peer_id = b.peer->peer_id};
	struct endpoint remote, elsewhere;
	struct addr local;
	endpoint_parse("198.51.100.66:6", &elsewhere);
	ev.path.remote = elsewhere;
	ev.local_index = 0x12300001; /* a session that is no more, or another peer's */
	timing_event(&b.timing, &ev, START_NS);
	assert_true(tables_encap_get(b.tables, ev.peer_id, &remote, &local));
	assert_true(endpoint_is_equal(&remote, &a.at));
	ev.local_index = tables_peer(b.tables, ev.peer_id)->tx->local_index;
	timing_event(&b.timing, &ev, START_NS);
	assert_true(tables_encap_get(b.tables, ev.peer_id, &remote, &local));
	assert_true(endpoint_is_equal(&remote, &elsewhere));
}

static void
forgets_a_peer_that_goes(void **state)
{
	side_add_peer(&a, &b.public_key, &b.at, NULL);
	uint32_t id = a.peer->peer_id;
	want(&a, START_NS);
	peers_lock_write(&a.peers);
	handshaker_forget(&a.handshaker, a.peer);
	timing_forget(&a.timing, a.peer);
	peers_remove(&a.peers, a.peer);
	tables_peer_remove(a.tables, id);
	peers_unlock(&a.peers);
	struct event_mail ev = {.kind = EVENT_HANDSHAKE_WANTED, .peer_id = id};
	timing_event(&a.timing, &ev, START_NS);
	side_turn(&a, NULL, START_NS + 10 * NS_IN_S);
	assert_int_equal(a.n_sent, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(without_psk),
		T(with_psk),
		T(rekeys_and_keeps_the_trio),
		T(both_at_once),
		T(asks_for_no_session_it_has),
		T(renews_what_a_worker_holds_for_old),
		T(refuses_another_psk),
		T(refuses_a_stranger),
		T(is_silent_to_who_knows_no_key_of_ours),
		T(ignores_a_replayed_initiation),
		T(asks_for_a_cookie_under_load),
		T(survives_messages_of_any_kind),
		T(tries_for_ninety_seconds),
		T(keeps_alive_and_wipes),
		T(moves_only_the_peer_that_roamed),
		T(forgets_a_peer_that_goes),
	};
	sides_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
