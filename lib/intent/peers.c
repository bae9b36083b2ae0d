/* SPDX-License-Identifier: BSD-3-Clause */
/* The set of peers of intent/peers.h: two lists in order, two hash tables beside them. */
#include "intent/peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

void
peer_set_init(struct peer_set *s)
{
	*s = (struct peer_set){0};
	hash_init(&s->by_key);
	hash_init(&s->by_prefix);
}

static void
free_peer(struct peer_intent *p)
{
	struct allowed_intent *next;
	for (struct allowed_intent *a = p->first_allowed; a; a = next) {
		next = a->next;
		free(a);
	}
	free(p->endpoint.host);
	secret_wipe(p, sizeof(*p));
	free(p);
}

void
peer_set_fini(struct peer_set *s)
{
	struct peer_intent *next;
	for (struct peer_intent *p = s->first; p; p = next) {
		next = p->next;
		free_peer(p);
	}
	hash_fini(&s->by_key);
	hash_fini(&s->by_prefix);
	s->first = NULL;
	s->last = NULL;
	s->n = 0;
}

struct peer_intent *
peer_set_find(const struct peer_set *s, const struct key *public_key)
{
	uint64_t hash = hash_of(&s->by_key, public_key, sizeof(*public_key));
	for (struct hash_link *l = hash_first(&s->by_key, hash); l; l = hash_next(l)) {
		struct peer_intent *p = CONTAINER_OF(l, struct peer_intent, link);
		if (key_is_equal(&p->public_key, public_key))
			return p;
	}
	return NULL;
}

struct peer_intent *
peer_set_add(struct peer_set *s, const struct key *public_key)
{
	struct peer_intent *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->public_key = *public_key;
	uint64_t hash = hash_of(&s->by_key, public_key, sizeof(*public_key));
	if (hash_add(&s->by_key, &p->link, hash) < 0) {
		free(p);
		return NULL;
	}
	p->prev = s->last;
	if (s->last)
		s->last->next = p;
	else
		s->first = p;
	s->last = p;
	s->n++;
	return p;
}

void
peer_set_remove(struct peer_set *s, struct peer_intent *p)
{
	while (p->first_allowed)
		allowed_remove(s, p->first_allowed);
	hash_remove(&s->by_key, &p->link);
	*(p->prev ? &p->prev->next : &s->first) = p->next;
	*(p->next ? &p->next->prev : &s->last) = p->prev;
	s->n--;
	free_peer(p);
}

void
peer_set_psk(struct peer_intent *p, const struct key *psk)
{
	p->psk = *psk;
	p->has_psk = !key_is_zero(psk);
}

int
peer_set_endpoint(struct peer_intent *p, const struct endpoint_intent *e)
{
	char *host = NULL;
	if (e->host && !(host = strdup(e->host)))
		return -ENOMEM;
	free(p->endpoint.host);
	p->endpoint = *e;
	p->endpoint.host = host;
	return 0;
}

bool
endpoint_intent_is_equal(const struct endpoint_intent *a, const struct endpoint_intent *b)
{
	if (!a->host != !b->host)
		return false;
	if (a->host)
		return strcmp(a->host, b->host) == 0 && a->host_port == b->host_port;
	return endpoint_is_equal(&a->addr, &b->addr);
}

static uint64_t
prefix_hash(const struct peer_set *s, const struct prefix *masked)
{
	uint8_t flat[18];
	memcpy(flat, masked->addr.bytes, 16);
	flat[16] = masked->addr.family;
	flat[17] = masked->len;
	return hash_of(&s->by_prefix, flat, sizeof(flat));
}

struct allowed_intent *
allowed_find(const struct peer_set *s, const struct prefix *prefix)
{
	struct prefix masked = prefix_masked(prefix);
	struct hash_link *l = hash_first(&s->by_prefix, prefix_hash(s, &masked));
	for (; l; l = hash_next(l)) {
		struct allowed_intent *a = CONTAINER_OF(l, struct allowed_intent, link);
		if (prefix_is_equal(&a->prefix, &masked))
			return a;
	}
	return NULL;
}

static void
append_to(struct peer_intent *p, struct allowed_intent *a)
{
	a->owner = p;
	a->next = NULL;
	a->prev = p->last_allowed;
	*(a->prev ? &a->prev->next : &p->first_allowed) = a;
	p->last_allowed = a;
	p->n_allowed++;
}

static void
take_from_owner(struct allowed_intent *a)
{
	struct peer_intent *p = a->owner;
	*(a->prev ? &a->prev->next : &p->first_allowed) = a->next;
	*(a->next ? &a->next->prev : &p->last_allowed) = a->prev;
	p->n_allowed--;
}

int
allowed_add(struct peer_set *s, struct peer_intent *p, const struct prefix *prefix,
	struct origin origin)
{
	struct allowed_intent *a = allowed_find(s, prefix);
	if (a) {
		if (a->owner != p) {
			take_from_owner(a);
			append_to(p, a);
			a->origin = origin;
		}
		return 0;
	}
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->prefix = prefix_masked(prefix);
	a->origin = origin;
	if (hash_add(&s->by_prefix, &a->link, prefix_hash(s, &a->prefix)) < 0) {
		free(a);
		return -ENOMEM;
	}
	append_to(p, a);
	return 0;
}

void
allowed_remove(struct peer_set *s, struct allowed_intent *a)
{
	take_from_owner(a);
	hash_remove(&s->by_prefix, &a->link);
	free(a);
}

static int
copy_peer(struct peer_set *to, const struct peer_intent *from)
{
	struct peer_intent *p = peer_set_add(to, &from->public_key);
	if (!p)
		return -ENOMEM;
	memcpy(p->name, from->name, sizeof(p->name));
	p->origin = from->origin;
	p->keepalive_s = from->keepalive_s;
	peer_set_psk(p, &from->psk);
	int rc = peer_set_endpoint(p, &from->endpoint);
	for (const struct allowed_intent *a = from->first_allowed; a && rc == 0; a = a->next)
		rc = allowed_add(to, p, &a->prefix, a->origin);
	return rc;
}

int
peer_set_copy(struct peer_set *to, const struct peer_set *from)
{
	int rc = 0;
	for (const struct peer_intent *p = from->first; p && rc == 0; p = p->next)
		rc = copy_peer(to, p);
	return rc;
}
