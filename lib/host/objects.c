/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/objects.h"

#include <errno.h>
#include <sodium/crypto_shorthash.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

enum { FIRST_SLOTS = 64 };

static uint64_t
hash_of(const struct objects *t, const struct net_object *o)
{
	uint8_t key[NET_KEY_BYTES];
	uint64_t hash;
	unsigned n = net_object_key(o, key);
	_Static_assert(sizeof(hash) == crypto_shorthash_BYTES, "SipHash-2-4's size");
	crypto_shorthash((unsigned char *)&hash, key, n, t->seed);
	return hash;
}

static bool
has_key_of(const struct objects_entry *e, const struct net_object *o)
{
	uint8_t a[NET_KEY_BYTES], b[NET_KEY_BYTES];
	unsigned n = net_object_key(&e->object, a);
	return n == net_object_key(o, b) && memcmp(a, b, n) == 0;
}

/* Where the pointer to the entry of o's key stands, or the NULL that ends its chain. */
static struct objects_entry **
place_of(const struct objects *t, const struct net_object *o, uint64_t hash)
{
	struct objects_entry **at = &t->slots[hash & (t->n_slots - 1)];
	while (*at && ((*at)->hash != hash || !has_key_of(*at, o)))
		at = &(*at)->next;
	return at;
}

/* Doubles the slots; without memory the chains just grow longer. */
static void
grow(struct objects *t)
{
	if (t->n_slots > UINT32_MAX / 2)
		return;
	uint32_t n_slots = t->n_slots * 2;
	struct objects_entry **slots = calloc(n_slots, sizeof(struct objects_entry *));
	if (!slots)
		return;
	for (uint32_t i = 0; i < t->n_slots; i++) {
		for (struct objects_entry *e = t->slots[i], *next; e; e = next) {
			next = e->next;
			e->next = slots[e->hash & (n_slots - 1)];
			slots[e->hash & (n_slots - 1)] = e;
		}
	}
	free(t->slots);
	t->slots = slots;
	t->n_slots = n_slots;
}

int
objects_init(struct objects *t)
{
	_Static_assert(sizeof(t->seed) == crypto_shorthash_KEYBYTES, "SipHash-2-4's key");
	memset(t, 0, sizeof(*t));
	t->slots = calloc(FIRST_SLOTS, sizeof(struct objects_entry *));
	if (!t->slots)
		return -ENOMEM;
	t->n_slots = FIRST_SLOTS;
	secret_random(t->seed, sizeof(t->seed));
	return 0;
}

void
objects_fini(struct objects *t)
{
	for (uint32_t i = 0; i < t->n_slots; i++) {
		for (struct objects_entry *e = t->slots[i], *next; e; e = next) {
			next = e->next;
			free(e);
		}
	}
	free(t->slots);
	memset(t, 0, sizeof(*t));
}

struct objects_entry *
objects_find(const struct objects *t, const struct net_object *o)
{
	return *place_of(t, o, hash_of(t, o));
}

static struct objects_entry *
entry_create(const struct net_object *o, uint64_t hash)
{
	unsigned n = net_object_n_bytes(o);
	struct objects_entry *e = calloc(1, offsetof(struct objects_entry, object) + n);
	if (e) {
		e->hash = hash;
		memcpy(&e->object, o, n);
	}
	return e;
}

struct objects_entry *
objects_put(struct objects *t, const struct net_object *o, struct objects_entry **old)
{
	uint64_t hash = hash_of(t, o);
	struct objects_entry *e = entry_create(o, hash);
	if (!e)
		return NULL;
	struct objects_entry **at = place_of(t, o, hash);
	*old = *at;
	e->next = *old ? (*old)->next : NULL;
	*at = e;
	if (!*old && ++t->n > t->n_slots)
		grow(t);
	return e;
}

struct objects_entry *
objects_remove(struct objects *t, const struct net_object *o)
{
	struct objects_entry **at = place_of(t, o, hash_of(t, o));
	struct objects_entry *e = *at;
	if (e) {
		*at = e->next;
		t->n--;
	}
	return e;
}

struct objects_entry *
objects_sweep(struct objects *t, uint32_t round, uint32_t *slot)
{
	for (; *slot < t->n_slots; ++*slot) {
		for (struct objects_entry **at = &t->slots[*slot]; *at; at = &(*at)->next) {
			struct objects_entry *e = *at;
			if (e->round == round)
				continue;
			*at = e->next;
			t->n--;
			return e;
		}
	}
	return NULL;
}
