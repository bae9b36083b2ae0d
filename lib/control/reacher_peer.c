/* SPDX-License-Identifier: BSD-3-Clause */
/* One node's paths: what reach/peer_paths.h decides is done here. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "control/reacher_inner.h"

struct reach_peer *
reach_peer_create(struct reacher *r, uint32_t peer_id, struct tailnet_node *node)
{
	struct reach_peer *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->peer_id = peer_id;
	p->node = node_get(node);
	return p;
}

void
reach_peer_destroy(struct reacher *r, struct reach_peer *p)
{
	wheel_clear(&r->wheel, &p->timer);
	tables_encap_unpin(r->tables, p->peer_id);
	node_put(p->node);
	secret_wipe(p, sizeof(*p));
	free(p);
}

void
reach_peer_renew(struct reacher *r, struct reach_peer *p, struct tailnet_node *node)
{
	struct tailnet_node *was = p->node;
	p->node = node_get(node);
	node_put(was);
}

static void
ping(struct reacher *r, struct reach_peer *p, const struct mail_path *to, ns_t now)
{
	struct disco_message m = {
		.type = DISCO_PING,
		.has_node_key = true,
		.node_key = r->self.node_public,
	};
	struct pinged *slot = &p->pinged[p->n_pinged++ % 16];
	secret_random(&m.txid, sizeof(m.txid));
	slot->txid = m.txid;
	slot->path = *to;
	slot->sent_ns = now;
	reach_send(r, p, to, &m);
}

void
reach_peer_rekey(struct reacher *r, struct reach_peer *p)
{
	p->has_box = false;
	p->trusted_until_ns = 0;
	tables_encap_unpin(r->tables, p->peer_id);
}

static bool
may_send(const struct reacher *r, const struct endpoint *e)
{
	return endpoint_is_known(e) && !addr_is_link_local(&e->addr);
}

void
reach_peer_stir(struct reacher *r, struct reach_peer *p, ns_t now)
{
	p->active_until_ns = now + 45 * NS_IN_S;
	if (!wheel_is_set(&p->timer))
		wheel_set(&r->wheel, &p->timer, now + 3 * NS_IN_S);
	if (now < p->trusted_until_ns || now < p->discovered_ns + 5 * NS_IN_S)
		return;
	p->discovered_ns = now;
	for (size_t i = 0; i < p->node->n_endpoints; i++) {
		struct mail_path to = {.remote = p->node->endpoints[i]};
		if (may_send(r, &to.remote))
			ping(r, p, &to, now);
	}
}

void
reach_peer_run(struct reacher *r, struct reach_peer *p, ns_t now)
{
	uint64_t tx = __atomic_load_n(&tables_peer(r->tables, p->peer_id)->tx_bytes,
		__ATOMIC_RELAXED);
	if (tx != p->tx_seen)
		p->active_until_ns = now + 45 * NS_IN_S;
	p->tx_seen = tx;
	if (now >= p->trusted_until_ns)
		tables_encap_unpin(r->tables, p->peer_id);
	if (now >= p->active_until_ns)
		return;
	if (now < p->trusted_until_ns)
		ping(r, p, &p->best, now);
	else
		reach_peer_stir(r, p, now);
	wheel_set(&r->wheel, &p->timer, now + 3 * NS_IN_S);
}

void
reach_peer_pinged(struct reacher *r, struct reach_peer *p, const struct reach_mail *mail,
	const struct disco_message *m, ns_t now)
{
	struct disco_message pong = {
		.type = DISCO_PONG,
		.txid = m->txid,
		.observed = mail->path.remote,
	};
	reach_send(r, p, &mail->path, &pong);
	if (now < p->trusted_until_ns && endpoint_is_equal(&p->best.remote, &mail->path.remote))
		return;
	ping(r, p, &mail->path, now);
}

void
reach_peer_ponged(struct reacher *r, struct reach_peer *p, const struct reach_mail *mail,
	const struct disco_message *pong, ns_t now)
{
	for (unsigned i = 0; i < 16; i++) {
		struct pinged *s = &p->pinged[i];
		if (!s->sent_ns || !disco_txid_is_equal(&s->txid, &pong->txid))
			continue;
		struct event_mail ev = {.kind = EVENT_PATH_FOUND, .peer_id = p->peer_id};
		bool was = now < p->trusted_until_ns;
		bool is_same = endpoint_is_equal(&p->best.remote, &s->path.remote);
		if (was && !is_same)
			return;
		p->best.remote = s->path.remote;
		p->best.local = mail->path.local;
		p->trusted_until_ns = now + 6500 * NS_IN_MS;
		s->sent_ns = 0;
		if (was)
			return;
		tables_encap_pin(r->tables, p->peer_id, &p->best.remote, &p->best.local);
		(void)mailbox_put(r->boxes->events, &ev);
		if (!wheel_is_set(&p->timer))
			wheel_set(&r->wheel, &p->timer, now + 3 * NS_IN_S);
	}
}
