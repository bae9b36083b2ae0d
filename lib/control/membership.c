/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/membership.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/secret.h"
#include "control/ifaces.h"
#include "control/membership_exit.h"
#include "control/membership_filter.h"
#include "control/membership_peer.h"
#include "control/membership_prefix.h"
#include "control/reconcile.h"
#include "filter/rule.h"
#include "tailnet/state_file.h"
#include "tailnet/tailnet.h"

enum {
	NODES_A_TURN = 256,
	MAX_ENDPOINTS = 32,
	SETTLING_S = 20,
};

static const struct origin nowhere;

void
membership_init(struct membership *m)
{
	memset(m, 0, sizeof(*m));
	peer_set_init(&m->owned);
	peer_set_init(&m->moved);
}

/* ---- What files do not say ---- */

static struct interface_intent *
member_interface(const struct intent *it)
{
	for (size_t k = 0; k < it->n_interfaces; k++) {
		if (it->interfaces[k]->headscale)
			return it->interfaces[k];
	}
	return NULL;
}

/*
 * The config's key, the one that runs, or else the one of the state file. One of the config that
 * is another one now, or is there no more, makes it another node.
 */
static int
complete_key(struct control *c, struct interface_intent *i, struct err *err)
{
	const struct interface_intent *running = intent_interface_find(c->running, i->name);
	struct tailnet_state state;
	c->membership.has_own_key = i->has_key;
	if (i->has_key) {
		i->headscale->node_public = interface_public_key(i);
		return 0;
	}
	if (running && running->has_key && running->headscale &&
		key_is_zero(&running->headscale->node_public) &&
		strcmp(running->headscale->state_file, i->headscale->state_file) == 0) {
		interface_set_key(i, &running->private_key);
		return 0;
	}
	int rc = state_file_open(i->headscale->state_file, &state, err);
	if (!rc)
		interface_set_key(i, &state.node_private);
	secret_wipe(&state, sizeof(state));
	return rc;
}

/* What the files have from now on is as they say: the tailnet's word of it is over. */
static void
disown_peers(struct control *c, const struct interface_intent *wanted)
{
	struct membership *m = &c->membership;
	const struct control_iface *on = iface_find(c, m->on);
	if (!on || strcmp(m->on, wanted->name) != 0)
		return;
	for (const struct peer_intent *p = wanted->peers.first; p; p = p->next) {
		struct peer_intent *was = peer_set_find(&m->owned, &p->public_key);
		const struct control_peer *runs = was ?
			peers_by_key(&c->peers, on->iface_id, &p->public_key) : NULL;
		if (runs)
			reacher_forget(&c->reacher, runs->peer_id);
		if (was)
			peer_set_remove(&m->owned, was);
	}
}

/* A peer that runs by the tailnet's word runs on. */
static int
complete_peer(struct interface_intent *to, const struct peer_intent *from)
{
	struct peer_intent *p = peer_set_add(&to->peers, &from->public_key);
	if (!p)
		return -ENOMEM;
	memcpy(p->name, from->name, sizeof(p->name));
	int rc = peer_set_endpoint(p, &from->endpoint);
	for (const struct allowed_intent *a = from->first_allowed; a && !rc; a = a->next) {
		if (!allowed_find(&to->peers, &a->prefix))
			rc = allowed_add(&to->peers, p, &a->prefix, nowhere);
	}
	return rc;
}

static int
complete_rest(struct control *c, struct interface_intent *i)
{
	struct membership *m = &c->membership;
	const struct interface_intent *running = intent_interface_find(c->running, i->name);
	bool is_same = running &&
		headscale_intent_is_same_node(running->headscale, i->headscale);
	int rc = 0;
	if (!m->tailnet || !is_same || strcmp(m->on, i->name) != 0)
		return 0;
	for (const struct peer_intent *p = running->peers.first; p && !rc; p = p->next) {
		if (peer_set_find(&m->owned, &p->public_key))
			rc = complete_peer(i, p);
	}
	for (size_t k = 0; k < m->own.n && !rc; k++) {
		rc = prefix_list_add(&i->addresses, &m->own.items[k]);
		rc = rc == -EEXIST ? 0 : rc;
	}
	return rc;
}

int
membership_complete(struct control *c, struct intent *wanted, struct err *err)
{
	struct interface_intent *i = member_interface(wanted);
	int rc = i ? complete_key(c, i, err) : 0;
	if (!rc && i) {
		disown_peers(c, i);
		rc = complete_rest(c, i);
		if (rc)
			err_set(err, rc, "no memory to keep the tailnet's peers");
	}
	/* Behind that, for it asks whose the peers are. */
	return rc ? rc : membership_filter_complete(c, wanted, err);
}

/* ---- Joining and leaving ---- */

static void
forget(struct control *c)
{
	struct membership *m = &c->membership;
	outside_forget(&c->outside);
	reacher_stop(&c->reacher);
	if (m->tailnet)
		tables_iface_set_node(c->tables, m->iface_id, false);
	tailnet_stop(m->tailnet);
	view_destroy(m->view);
	view_destroy(m->next);
	peer_set_fini(&m->owned);
	peer_set_fini(&m->moved);
	free(m->own.items);
	filter_ranges_fini(&m->local);
	bool has_own_key = m->has_own_key;
	struct filter_plan *base = m->base;
	membership_init(m);
	m->has_own_key = has_own_key;
	m->base = base;
}

/* Our keys as other nodes know them. The caller wipes it. */
static struct reacher_self
self_of(const struct control *c)
{
	const struct membership *m = &c->membership;
	const struct interface_intent *i = intent_interface_find(c->running, m->on);
	struct reacher_self self = {.iface_id = m->iface_id};
	if (i)
		self.node_public = interface_public_key(i);
	tailnet_disco_key(m->tailnet, &self.disco_private);
	return self;
}

static int
join_paths(struct control *c, struct err *err)
{
	struct reacher_self self = self_of(c);
	int rc = reacher_start(&c->reacher, &self, err);
	secret_wipe(&self, sizeof(self));
	if (!rc)
		tables_iface_set_node(c->tables, c->membership.iface_id, true);
	return rc;
}

static int
join(struct control *c, const struct control_iface *on, const struct headscale_intent *h,
	struct err *err)
{
	struct membership *m = &c->membership;
	const struct interface_intent *i = intent_interface_find(c->running, on->name);
	struct tailnet_state state;
	int rc = state_file_open(h->state_file, &state, err);
	if (rc)
		return rc;
	if (m->has_own_key && i && i->has_key)
		state.node_private = i->private_key;
	const struct tailnet_config tc = {
		.intent = h,
		.state = &state,
		.times = c->config.tailnet_times,
		.has_own_node_key = m->has_own_key,
	};
	rc = tailnet_start(&tc, &m->tailnet, err);
	secret_wipe(&state, sizeof(state));
	snprintf(m->on, sizeof(m->on), "%s", on->name);
	m->iface_id = on->iface_id;
	return rc ? rc : join_paths(c, err);
}

static void
note_what_waits(const struct headscale_intent *was, const struct headscale_intent *h)
{
	const char *key = strcmp(was->tags, h->tags) != 0 ? "Tags" :
		was->is_ephemeral != h->is_ephemeral ? "Ephemeral" : NULL;
	if (key)
		log_warn("tailnet: %s is looked at when the node registers next: headgate logout "
			"and headgate up have it do so now", key);
}

/*
 * What the old tailnet brought is not taken away here: the difference of the intents, which no
 * longer have it, does that.
 */
int
membership_set(struct control *c, struct control_iface *i, const struct headscale_intent *h,
	struct err *err)
{
	const struct interface_intent *running = intent_interface_find(c->running, i->name);
	struct membership *m = &c->membership;
	bool stays = m->tailnet && strcmp(m->on, i->name) == 0 && running &&
		headscale_intent_is_same_node(running->headscale, h);
	if (stays) {
		note_what_waits(running->headscale, h);
		return tailnet_change(m->tailnet, h, err);
	}
	bool is_down = m->is_down;
	forget(c);
	int rc = h ? join(c, i, h, err) : 0;
	if (!rc && h && is_down)
		rc = membership_wish(c, TAILNET_WISH_DOWN, err);
	return rc;
}

void
membership_iface_gone(struct control *c, const struct control_iface *i)
{
	if (strcmp(c->membership.on, i->name) == 0)
		forget(c);
}

void
membership_fini(struct control *c)
{
	forget(c);
	filter_plan_destroy(c->membership.base);
	c->membership.base = NULL;
}

struct addr
membership_source(const struct control *c, const struct key *peer, uint8_t family)
{
	const struct membership *m = &c->membership;
	for (size_t k = 0; k < m->own.n && peer_set_find(&m->owned, peer); k++) {
		if (m->own.items[k].addr.family == family)
			return m->own.items[k].addr;
	}
	return (struct addr){0};
}

/* No key at all is what a file without one says, by `wg setconf`: that changes nothing. */
static int
refuse_key(const struct membership *m, const struct key *k)
{
	if (key_is_zero(k))
		return 0;
	log_error("%s: `wg` changes no private key of a node: its server knows it by the key. Give "
		"it as PrivateKey in the config, and reload", m->on);
	return -EPERM;
}

int
membership_keep(const struct control *c, struct change_list *list)
{
	const struct membership *m = &c->membership;
	size_t n_kept = 0, n_peers = 0;
	int rc = 0;
	for (size_t k = 0; k < list->n && m->tailnet; k++) {
		struct change *change = &list->items[k]; /* of these kinds it owns nothing */
		bool is_here = strcmp(change->on, m->on) == 0;
		bool is_key = is_here && change->kind == CHANGE_INTERFACE_SET_KEY;
		bool is_peer = is_here && change->kind == CHANGE_PEER_REMOVE &&
			peer_set_find(&m->owned, &change->peer);
		n_peers += is_peer;
		if (is_key)
			rc = refuse_key(m, &change->key);
		if (!is_key && !is_peer)
			list->items[n_kept++] = *change;
	}
	if (!m->tailnet)
		return 0;
	if (n_peers)
		log_info("%s: peers of the tailnet stay, whatever `wg` says: %zu", m->on, n_peers);
	secret_wipe(list->items + n_kept, (list->n - n_kept) * sizeof(*list->items));
	list->n = n_kept;
	return rc;
}

void
membership_peers_changed(struct control *c)
{
	if (!c->membership.tailnet)
		return;
	c->membership.looks_again = true;
	membership_filter_renew(c);
}

bool
membership_owns(const struct control *c, const struct control_peer *p)
{
	const struct membership *m = &c->membership;
	return m->tailnet && p->iface_id == m->iface_id && peer_set_find(&m->owned, &p->public_key);
}

int
membership_wish(struct control *c, int wish, struct err *err)
{
	if (!c->membership.tailnet)
		return err_set(err, -ENOENT, "the config has no [Headscale]");
	c->membership.is_down = wish == TAILNET_WISH_DOWN;
	tailnet_wish(c->membership.tailnet, (enum tailnet_wish)wish);
	return 0;
}

bool
membership_status(struct control *c, struct tailnet_status *out)
{
	if (!c->membership.tailnet)
		return false;
	*out = tailnet_status_of(c->membership.tailnet);
	return true;
}

/* ---- Taking in ---- */

static void
apply(struct control *c, struct change_list *list)
{
	struct reconcile_report report;
	if (list->n)
		reconcile_list(c, list, &report);
	change_list_fini(list);
}

/* The kernel took the routes away whose source was an address that is gone. */
static void
renew_routes(struct control *c)
{
	struct control_iface *i = iface_find(c, c->membership.on);
	struct err err = {0};
	if (i && intent_interface_find(c->running, i->name) &&
		ifaces_route_all(c, i, true, &err))
		log_error("tailnet: %s", err.text);
}

static void
change_own(struct control *c, const struct tailnet_node *self)
{
	struct membership *m = &c->membership;
	struct change_list list;
	struct prefix_list now = {0};
	change_list_init(&list);
	membership_own_addresses(c, self, &now);
	membership_address_changes(c, &now, &list);
	bool has_changed = !prefix_list_is_equal(&m->own, &now);
	apply(c, &list);
	free(m->own.items);
	m->own = now;
	if (has_changed)
		renew_routes(c);
	membership_filter_renew(c);
}

/*
 * One step along both views, which are sorted by id: the node that was, the one that is, or both.
 * False: both are at their end.
 */
static bool
next_pair(struct membership *m, struct node_pair *pair)
{
	const struct tailnet_view *from = m->view, *to = m->next;
	size_t n_from = from ? from->n_peers : 0;
	struct tailnet_node *a = m->view_at < n_from ? from->peers[m->view_at] : NULL;
	struct tailnet_node *b = m->next_at < to->n_peers ? to->peers[m->next_at] : NULL;
	if (!a && !b)
		return false;
	bool takes_a = a && (!b || a->id <= b->id), takes_b = b && (!a || b->id <= a->id);
	pair->was = takes_a ? a : NULL;
	pair->now = takes_b ? b : NULL;
	m->view_at += takes_a;
	m->next_at += takes_b;
	return true;
}

/* Who of these runs now is ours; who does not is nobody's. */
static void
note_owned(struct control *c, const struct tailnet_node *n)
{
	struct membership *m = &c->membership;
	const struct interface_intent *i = intent_interface_find(c->running, m->on);
	bool runs = i && peer_set_find(&i->peers, &n->key);
	struct peer_intent *p = peer_set_find(&m->owned, &n->key);
	if (p && !runs)
		peer_set_remove(&m->owned, p);
}

/* Its process is another one now and knows of no session: the next packet is to begin one. */
static void
end_session(struct control *c, const struct tailnet_node *n)
{
	struct control_iface *i = iface_find(c, c->membership.on);
	struct control_peer *p = i ? peers_by_key(&c->peers, i->iface_id, &n->key) : NULL;
	if (p && peer_set_find(&c->membership.owned, &n->key))
		timing_reset(&c->timing, p);
}

/*
 * Where a node that is a peer by the tailnet's word may be found. True: it was known, by another
 * disco key, whatever id it had.
 */
static bool
look_for(struct control *c, struct tailnet_node *n)
{
	struct membership *m = &c->membership;
	struct control_peer *p = peers_by_key(&c->peers, m->iface_id, &n->key);
	int rc = p && peer_set_find(&m->owned, &n->key) ?
		reacher_put(&c->reacher, p->peer_id, n) : 0;
	if (rc < 0)
		log_error("tailnet: no memory for the paths to %s", n->name);
	return rc > 0;
}

void
membership_peer_stirred(void *ctx, const struct control_peer *p)
{
	struct control *c = ctx;
	if (membership_owns(c, p))
		reacher_stir(&c->reacher, p->peer_id);
}

static void
take_pair(struct control *c, const struct node_pair *pair)
{
	struct change_list list;
	if (pair->was == pair->now)
		return;
	change_list_init(&list);
	int rc = membership_peer_changes(c, pair, &list);
	if (rc)
		log_error("tailnet: no memory to take in a node");
	apply(c, &list);
	bool is_anew = pair->was && pair->now &&
		!key_is_equal(&pair->was->disco, &pair->now->disco);
	if (pair->now)
		is_anew |= look_for(c, pair->now);
	if (is_anew)
		end_session(c, pair->now);
	if (pair->was)
		note_owned(c, pair->was);
	if (pair->now)
		note_owned(c, pair->now);
}

static void
take_slice(struct control *c)
{
	struct membership *m = &c->membership;
	struct node_pair pair;
	unsigned n_changed = 0;
	while (n_changed < NODES_A_TURN) {
		if (!next_pair(m, &pair)) {
			view_destroy(m->view);
			m->view = m->next;
			m->next = NULL;
			peer_set_fini(&m->moved);
			membership_exit_note(c);
			return;
		}
		n_changed += pair.was != pair.now;
		take_pair(c, &pair);
	}
}

static void
change_keys(struct control *c)
{
	struct change change = {.kind = CHANGE_INTERFACE_SET_KEY};
	struct reconcile_report report;
	memcpy(change.on, c->membership.on, sizeof(change.on));
	if (tailnet_take_node_key(c->membership.tailnet, &change.key))
		reconcile_list(c, &(struct change_list){&change, 1}, &report);
	secret_wipe(&change, sizeof(change));
	struct reacher_self self = self_of(c);
	reacher_set_self(&c->reacher, &self);
	secret_wipe(&self, sizeof(self));
}

/* No peer may have the address of the server; who has it now is found at the next look. */
static void
note_server(struct membership *m)
{
	struct addr now = tailnet_status_of(m->tailnet).server;
	m->looks_again = m->looks_again || !addr_is_equal(&m->server, &now);
	m->server = now;
}

static void
tell_endpoints(struct control *c, ns_t now)
{
	struct own_endpoint endpoints[MAX_ENDPOINTS];
	tailnet_set_endpoints(c->membership.tailnet, endpoints,
		outside_endpoints(c, now, endpoints, MAX_ENDPOINTS));
}

void
membership_turn(struct control *c)
{
	struct membership *m = &c->membership;
	if (!m->tailnet || c->is_changing)
		return;
	if (!m->next && tailnet_has_news(m->tailnet)) {
		change_keys(c);
		note_server(m);
		tell_endpoints(c, clock_boot_ns());
		m->next = tailnet_take_view(m->tailnet);
		m->view_at = m->next_at = 0;
		if (m->next) {
			outside_set_map(c, m->next->derp);
			change_own(c, m->next->self);
		}
	}
	if (m->next)
		take_slice(c);
}

void
membership_look_again(struct control *c)
{
	struct membership *m = &c->membership;
	if (m->next || !m->view)
		return;
	m->next = m->view;
	m->view = NULL;
	m->view_at = m->next_at = 0;
}

static const struct tailnet_view *
newest_view(const struct membership *m)
{
	return m->next ? m->next : m->view;
}

bool
membership_is_settling(const struct control *c)
{
	const struct tailnet_view *v = newest_view(&c->membership);
	return v && v->stream_ns && clock_boot_ns() < v->stream_ns + SETTLING_S * NS_IN_S;
}

void
membership_tick(struct control *c)
{
	struct membership *m = &c->membership;
	ns_t now = clock_boot_ns();
	if (!m->tailnet || c->is_changing)
		return;
	bool has_settled = m->has_kept_routes && !membership_is_settling(c);
	if (!m->next && (has_settled || m->looks_again)) {
		m->has_kept_routes = m->has_kept_routes && !has_settled;
		m->looks_again = false;
		membership_look_again(c);
	}
	membership_filter_tick(c);
	outside_tick(c, now);
	tell_endpoints(c, now);
}
