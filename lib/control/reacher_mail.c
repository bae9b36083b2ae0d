/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Disco messages in and out. Who claims to be a node that nobody knows is passed over before any
 * cryptography; each other message costs opening a box.
 */
#include <string.h>

#include "base/secret.h"
#include "control/reacher_inner.h"

_Static_assert((int)DISCO_SEALED_BYTES <= (int)MAIL_MESSAGE_BYTES, "an order holds any message");
_Static_assert((int)MAIL_REACH_BYTES <= (int)DISCO_MAX_BYTES, "what was mailed can be opened");

/* False: its key is none, so it is never heard. */
static bool
make_box(struct reacher *r, struct reach_peer *p)
{
	if (!p->has_tried_box)
		p->has_box = disco_box_init(&p->box, &r->self.disco_private, &p->node->disco) == 0;
	p->has_tried_box = true;
	return p->has_box;
}

bool
reach_send(struct reacher *r, struct reach_peer *p, const struct mail_path *path,
	const struct disco_message *m)
{
	struct order_mail order = {
		.kind = ORDER_SEND,
		.peer_id = p->peer_id,
		.iface_id = r->self.iface_id,
		.path = *path,
	};
	uint8_t nonce[DISCO_NONCE_BYTES];
	if (!make_box(r, p))
		return false;
	secret_random(nonce, sizeof(nonce));
	order.n_bytes = (uint16_t)disco_seal(order.message, &p->box, &r->disco_public, nonce, m);
	return order.n_bytes &&
		mailbox_put(r->boxes->orders[p->peer_id % r->boxes->n_workers], &order);
}

/* The first of those with that disco key, or the next one after `after`; NULL: no more. */
static struct reach_peer *
next_by_disco(const struct reacher *r, const struct key *disco, const struct reach_peer *after)
{
	struct hash_link *l = after ? hash_next(&after->by_disco) :
		hash_first(&r->by_disco, hash_of(&r->by_disco, disco, sizeof(*disco)));
	for (; l; l = hash_next(l)) {
		struct reach_peer *p = CONTAINER_OF(l, struct reach_peer, by_disco);
		if (key_is_equal(&p->node->disco, disco))
			return p;
	}
	return NULL;
}

/* Several nodes may share a disco key: a ping names its node, a pong is known by its TxID. */
static void
deal_out(struct reacher *r, const struct reach_mail *mail, const struct disco_message *m, ns_t now)
{
	struct key sender = disco_sender(mail->datagram);
	struct reach_peer *p = NULL;
	while ((p = next_by_disco(r, &sender, p))) {
		if (m->type == DISCO_PONG)
			reach_peer_ponged(r, p, mail, m, now);
		else if (!m->has_node_key || key_is_equal(&m->node_key, &p->node->key)) {
			reach_peer_pinged(r, p, mail, m, now);
			return;
		}
	}
}

/* Call-me-maybe counts only over a relay, and there is none here. */
void
reach_receive(struct reacher *r, const struct reach_mail *mail, ns_t now)
{
	struct disco_message m;
	if (mail->iface_id != r->self.iface_id)
		return;
	if (stun_is_response(mail->datagram, mail->n_bytes))
		(void)netcheck_answer(&r->check, mail->received_ns, mail->datagram, mail->n_bytes);
	if (!disco_is_packet(mail->datagram, mail->n_bytes))
		return;
	struct key sender = disco_sender(mail->datagram);
	struct reach_peer *p = next_by_disco(r, &sender, NULL);
	if (!p) {
		r->n_strangers++;
		return;
	}
	if (!make_box(r, p) || disco_open(&p->box, mail->datagram, mail->n_bytes, &m)) {
		r->n_unsealed++;
		return;
	}
	if (m.type == DISCO_PING || m.type == DISCO_PONG)
		deal_out(r, mail, &m, now);
}
