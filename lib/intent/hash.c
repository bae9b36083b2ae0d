/* SPDX-License-Identifier: BSD-3-Clause */
/* The chained hash table of intent/hash.h: it doubles when there is a link a bucket. */
#include "intent/hash.h"

#include <errno.h>
#include <sodium/crypto_shorthash.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/secret.h"

enum { FIRST_BUCKETS = 16 };

_Static_assert(sizeof(((struct hash_table *)0)->seed) == crypto_shorthash_KEYBYTES, "seed");

void
hash_init(struct hash_table *t)
{
	*t = (struct hash_table){0};
	secret_random(t->seed, sizeof(t->seed));
}

void
hash_fini(struct hash_table *t)
{
	free(t->buckets);
	t->buckets = NULL;
	t->n_buckets = 0;
	t->n = 0;
}

uint64_t
hash_of(const struct hash_table *t, const void *data, size_t n_bytes)
{
	uint8_t out[crypto_shorthash_BYTES];
	crypto_shorthash(out, data, n_bytes, t->seed);
	return load_le64(out);
}

static struct hash_link **
bucket_of(const struct hash_table *t, uint64_t hash)
{
	return &t->buckets[hash & (t->n_buckets - 1)];
}

static void
push(struct hash_table *t, struct hash_link *link)
{
	struct hash_link **bucket = bucket_of(t, link->hash);
	link->next = *bucket;
	*bucket = link;
}

static int
grow(struct hash_table *t)
{
	struct hash_table old = *t;
	size_t n_buckets = old.n_buckets ? 2 * old.n_buckets : FIRST_BUCKETS;
	struct hash_link **buckets = calloc(n_buckets, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	t->buckets = buckets;
	t->n_buckets = n_buckets;
	for (size_t i = 0; i < old.n_buckets; i++) {
		struct hash_link *next;
		for (struct hash_link *l = old.buckets[i]; l; l = next) {
			next = l->next;
			push(t, l);
		}
	}
	free(old.buckets);
	return 0;
}

int
hash_add(struct hash_table *t, struct hash_link *link, uint64_t hash)
{
	/* Without memory for more buckets the chains grow instead. */
	if (t->n >= t->n_buckets && grow(t) < 0 && !t->buckets)
		return -ENOMEM;
	link->hash = hash;
	push(t, link);
	t->n++;
	return 0;
}

void
hash_remove(struct hash_table *t, struct hash_link *link)
{
	struct hash_link **at = bucket_of(t, link->hash);
	while (*at && *at != link)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = link->next;
	t->n--;
}

static struct hash_link *
skip_to(struct hash_link *l, uint64_t hash)
{
	while (l && l->hash != hash)
		l = l->next;
	return l;
}

struct hash_link *
hash_first(const struct hash_table *t, uint64_t hash)
{
	return t->buckets ? skip_to(*bucket_of(t, hash), hash) : NULL;
}

struct hash_link *
hash_next(const struct hash_link *link)
{
	return skip_to(link->next, link->hash);
}
