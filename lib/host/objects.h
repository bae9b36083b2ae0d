/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A table of net_objects of one kind by key: a chained hash that doubles as it fills, with a
 * secret seed, since whoever speaks BGP or ARP to this box chooses what is put in.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/state.h"

struct objects_entry {
	struct objects_entry *next;
	uint64_t hash;
	uint32_t round;       /* of the dump that named it last */
	bool has_shadow;      /* the kernel holds several objects of this key; the first */
	struct net_object object;
};

struct objects {
	struct objects_entry **slots;
	uint32_t n_slots; /* a power of two */
	uint32_t n;
	uint8_t seed[16];
};

int objects_init(struct objects *t); /* 0 or -ENOMEM */
void objects_fini(struct objects *t);

/* The entry with the same key as o, or NULL. It lives until it is put anew or removed. */
struct objects_entry *objects_find(const struct objects *t, const struct net_object *o);

/*
 * Puts a copy of o in the table. An entry of the same key is taken out and given in *old, to be
 * freed by the caller (NULL: there was none). Returns the new entry, or NULL without memory, and
 * then nothing has changed.
 */
struct objects_entry *objects_put(struct objects *t, const struct net_object *o,
	struct objects_entry **old);
/* Takes the entry of o's key out; the caller frees it. NULL: there is none. */
struct objects_entry *objects_remove(struct objects *t, const struct net_object *o);

/* Takes out, one a call, an entry of another round than this; *slot starts at 0. NULL: no more. */
struct objects_entry *objects_sweep(struct objects *t, uint32_t round, uint32_t *slot);
