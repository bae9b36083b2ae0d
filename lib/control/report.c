/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "control/filtering.h"
#include "control/membership_exit.h"
#include "control/natting.h"
#include "tailnet/tailnet.h"

static void
fill_session(struct control *c, const struct control_peer *p, struct status_peer *out, ns_t now)
{
	struct session_info info;
	tables_session_info(c->tables, p->peer_id, &info);
	out->has_session = info.has_current &&
		!session_has_expired(info.birth_ns, now, c->tables->times->reject_after_ns);
	if (out->has_session)
		out->session_age_s = (uint32_t)((now - info.birth_ns) / NS_IN_S);
	out->parked = !out->has_session && !wheel_is_set(&p->timer);
}

_Static_assert(sizeof(((struct status_path *)0)->why) >= REACHER_WHY_BYTES, "a reason fits");
_Static_assert(sizeof(((struct status_tailnet *)0)->exit_trouble) >= EXIT_SENTENCE_BYTES,
	"so does a sentence");

static void
fill_path(struct control *c, const struct control_peer *p, struct status_path *out)
{
	struct reacher_view view;
	if (!membership_owns(c, p))
		return;
	out->is_node = true;
	if (!reacher_look(&c->reacher, p->peer_id, &view)) {
		snprintf(out->why, sizeof(out->why), "it has not told the server a disco key");
		return;
	}
	out->is_active = view.is_active;
	reacher_why(&view, out->why);
	if (!view.has_path || out->why[0])
		return;
	out->cur_addr = view.via;
	out->latency_ns = view.latency_ns;
}

static int
fill_peer(struct control *c, const struct control_peer *p, const struct peer_intent *intent,
	struct status_peer *out)
{
	const struct peer_entry *e = tables_peer(c->tables, p->peer_id);
	struct addr local;
	out->public_key = p->public_key;
	memcpy(out->name, intent->name, sizeof(out->name));
	out->psk = intent->psk;
	out->has_psk = intent->has_psk;
	out->keepalive_s = intent->keepalive_s;
	tables_encap_get(c->tables, p->peer_id, &out->endpoint, &local);
	out->last_handshake = p->last_handshake;
	out->rx_bytes = __atomic_load_n(&e->rx_bytes, __ATOMIC_RELAXED) +
			__atomic_load_n(&e->handshake_rx_bytes, __ATOMIC_RELAXED);
	out->tx_bytes = __atomic_load_n(&e->tx_bytes, __ATOMIC_RELAXED) +
			__atomic_load_n(&e->handshake_tx_bytes, __ATOMIC_RELAXED);
	fill_session(c, p, out, clock_boot_ns());
	fill_path(c, p, &out->path);
	for (const struct allowed_intent *a = intent->first_allowed; a; a = a->next)
		if (status_add_allowed(out, &a->prefix))
			return -ENOMEM;
	return 0;
}

int
report_interface(struct control *c, const struct control_iface *i, struct status_interface *out)
{
	const struct interface_intent *intent = intent_interface_find(c->running, i->name);
	if (!intent)
		return -ENOENT;
	snprintf(out->name, sizeof(out->name), "%s", i->name);
	out->private_key = intent->private_key;
	out->public_key = interface_public_key(intent);
	out->listen_port = i->listen_port;
	out->fwmark = i->fwmark;
	out->mtu = i->mtu;
	for (size_t k = 0; k < intent->addresses.n; k++)
		if (prefix_list_add(&out->addresses, &intent->addresses.items[k]))
			return -ENOMEM;
	for (const struct peer_intent *pi = intent->peers.first; pi; pi = pi->next) {
		const struct control_peer *p =
			peers_by_key(&c->peers, i->iface_id, &pi->public_key);
		struct status_peer *sp = p ? status_add_peer(out) : NULL;
		if (p && (!sp || fill_peer(c, p, pi, sp)))
			return -ENOMEM;
	}
	return 0;
}

/* What the config says of a port that main did not fill in. */
static void
fill_port_addresses(struct control *c, struct status_port *out)
{
	const struct port_intent *p = intent_port_find(c->running, out->name);
	for (size_t i = 0; p && i < p->addresses.n; i++)
		prefix_list_add(&out->addresses, &p->addresses.items[i]);
}

static void
fill_node(const struct tailnet_node *n, struct status_node *out)
{
	out->key = n->key;
	snprintf(out->name, sizeof(out->name), "%s", n->name);
	snprintf(out->tags, sizeof(out->tags), "%.*s", (int)sizeof(out->tags) - 1, n->tags);
	for (size_t i = 0; i < n->n_addresses && i < ARRAY_COUNT(out->addresses); i++)
		out->addresses[out->n_addresses++] = n->addresses[i].addr;
	out->is_online = n->is_online;
	out->offers_exit = membership_exit_offers(n);
	out->key_expiry_s = n->key_expiry_s;
	out->last_seen_s = n->last_seen_s;
}

/* What of our offer is not ours yet in what the server last said of us: as many as fit. */
static void
fill_unapproved(const struct headscale_intent *h, const struct tailnet_node *self,
	struct status_tailnet *out)
{
	size_t n = 0;
	for (size_t i = 0; i < h->routes.n; i++) {
		char text[PREFIX_TEXT_BYTES];
		if (node_has_prefix(self, &h->routes.items[i]) ||
			n + PREFIX_TEXT_BYTES + 2 > sizeof(out->unapproved))
			continue;
		n += (size_t)snprintf(out->unapproved + n, sizeof(out->unapproved) - n, "%s%s",
			n ? ", " : "", prefix_format(&h->routes.items[i], text));
	}
}

static void
fill_nodes(const struct membership *m, const struct headscale_intent *h,
	struct status_tailnet *out)
{
	const struct tailnet_view *v = m->view ? m->view : m->next;
	out->has_self = v->self;
	if (v->self) {
		fill_node(v->self, &out->self);
		fill_unapproved(h, v->self, out);
		out->self.is_online = strcmp(out->phase, "running") == 0;
		memcpy(out->name, out->self.name, sizeof(out->name));
	}
	out->nodes = calloc(v->n_peers + 1, sizeof(*out->nodes));
	for (size_t i = 0; out->nodes && i < v->n_peers; i++) {
		struct status_node *n = &out->nodes[out->n_nodes++];
		fill_node(v->peers[i], n);
		n->is_exit = n->offers_exit && v->peers[i]->id == m->exit.node;
	}
}

static void
fill_tailnet(struct control *c, struct status_tailnet *out)
{
	struct membership *m = &c->membership;
	struct tailnet_status s;
	const struct interface_intent *i = intent_interface_find(c->running, m->on);
	if (!i || !i->headscale || !membership_status(c, &s))
		return;
	memcpy(out->on, m->on, sizeof(out->on));
	memcpy(out->server, i->headscale->server, sizeof(out->server));
	snprintf(out->phase, sizeof(out->phase), "%s", tailnet_phase_name(s.phase));
	memcpy(out->trouble, s.trouble, sizeof(out->trouble));
	memcpy(out->auth_url, s.auth_url, sizeof(out->auth_url));
	memcpy(out->login, s.login, sizeof(out->login));
	/* While all nodes are looked at again, the view that stands is the next one, too. */
	if (m->view || m->next)
		fill_nodes(m, i->headscale, out);
	membership_exit_trouble(c, out->exit_trouble);
	out->skew_s = s.skew_s;
	out->since_s = (uint64_t)s.since_s;
	out->key_expiry_s = (uint64_t)s.key_expiry_s;
	out->n_peers = m->owned.n;
}

struct status *
report_status(struct control *c)
{
	struct status *s = status_create();
	if (!s)
		return NULL;
	ns_t now = clock_boot_ns();
	s->uptime_s = (now - c->started_ns) / NS_IN_S;
	s->now_s = clock_wall().s;
	if (c->config.port_ops->fill_status)
		c->config.port_ops->fill_status(c->config.port_ops->ctx, s);
	drops_report(c, s);
	if (filtering_report(c, s) || natting_report(c, s)) {
		status_destroy(s);
		return NULL;
	}
	fill_tailnet(c, &s->tailnet);
	for (size_t i = 0; i < s->n_ports; i++)
		if (!s->ports[i].addresses.n)
			fill_port_addresses(c, &s->ports[i]);
	for (unsigned i = 0; i < TABLES_MAX_IFACES; i++) {
		struct status_interface *si =
			c->ifaces[i].is_live ? status_add_interface(s) : NULL;
		if (c->ifaces[i].is_live && (!si || report_interface(c, &c->ifaces[i], si))) {
			status_destroy(s);
			return NULL;
		}
	}
	return s;
}
