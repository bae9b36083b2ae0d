/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/membership_exit.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/log.h"
#include "control/ifaces.h"
#include "control/membership_prefix.h"
#include "tailnet/view.h"

static const struct prefix everything[] = {{.addr.family = ADDR_V4}, {.addr.family = ADDR_V6}};

/* ---- Which node ---- */

/* By its first label or more of its name, as `headgate whois` has it. */
static bool
is_named(const struct tailnet_node *n, const char *who)
{
	size_t n_who = strlen(who);
	return n_who && strncasecmp(n->name, who, n_who) == 0 &&
		(n->name[n_who] == 0 || n->name[n_who] == '.');
}

static bool
is_called(const struct tailnet_node *n, const char *who)
{
	struct addr a;
	bool is_there = false;
	if (addr_parse(who, &a))
		return is_named(n, who);
	for (size_t i = 0; i < n->n_addresses && !is_there; i++)
		is_there = addr_is_equal(&n->addresses[i].addr, &a);
	return is_there;
}

/* The newest map is the one that is being taken in. */
static const struct tailnet_node *
find(const struct membership *m, const char *who)
{
	const struct tailnet_view *v = m->next ? m->next : m->view;
	for (size_t i = 0; v && i < v->n_peers; i++) {
		if (is_called(v->peers[i], who))
			return v->peers[i];
	}
	return NULL;
}

bool
membership_exit_is(const struct control *c, const struct headscale_intent *h,
	const struct tailnet_node *n)
{
	if (!h->exit_node[0] || !is_called(n, h->exit_node))
		return false;
	const struct tailnet_node *first = find(&c->membership, h->exit_node);
	return first && first->id == n->id;
}

bool
membership_exit_offers(const struct tailnet_node *n)
{
	return node_has_prefix(n, &everything[0]) || node_has_prefix(n, &everything[1]);
}

/* ---- The default route ---- */

static const struct headscale_intent *
intent_of(const struct control *c, const char *interface)
{
	const struct interface_intent *it = intent_interface_find(c->running, interface);
	return it && it->headscale && it->headscale->exit_node[0] ? it->headscale : NULL;
}

bool
membership_exit_decides(const struct control *c, const struct control_iface *i,
	const struct key *peer)
{
	return i->has_exit || peer_set_find(&c->membership.owned, peer);
}

static int
enter(struct control *c, struct control_iface *i, struct err *err)
{
	int rc = 0;
	quick_default_clear(c, i);
	i->has_exit = true;
	for (size_t k = 0; k < ARRAY_COUNT(everything) && !rc; k++) {
		if (control_has_host(c))
			rc = quick_default_add(c, i, everything[k].addr.family, err);
		else
			routes_static_allowed(c->routes, i->iface_id, &everything[k], true);
	}
	if (rc)
		membership_exit_leave(c, i);
	return rc ? err_prefix(err, rc, "ExitNode") : 0;
}

void
membership_exit_leave(struct control *c, struct control_iface *i)
{
	if (!i->has_exit)
		return;
	if (control_has_host(c))
		quick_default_clear(c, i);
	for (size_t k = 0; k < ARRAY_COUNT(everything) && !control_has_host(c); k++)
		routes_static_allowed(c->routes, i->iface_id, &everything[k], false);
	i->has_exit = false;
}

int
membership_exit_follow(struct control *c, struct control_iface *i, struct err *err)
{
	bool is_wanted = intent_of(c, i->name);
	if (c->is_stopping || (i->stage == IFACE_COMING && control_has_host(c)) ||
		is_wanted == i->has_exit)
		return 0;
	if (is_wanted)
		return enter(c, i, err);
	membership_exit_leave(c, i);
	/* A peer of the config may have a default route that was none until now. */
	return control_has_host(c) && intent_interface_find(c->running, i->name) ?
		ifaces_route_all(c, i, true, err) : 0;
}

/* ---- What is said of it ---- */

static bool
is_over_peers(const struct control *c, const struct tailnet_node *n)
{
	const struct interface_intent *it = intent_interface_find(c->running, c->membership.on);
	bool is_over = false;
	for (size_t k = 0; k < ARRAY_COUNT(everything) && it && !is_over; k++)
		is_over = node_has_prefix(n, &everything[k]) &&
			membership_covers_a_peer(c, it, &everything[k]);
	return is_over;
}

static enum exit_state
state_of(const struct control *c, const struct headscale_intent *h, const struct tailnet_node *n)
{
	const struct membership *m = &c->membership;
	if (!h)
		return EXIT_UNWANTED;
	if (!m->view || !m->view->self)
		return EXIT_UNKNOWN;
	if (!n)
		return EXIT_NOWHERE;
	if (!membership_exit_offers(n))
		return EXIT_NOT_OFFERED;
	if (is_over_peers(c, n))
		return EXIT_OVER_PEERS;
	return n->is_online ? EXIT_THERE : EXIT_OFFLINE;
}

static void
describe(enum exit_state state, const char *who, char out[EXIT_SENTENCE_BYTES])
{
	static const char *const texts[] = {
		[EXIT_UNWANTED] = "",
		[EXIT_UNKNOWN] = "there is no map of the tailnet",
		[EXIT_NOWHERE] = "no node has that name or address, or the rules of the tailnet "
			"hide it",
		[EXIT_NOT_OFFERED] = "that node does not offer it (AdvertiseExitNode), or the "
			"server has not approved it",
		[EXIT_OVER_PEERS] = "that node could send as a peer of another interface, with "
			"its rights, so it does not get the internet of that family: take "
			"the other interface's peers out",
		[EXIT_OFFLINE] = "the server takes that node for offline",
		[EXIT_THERE] = "",
	};
	out[0] = 0;
	if (texts[state][0])
		snprintf(out, EXIT_SENTENCE_BYTES, "ExitNode = %s: %s; hosts behind this "
			"gateway reach the internet by it or not at all", who, texts[state]);
}

void
membership_exit_note(struct control *c)
{
	struct membership *m = &c->membership;
	char text[EXIT_SENTENCE_BYTES];
	const struct headscale_intent *h = intent_of(c, m->on);
	const struct tailnet_node *n = h ? find(m, h->exit_node) : NULL;
	const struct membership_exit was = m->exit;
	m->exit = (struct membership_exit){n ? n->id : 0, state_of(c, h, n)};
	/* Neither of the two need have changed itself. */
	if (was.node && m->exit.node && was.node != m->exit.node)
		m->looks_again = true;
	if (was.state == m->exit.state && was.node == m->exit.node)
		return;
	describe(m->exit.state, h ? h->exit_node : "", text);
	if (text[0])
		log_warn("tailnet: %s", text);
	else if (n)
		log_info("tailnet: the way to the internet leads by %s", n->name);
}

const char *
membership_exit_trouble(const struct control *c, char out[EXIT_SENTENCE_BYTES])
{
	const struct membership *m = &c->membership;
	const struct headscale_intent *h = intent_of(c, m->on);
	describe(state_of(c, h, h ? find(m, h->exit_node) : NULL), h ? h->exit_node : "", out);
	return out;
}
