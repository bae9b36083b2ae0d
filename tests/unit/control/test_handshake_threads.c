/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handshake threads at work while the control thread adds and removes the peers they talk to:
 * what ThreadSanitizer watches. Each round a peer comes, is spoken to, and goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "base/rcu.h"
#include "crypto/x25519.h"
#include "sides.h"

enum { N_ROUNDS = 60, N_WAITS = 100 };

static struct side a, b;

static void
nap(void)
{
	const struct timespec t = {.tv_nsec = 500 * NS_IN_US};
	rcu_reader_offline();
	nanosleep(&t, NULL);
	rcu_reader_online();
}

static void
remove_peer(struct side *s)
{
	uint32_t id = s->peer->peer_id;
	peers_lock_write(&s->peers);
	handshaker_forget(&s->handshaker, s->peer);
	timing_forget(&s->timing, s->peer);
	peers_remove(&s->peers, s->peer);
	peers_unlock(&s->peers);
	tables_peer_remove(s->tables, id);
	s->peer = NULL;
}

/* b answers on its own threads; what it orders is carried to a here. */
static void
carry(void)
{
	struct order_mail order;
	ns_t now = clock_boot_ns();
	timing_turn(&b.timing, now);
	while (mailbox_take(b.orders[0], &order, 1)) {
		struct wire_mail mail = {
			.path.remote = b.at,
			.iface_id = a.iface_id,
			.n_bytes = order.n_bytes,
		};
		memcpy(mail.message, order.message, sizeof(mail.message));
		if (order.kind == ORDER_SEND)
			mailbox_put(a.boxes.wire, &mail);
	}
	side_turn(&a, &b, now);
}

static void
peers_come_and_go(void **state)
{
	unsigned n_up = 0;
	struct err err;
	assert_int_equal(handshaker_start(&b.handshaker, 3, &err), 0);
	for (unsigned round = 0; round < N_ROUNDS; round++) {
		side_add_peer(&a, &b.public_key, &b.at, NULL);
		side_add_peer(&b, &a.public_key, NULL, NULL);
		struct event_mail ev = {
			.kind = EVENT_HANDSHAKE_WANTED,
			.peer_id = a.peer->peer_id,
		};
		timing_event(&a.timing, &ev, clock_boot_ns());
		/* Every third round the peer goes while it is being answered. */
		for (unsigned i = 0; i < N_WAITS && !side_has_session(&a); i++) {
			carry();
			if (round % 3 == 0)
				break;
			nap();
		}
		n_up += side_has_session(&a);
		handshaker_wish(&b.handshaker, b.peer);
		remove_peer(&b);
		remove_peer(&a);
	}
	handshaker_stop(&b.handshaker);
	/* Rounds follow each other within one tick of the TAI64N stamp: some count as replayed. */
	assert_true(n_up >= N_ROUNDS / 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_come_and_go),
	};
	sides_begin();
	ns_t now = clock_boot_ns();
	side_init(&a, "a", now);
	side_init(&b, "b", now);
	endpoint_parse("192.0.2.1:51820", &a.at);
	endpoint_parse("192.0.2.2:51820", &b.at);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	side_fini(&a);
	side_fini(&b);
	return rc;
}
