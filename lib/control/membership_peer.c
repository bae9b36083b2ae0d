/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/membership_peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "control/ifaces.h"
#include "control/membership_prefix.h"
#include "tailnet/view.h"

/* A node on its way to being a peer. The first failure sticks. */
struct wish {
	struct control *control;
	const struct interface_intent *iface;
	const struct tailnet_node *node;
	struct change_list *out;
	int rc;
};

static void
emit(struct wish *w, const struct key *peer, struct change *c)
{
	memcpy(c->on, w->iface->name, sizeof(c->on));
	c->peer = *peer;
	if (!w->rc)
		w->rc = change_list_add(w->out, c);
}

static bool
is_owned(const struct control *c, const struct key *peer)
{
	return peer_set_find(&c->membership.owned, peer);
}

/* ---- The peer ---- */

static bool
is_let_in(const struct wish *w, const struct prefix *p)
{
	return membership_lets_in(w->control, w->iface, w->node, p);
}

/* A prefix that a peer of the config has stays its. */
static bool
is_taken(const struct wish *w, const struct prefix *p)
{
	const struct allowed_intent *a = allowed_find(&w->iface->peers, p);
	return a && !is_owned(w->control, &a->owner->public_key);
}

static void
add_prefixes(struct wish *w, const struct peer_intent *was)
{
	const struct tailnet_node *n = w->node;
	for (size_t i = 0; i < n->n_allowed; i++) {
		const struct allowed_intent *a = allowed_find(&w->iface->peers, &n->allowed[i]);
		bool has_it = a && was && a->owner == was;
		if (!has_it && is_let_in(w, &n->allowed[i]) && !is_taken(w, &n->allowed[i]))
			emit(w, &n->key, &(struct change){
				.kind = CHANGE_ALLOWED_ADD, .prefix = n->allowed[i]});
	}
}

/* A route of a node that is offline, as long as that may be for the server's own absence. */
static bool
is_kept(struct wish *w, const struct prefix *p)
{
	if (w->node->is_online || node_is_at(w->node, p) || !is_let_in(w, p) ||
		!membership_is_settling(w->control))
		return false;
	w->control->membership.has_kept_routes = true;
	return true;
}

static void
remove_prefixes(struct wish *w, const struct peer_intent *was)
{
	for (const struct allowed_intent *a = was ? was->first_allowed : NULL; a; a = a->next) {
		bool has_it = node_has_prefix(w->node, &a->prefix) && is_let_in(w, &a->prefix);
		if (!has_it && !is_kept(w, &a->prefix))
			emit(w, &w->node->key, &(struct change){
				.kind = CHANGE_ALLOWED_REMOVE, .prefix = a->prefix});
	}
}

static void
set_name(struct wish *w, const struct peer_intent *was)
{
	char name[PEER_NAME_BYTES];
	snprintf(name, sizeof(name), "%.*s", (int)sizeof(name) - 1, w->node->name);
	if (strcmp(name, was ? was->name : "") != 0)
		emit(w, &w->node->key, &(struct change){
			.kind = CHANGE_PEER_SET_NAME, .text = name});
}

/* The first place it names; where it is heard from later counts for more. */
static void
set_endpoint(struct wish *w, const struct peer_intent *was)
{
	struct endpoint_intent e = {0};
	if (w->node->n_endpoints)
		e.addr = w->node->endpoints[0];
	if (was ? !endpoint_intent_is_equal(&was->endpoint, &e) : w->node->n_endpoints > 0)
		emit(w, &w->node->key, &(struct change){
			.kind = CHANGE_PEER_SET_ENDPOINT, .endpoint = e});
}

static void
remove_node(struct wish *w, const struct tailnet_node *n)
{
	struct peer_intent *moved = peer_set_find(&w->control->membership.moved, &n->key);
	if (!moved && is_owned(w->control, &n->key) && peer_set_find(&w->iface->peers, &n->key))
		emit(w, &n->key, &(struct change){.kind = CHANGE_PEER_REMOVE});
}

/* A node that registered anew, as another one with the key it had, stays the peer that it was. */
static void
note_move(struct wish *w)
{
	struct membership *m = &w->control->membership;
	const struct key *k = &w->node->key;
	if (m->view && is_owned(w->control, k) && !peer_set_find(&m->moved, k) &&
		!peer_set_add(&m->moved, k))
		w->rc = -ENOMEM;
}

static void
put_node(struct wish *w)
{
	const struct tailnet_node *n = w->node;
	struct membership *m = &w->control->membership;
	const struct peer_intent *was = peer_set_find(&w->iface->peers, &n->key);
	struct key own = interface_public_key(w->iface);
	if (key_is_equal(&own, &n->key))
		return;
	if (was && !is_owned(w->control, &n->key)) {
		log_info("tailnet: %s is a peer of the config, and stays as that says", n->name);
		return;
	}
	if (!was)
		emit(w, &n->key, &(struct change){.kind = CHANGE_PEER_ADD});
	if (!was && !is_owned(w->control, &n->key) && !peer_set_add(&m->owned, &n->key))
		w->rc = -ENOMEM;
	set_name(w, was);
	set_endpoint(w, was);
	add_prefixes(w, was);
	remove_prefixes(w, was);
}

int
membership_peer_changes(struct control *c, const struct node_pair *pair, struct change_list *out)
{
	struct wish w = {
		.control = c,
		.iface = intent_interface_find(c->running, c->membership.on),
		.node = pair->now,
		.out = out,
	};
	if (!w.iface)
		return 0;
	if (pair->now && !pair->was)
		note_move(&w);
	/* The prefixes of a node with a new key move to it before its old self goes. */
	if (pair->now)
		put_node(&w);
	if (pair->was && (!pair->now || !key_is_equal(&pair->was->key, &pair->now->key)))
		remove_node(&w, pair->was);
	return w.rc;
}

/* ---- Ourselves ---- */

static void
emit_address(struct wish *w, enum change_kind kind, const struct prefix *p)
{
	static const struct key none;
	emit(w, &none, &(struct change){.kind = kind, .prefix = *p});
}

void
membership_address_changes(struct control *c, const struct prefix_list *now,
	struct change_list *out)
{
	const struct prefix_list *own = &c->membership.own;
	struct wish w = {
		.control = c,
		.iface = intent_interface_find(c->running, c->membership.on),
		.out = out,
	};
	if (!w.iface)
		return;
	for (size_t i = 0; i < own->n; i++) {
		if (!prefix_list_has(now, &own->items[i]) &&
			prefix_list_has(&w.iface->addresses, &own->items[i]))
			emit_address(&w, CHANGE_INTERFACE_ADDRESS_REMOVE, &own->items[i]);
	}
	for (size_t i = 0; i < now->n; i++) {
		if (!prefix_list_has(&w.iface->addresses, &now->items[i]))
			emit_address(&w, CHANGE_INTERFACE_ADDRESS_ADD, &now->items[i]);
	}
}

size_t
membership_endpoints(struct control *c, struct endpoint *out, size_t max)
{
	struct addr addrs[32];
	struct control_iface *i = iface_find(c, c->membership.on);
	size_t n = 0;
	if (!i || !i->listen_port)
		return 0;
	size_t n_addrs = i->n_listen_addrs;
	if (n_addrs)
		memcpy(addrs, i->listen_addrs, n_addrs * sizeof(addrs[0]));
	else
		n_addrs = routes_port_addresses(c->routes, addrs, ARRAY_COUNT(addrs));
	for (size_t k = 0; k < n_addrs && n < max; k++)
		out[n++] = (struct endpoint){.addr = addrs[k], .port = i->listen_port};
	return n;
}
