/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A set's wishes held against the interface as it is: the result is changes that each apply. What
 * a set touches is followed in a small copy (`seen`, `gone`), so that its lines may build on one
 * another while a hundred thousand other peers are not looked at.
 */
#include <errno.h>
#include <sodium/crypto_scalarmult_curve25519.h>
#include <stdio.h>

#include "base/secret.h"
#include "source/uapi.h"
#include "source/uapi_wish.h"

struct resolver {
	const struct interface_intent *now;
	struct change_list *out;
	struct peer_set seen; /* peers there are after the wishes so far, as far as touched */
	struct peer_set gone; /* their keys alone: peers of `now` that were removed */
	bool cleared;         /* …all of them were */
	/*
	 * Prefixes that replace_allowed_ips took from a peer and nobody was given since. Only at
	 * the end are they removed: `wg syncconf` takes and gives back what a peer has, and no
	 * traffic shall meet a gap between.
	 */
	struct peer_set dropped;
	struct peer_intent *peer; /* at hand, of `seen`; NULL: its lines are to be passed over */
	struct key own_public;    /* zero: there is no private key */
	struct key private_key;
	int64_t listen_port, fwmark;
};

static const struct origin nowhere;

static int
emit(struct resolver *r, struct change *c)
{
	snprintf(c->on, sizeof(c->on), "%s", r->now->name);
	return change_list_add(r->out, c);
}

static int
emit_peer(struct resolver *r, enum change_kind kind, const struct key *public_key)
{
	return emit(r, &(struct change){.kind = kind, .peer = *public_key});
}

/* Takes a peer of `now` into `seen`: nobody touched it, so its prefixes are still its own. */
static int
take_in(struct resolver *r, const struct peer_intent *from, struct peer_intent **out)
{
	int rc = 0;
	struct peer_intent *p = peer_set_add(&r->seen, &from->public_key);
	if (!p)
		return -ENOMEM;
	for (const struct allowed_intent *a = from->first_allowed; a && rc == 0; a = a->next)
		rc = allowed_add(&r->seen, p, &a->prefix, nowhere);
	*out = p;
	return rc;
}

/* The peer as it is by now, or *out NULL. */
static int
find(struct resolver *r, const struct key *public_key, struct peer_intent **out)
{
	*out = peer_set_find(&r->seen, public_key);
	if (*out || r->cleared || peer_set_find(&r->gone, public_key))
		return 0;
	const struct peer_intent *from = peer_set_find(&r->now->peers, public_key);
	return from ? take_in(r, from, out) : 0;
}

/* A peer that goes takes what was dropped of it along. */
static void
undrop_all(struct resolver *r, const struct key *public_key)
{
	struct peer_intent *p = peer_set_find(&r->dropped, public_key);
	if (p)
		peer_set_remove(&r->dropped, p);
}

static int
remove_peer(struct resolver *r, struct peer_intent *p)
{
	if (!p)
		return 0;
	undrop_all(r, &p->public_key);
	int rc = emit_peer(r, CHANGE_PEER_REMOVE, &p->public_key);
	if (!peer_set_find(&r->gone, &p->public_key) && !peer_set_add(&r->gone, &p->public_key))
		rc = -ENOMEM;
	if (r->peer == p)
		r->peer = NULL;
	peer_set_remove(&r->seen, p);
	return rc;
}

static int
clear_peers(struct resolver *r)
{
	int rc = 0;
	for (const struct peer_intent *p = r->now->peers.first; p && rc == 0; p = p->next) {
		bool is_there = !r->cleared && !peer_set_find(&r->gone, &p->public_key) &&
				!peer_set_find(&r->seen, &p->public_key);
		if (is_there)
			rc = emit_peer(r, CHANGE_PEER_REMOVE, &p->public_key);
	}
	while (r->seen.first && rc == 0)
		rc = remove_peer(r, r->seen.first);
	r->cleared = true;
	return rc;
}

/* The peer at hand. One with the interface's own key is not: it would be a loop. */
static int
begin_peer(struct resolver *r, const struct key *public_key, bool makes)
{
	r->peer = NULL;
	if (key_is_equal(public_key, &r->own_public))
		return 0;
	int rc = find(r, public_key, &r->peer);
	if (rc < 0 || r->peer || !makes)
		return rc;
	r->peer = peer_set_add(&r->seen, public_key);
	return r->peer ? emit_peer(r, CHANGE_PEER_ADD, public_key) : -ENOMEM;
}

/* p's entry in `dropped`, made if need be; NULL when memory is short. */
static struct peer_intent *
dropped_of(struct resolver *r, const struct peer_intent *p)
{
	struct peer_intent *d = peer_set_find(&r->dropped, &p->public_key);
	return d ? d : peer_set_add(&r->dropped, &p->public_key);
}

static int
clear_allowed(struct resolver *r)
{
	int rc = 0;
	if (!r->peer)
		return 0;
	struct peer_intent *d = dropped_of(r, r->peer);
	if (!d)
		return -ENOMEM;
	while (r->peer->first_allowed && rc == 0) {
		rc = allowed_add(&r->dropped, d, &r->peer->first_allowed->prefix, nowhere);
		allowed_remove(&r->seen, r->peer->first_allowed);
	}
	return rc;
}

static int
emit_dropped(struct resolver *r)
{
	int rc = 0;
	for (const struct peer_intent *p = r->dropped.first; p; p = p->next) {
		for (const struct allowed_intent *a = p->first_allowed; a && rc == 0; a = a->next)
			rc = emit(r, &(struct change){.kind = CHANGE_ALLOWED_REMOVE,
					     .peer = p->public_key,
					     .prefix = a->prefix});
	}
	return rc;
}

static int
change_key(struct resolver *r, struct change *c)
{
	struct peer_intent *self;
	interface_clamp_key(&c->key);
	if (key_is_equal(&c->key, &r->private_key))
		return 0;
	r->private_key = c->key;
	r->own_public = (struct key){{0}};
	if (!key_is_zero(&c->key))
		crypto_scalarmult_curve25519_base(r->own_public.bytes, c->key.bytes);
	int rc = find(r, &r->own_public, &self);
	if (rc == 0)
		rc = remove_peer(r, self);
	return rc ? rc : emit(r, c);
}

static int
change_number(struct resolver *r, struct change *c, int64_t *was)
{
	if (*was == c->number)
		return 0;
	*was = c->number;
	return emit(r, c);
}

static int
add_allowed(struct resolver *r, struct change *c)
{
	/* Whoever had it must stand in `seen`, to be seen losing it. */
	struct peer_intent *loser;
	const struct allowed_intent *had = allowed_find(&r->now->peers, &c->prefix);
	if (had && find(r, &had->owner->public_key, &loser) < 0)
		return -ENOMEM;
	const struct allowed_intent *a = allowed_find(&r->seen, &c->prefix);
	if (a && a->owner == r->peer)
		return 0;
	if (allowed_add(&r->seen, r->peer, &c->prefix, nowhere) < 0)
		return -ENOMEM;
	struct allowed_intent *d = allowed_find(&r->dropped, &c->prefix);
	bool is_given_back = d && key_is_equal(&d->owner->public_key, &r->peer->public_key);
	if (d)
		allowed_remove(&r->dropped, d);
	return is_given_back ? 0 : emit(r, c);
}

static int
remove_allowed(struct resolver *r, struct change *c)
{
	struct allowed_intent *a = allowed_find(&r->seen, &c->prefix);
	if (!a || a->owner != r->peer)
		return 0;
	allowed_remove(&r->seen, a);
	return emit(r, c);
}

static int
resolve_change(struct resolver *r, struct change *c)
{
	switch (c->kind) {
	case CHANGE_INTERFACE_SET_KEY:
		return change_key(r, c);
	case CHANGE_INTERFACE_SET_LISTEN_PORT:
		return change_number(r, c, &r->listen_port);
	case CHANGE_INTERFACE_SET_FWMARK:
		return change_number(r, c, &r->fwmark);
	default:
		break;
	}
	if (!r->peer)
		return 0;
	if (c->kind < CHANGE_ALLOWED_ADD)
		return emit(r, c);
	c->prefix = prefix_masked(&c->prefix);
	return c->kind == CHANGE_ALLOWED_ADD ? add_allowed(r, c) : remove_allowed(r, c);
}

static int
resolve(struct resolver *r, const struct uapi_wish *w)
{
	struct change c = w->change;
	int rc = 0;
	switch (w->kind) {
	case WISH_CHANGE:
		rc = resolve_change(r, &c);
		break;
	case WISH_CLEAR_PEERS:
		rc = clear_peers(r);
		break;
	case WISH_PEER:
		rc = begin_peer(r, &c.peer, true);
		break;
	case WISH_PEER_IF_THERE:
		rc = begin_peer(r, &c.peer, false);
		break;
	case WISH_REMOVE_PEER:
		rc = remove_peer(r, r->peer);
		break;
	case WISH_CLEAR_ALLOWED:
		rc = clear_allowed(r);
		break;
	}
	secret_wipe(&c, sizeof(c));
	return rc;
}

int
uapi_changes(
	const struct uapi_parser *p, const struct interface_intent *now, struct change_list *out)
{
	struct resolver r = {
		.now = now,
		.out = out,
		.own_public = interface_public_key(now),
		.private_key = now->private_key,
		.listen_port = now->listen_port,
		.fwmark = now->fwmark,
	};
	int rc = p->code;
	peer_set_init(&r.seen);
	peer_set_init(&r.gone);
	peer_set_init(&r.dropped);
	for (size_t i = 0; i < p->n_wishes && rc == 0; i++)
		rc = resolve(&r, &p->wishes[i]);
	if (rc == 0)
		rc = emit_dropped(&r);
	peer_set_fini(&r.seen);
	peer_set_fini(&r.gone);
	peer_set_fini(&r.dropped);
	secret_wipe(&r, sizeof(r));
	return rc;
}
