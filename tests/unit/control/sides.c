/* SPDX-License-Identifier: BSD-3-Clause */
#include "sides.h"

#include <rte_eal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "crypto/init.h"
#include "crypto/x25519.h"

static void
must(int rc, const char *what)
{
	if (rc < 0) {
		fprintf(stderr, "%s: %d\n", what, rc);
		abort();
	}
}

void
sides_begin(void)
{
	char *args[] = {(char[]){"unit"}, (char[]){"--no-huge"}, (char[]){"--no-pci"},
		(char[]){"-m"}, (char[]){"64"}, (char[]){"--no-telemetry"},
		(char[]){"--no-shconf"}, (char[]){"--log-level=4"}, (char[]){"-l"},
		(char[]){"0"}, NULL};
	must(rte_eal_init(10, args), "rte_eal_init");
	must(crypto_init(NULL), "crypto_init");
	rcu_reader_register();
}

static struct mailbox *
box(const char *side, const char *what, unsigned mail_bytes)
{
	char name[24];
	snprintf(name, sizeof(name), "%s-%s", side, what);
	struct mailbox *b = mailbox_create(name, mail_bytes, 4096);
	must(b ? 0 : -1, name);
	return b;
}

void
side_init(struct side *s, const char *name, ns_t now)
{
	memset(s, 0, sizeof(*s));
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->tables = tables_create(64, &protocol_times_default, NULL);
	must(s->tables ? 0 : -1, "tables_create");
	s->boxes.wire = box(name, "wire", sizeof(struct wire_mail));
	s->boxes.wire_cookied = box(name, "cookied", sizeof(struct wire_mail));
	s->boxes.reach = box(name, "reach", sizeof(struct reach_mail));
	s->boxes.events = box(name, "events", sizeof(struct event_mail));
	s->orders[0] = box(name, "orders", sizeof(struct order_mail));
	s->boxes.orders = s->orders;
	s->boxes.n_workers = 1;
	must(peers_init(&s->peers, 64, NULL), "peers_init");
	must(handshaker_init(&s->handshaker, s->tables, &s->boxes, &s->peers, NULL),
		"handshaker_init");
	timing_init(&s->timing, s->tables, &s->boxes, &s->handshaker, now);
	must(tables_iface_add(s->tables, 1420, &s->iface_id), "tables_iface_add");
	must(tables_iface_set_port(s->tables, s->iface_id, 51820), "tables_iface_set_port");
	x25519_keygen(s->private_key.bytes);
	x25519_public(s->public_key.bytes, s->private_key.bytes);
	peers_identity_add(&s->peers, s->iface_id, name);
	peers_identity_set_key(&s->peers, s->iface_id, &s->private_key);
}

void
side_fini(struct side *s)
{
	handshaker_fini(&s->handshaker);
	peers_fini(&s->peers);
	rcu_reader_offline();
	tables_destroy(s->tables);
	rcu_reader_online();
	mailbox_destroy(s->boxes.wire);
	mailbox_destroy(s->boxes.wire_cookied);
	mailbox_destroy(s->boxes.reach);
	mailbox_destroy(s->boxes.events);
	mailbox_destroy(s->orders[0]);
}

void
side_add_peer(struct side *s, const struct key *public_key, const struct endpoint *at,
	const struct key *psk)
{
	uint32_t id;
	must(tables_peer_add(s->tables, s->iface_id, &id), "tables_peer_add");
	peers_lock_write(&s->peers);
	s->peer = peers_add(&s->peers, s->iface_id, id, public_key);
	must(s->peer ? 0 : -1, "peers_add");
	if (psk)
		noise_remote_set_psk(&s->peer->remote, psk);
	peers_unlock(&s->peers);
	if (at)
		must(tables_encap_set(s->tables, id, at, NULL), "tables_encap_set");
}

static void
deliver(struct side *from, struct side *to, const struct order_mail *order, ns_t now)
{
	struct wire_mail mail = {
		.path = {.remote = from->at, .local = to->at.addr},
		.received_ns = now,
		.iface_id = to->iface_id,
		.n_bytes = order->n_bytes,
	};
	memcpy(mail.message, order->message, order->n_bytes);
	mailbox_put(to->boxes.wire, &mail);
}

void
side_turn(struct side *s, struct side *to, ns_t now)
{
	struct handshake_time t = {now, {1700000000 + now / NS_IN_S, (uint32_t)(now % NS_IN_S)}};
	struct order_mail order;
	timing_turn(&s->timing, now);
	while (handshaker_turn(&s->handshaker, &t))
		;
	timing_turn(&s->timing, now);
	while (mailbox_take(s->orders[0], &order, 1)) {
		s->n_sent += order.kind == ORDER_SEND;
		s->n_ready += order.kind == ORDER_SESSION_READY;
		s->n_dropped += order.kind == ORDER_PARKED_DROP;
		s->n_keepalives += order.kind == ORDER_KEEPALIVE;
		if (order.kind == ORDER_SEND && to)
			deliver(s, to, &order, now);
	}
	rcu_reader_quiescent();
}

void
sides_talk(struct side *a, struct side *b, ns_t now)
{
	unsigned n_before;
	do {
		n_before = a->n_sent + b->n_sent;
		side_turn(a, b, now);
		side_turn(b, a, now);
	} while (a->n_sent + b->n_sent != n_before);
}

void
side_confirm(struct side *s, ns_t now)
{
	struct peer_entry *e = tables_peer(s->tables, s->peer->peer_id);
	if (!e->next_slot)
		return;
	struct session_slot *slot = arena_at(&s->tables->sessions, e->next_slot);
	struct event_mail ev = {
		.kind = EVENT_CONFIRMED,
		.local_index = slot->session.local_index,
	};
	timing_event(&s->timing, &ev, now);
}

bool
side_has_session(struct side *s)
{
	struct session_info info;
	tables_session_info(s->tables, s->peer->peer_id, &info);
	return info.has_current;
}
