/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A chained hash table whose links stand inside what it holds. Hashes are SipHash with a key of
 * the table's own, so that nobody who chooses the contents can make chains long.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct hash_link {
	struct hash_link *next;
	uint64_t hash;
};

struct hash_table {
	struct hash_link **buckets; /* NULL until the first hash_add */
	size_t n_buckets;           /* a power of two */
	size_t n;
	uint8_t seed[16];
};

/* An empty table with a random seed; it owns no memory yet. */
void hash_init(struct hash_table *t);
/* Frees the buckets, not what they hold. */
void hash_fini(struct hash_table *t);
uint64_t hash_of(const struct hash_table *t, const void *data, size_t n_bytes);
/* Puts in a link that is in no table, under a hash of hash_of. 0 or -ENOMEM. */
int hash_add(struct hash_table *t, struct hash_link *link, uint64_t hash);
void hash_remove(struct hash_table *t, struct hash_link *link);

/* The first link with this hash, and those after it: the caller compares what they stand in. */
struct hash_link *hash_first(const struct hash_table *t, uint64_t hash);
struct hash_link *hash_next(const struct hash_link *link);
