/* SPDX-License-Identifier: BSD-3-Clause */
/* Peers and their allowed prefixes. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "control/ifaces.h"
#include "control/quick.h"
#include "control/reconcile.h"

/* One change of a peer, with all that is known of it. */
struct subject {
	struct control_iface *iface;
	struct interface_intent *intent; /* the interface's */
	struct control_peer *peer;       /* NULL with CHANGE_PEER_ADD */
	struct peer_intent *peer_intent; /* the same */
};

static int
add_peer(struct control *c, const struct subject *s, const struct key *public_key,
	struct err *err)
{
	uint32_t id;
	int rc = tables_peer_add(c->tables, s->iface->iface_id, &id);
	if (rc)
		return err_set(err, rc, "no room for another peer: the tables hold %u",
			c->tables->peers.max_slots);
	peers_lock_write(&c->peers);
	struct control_peer *p = peers_add(&c->peers, s->iface->iface_id, id, public_key);
	peers_unlock(&c->peers);
	if (!p) {
		tables_peer_remove(c->tables, id);
		return err_set(err, -ENOMEM, "no memory for another peer");
	}
	return 0;
}

static void
drop_parked(struct control *c, const struct control_peer *p)
{
	struct order_mail order = {
		.kind = ORDER_PARKED_DROP,
		.peer_id = p->peer_id,
		.iface_id = p->iface_id,
	};
	for (unsigned i = 0; i < c->boxes->n_workers; i++)
		mailbox_put(c->boxes->orders[i], &order);
}

static int
remove_peer(struct control *c, const struct subject *s)
{
	struct control_peer *p = s->peer;
	uint32_t id = p->peer_id;
	struct err err = {0};
	for (const struct allowed_intent *a = s->peer_intent->first_allowed; a; a = a->next) {
		tables_allowed_del(c->tables, s->iface->iface_id, &a->prefix, id);
		if (iface_route(c, s->iface, &(struct iface_prefix){a->prefix, &p->public_key},
			false, &err))
			log_warn("%s: %s", p->label, err.text);
	}
	drop_parked(c, p);
	reacher_forget(&c->reacher, id);
	resolver_forget(&c->resolver, p->iface_id, &p->public_key);
	peers_lock_write(&c->peers);
	handshaker_forget(&c->handshaker, p);
	timing_forget(&c->timing, p);
	peers_remove(&c->peers, p);
	peers_unlock(&c->peers);
	tables_peer_remove(c->tables, id);
	return 0;
}

static void
set_name(struct control *c, struct control_peer *p, const char *name)
{
	peers_lock_write(&c->peers);
	peers_set_label(&c->peers, p, name ? name : "");
	peers_unlock(&c->peers);
}

static void
set_psk(struct control_peer *p, const struct key *psk)
{
	pthread_mutex_lock(&p->lock);
	noise_remote_set_psk(&p->remote, psk);
	pthread_mutex_unlock(&p->lock);
}

/*
 * Without an endpoint the peer is where it was heard last, as with `wg`; and one that disco has
 * found stays there.
 */
static int
set_endpoint(struct control *c, struct control_peer *p, const struct endpoint_intent *e,
	struct err *err)
{
	resolver_forget(&c->resolver, p->iface_id, &p->public_key);
	int rc = 0;
	if (e->host)
		rc = resolver_start(&c->resolver, p->iface_id, &p->public_key, e->host,
			e->host_port);
	else if (endpoint_is_known(&e->addr))
		rc = tables_encap_roam(c->tables, p->peer_id, &e->addr, NULL);
	if (!rc || rc == -EBUSY)
		return 0;
	return err_set(err, rc, "%s: no memory for its endpoint", p->label);
}

void
reconcile_endpoint_found(void *ctx, const struct resolver_answer *answer)
{
	struct control *c = ctx;
	struct control_peer *p = peers_by_key(&c->peers, answer->iface_id, &answer->peer);
	char text[ENDPOINT_TEXT_BYTES];
	struct endpoint current = {0};
	struct addr local;
	if (!p)
		return;
	(void)tables_encap_get(c->tables, p->peer_id, &current, &local);
	if (!resolver_answer_counts(answer, &current) ||
		tables_encap_set(c->tables, p->peer_id, &answer->now, NULL))
		return;
	log_info("%s: its endpoint is %s", p->label, endpoint_format(&answer->now, text));
	if (p->timers.persistent_ns && !p->timers.handshake_complete_ns)
		timers_want_handshake(&p->timers, WANT_NO_SESSION);
	timing_run(&c->timing, p, clock_boot_ns());
	quick_endpoint_found(c, &c->ifaces[answer->iface_id]);
}

void
reconcile_peer_unanswered(void *ctx, struct control_peer *p, bool is_given_up)
{
	struct control *c = ctx;
	resolver_again(&c->resolver, p->iface_id, &p->public_key, is_given_up);
}

static void
set_keepalive(struct control *c, struct control_peer *p, int64_t seconds)
{
	ns_t now = clock_boot_ns();
	timers_set_persistent(&p->timers, (ns_t)seconds * NS_IN_S, now);
	timing_run(&c->timing, p, now);
}

/* The prefix may have been another peer's of the interface: then only the table changes. */
static int
add_allowed(struct control *c, const struct subject *s, const struct prefix *prefix,
	struct err *err)
{
	struct prefix p = prefix_masked(prefix);
	int rc = tables_allowed_set(c->tables, s->iface->iface_id, &p, s->peer->peer_id);
	if (rc)
		return err_set(err, rc, "%s: no memory for its allowed-ips", s->peer->label);
	if (allowed_find(&s->intent->peers, &p))
		return 0;
	rc = iface_route(c, s->iface, &(struct iface_prefix){p, &s->peer->public_key}, true, err);
	if (rc)
		tables_allowed_del(c->tables, s->iface->iface_id, &p, s->peer->peer_id);
	return rc;
}

static int
remove_allowed(struct control *c, const struct subject *s, const struct prefix *prefix,
	struct err *err)
{
	struct prefix p = prefix_masked(prefix);
	const struct allowed_intent *a = allowed_find(&s->intent->peers, &p);
	if (!a || a->owner != s->peer_intent)
		return 0; /* another peer has it now */
	tables_allowed_del(c->tables, s->iface->iface_id, &p, s->peer->peer_id);
	return iface_route(c, s->iface, &(struct iface_prefix){p, &s->peer->public_key}, false,
		err);
}

static int
change_peer(struct control *c, const struct subject *s, const struct change *change,
	struct err *err)
{
	switch (change->kind) {
	case CHANGE_PEER_REMOVE:
		return remove_peer(c, s);
	case CHANGE_PEER_SET_NAME:
		set_name(c, s->peer, change->text);
		return 0;
	case CHANGE_PEER_SET_PSK:
		set_psk(s->peer, &change->key);
		return 0;
	case CHANGE_PEER_SET_ENDPOINT:
		return set_endpoint(c, s->peer, &change->endpoint, err);
	case CHANGE_PEER_SET_KEEPALIVE:
		set_keepalive(c, s->peer, change->number);
		return 0;
	case CHANGE_ALLOWED_ADD:
		return add_allowed(c, s, &change->prefix, err);
	case CHANGE_ALLOWED_REMOVE:
		return remove_allowed(c, s, &change->prefix, err);
	default:
		return err_set(err, -EINVAL, "%s is not for a peer", change_name(change->kind));
	}
}

int
reconcile_peer(struct control *c, const struct change *change, struct err *err)
{
	struct subject s = {
		.iface = iface_find(c, change->on),
		.intent = intent_interface_find(c->running, change->on),
	};
	if (!s.iface || !s.intent)
		return err_set(err, -ENOENT, "there is no interface %s", change->on);
	s.peer = peers_by_key(&c->peers, s.iface->iface_id, &change->peer);
	s.peer_intent = peer_set_find(&s.intent->peers, &change->peer);
	if (change->kind == CHANGE_PEER_ADD)
		return s.peer ? err_set(err, -EEXIST, "%s: the peer is there already",
			s.peer->label) : add_peer(c, &s, &change->peer, err);
	if (!s.peer || !s.peer_intent)
		return err_set(err, -ENOENT, "%s: there is no such peer", change->on);
	return change_peer(c, &s, change, err);
}
