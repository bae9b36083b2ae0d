/* SPDX-License-Identifier: BSD-3-Clause */
/* Next hops, the two route tables, and the box's own addresses. */
#include <errno.h>
#include <stdlib.h>

#include "tables/own.h"

static void
nexthop_free(struct rcu_node *node)
{
	free(CONTAINER_OF(node, struct nexthop, rcu));
}

/* Outer headers made before this moment may be out of date. */
static void
underlay_changed(struct tables *t)
{
	__atomic_fetch_add(&t->underlay_generation, 1, __ATOMIC_RELEASE);
}

/* Puts a copy of spec (NULL: nothing) under id. Lock held. */
static int
nexthop_replace(struct tables *t, uint32_t id, const struct nexthop *spec)
{
	struct nexthop *fresh = NULL;
	if (spec) {
		fresh = aligned_alloc(CACHE_LINE_BYTES, (sizeof(*fresh) + CACHE_LINE_BYTES - 1) /
								CACHE_LINE_BYTES *
								CACHE_LINE_BYTES);
		if (!fresh)
			return -ENOMEM;
		*fresh = *spec;
	}
	struct nexthop *was = t->nexthops[id];
	rcu_publish(t->nexthops[id], fresh);
	if (was)
		rcu_retire(&was->rcu, nexthop_free);
	return 0;
}

int
tables_nexthop_add(struct tables *t, const struct nexthop *spec, uint32_t *id)
{
	int rc = -ENOSPC;
	pthread_mutex_lock(&t->lock);
	for (uint32_t i = 1; i < TABLES_MAX_NEXTHOPS && t->n_nexthops < TABLES_MAX_NEXTHOPS - 1;
		i++) {
		uint32_t at = (t->free_nexthop_hint + i) % TABLES_MAX_NEXTHOPS;
		if (!at || t->nexthops[at])
			continue;
		rc = nexthop_replace(t, at, spec);
		if (!rc) {
			t->free_nexthop_hint = at;
			t->n_nexthops++;
			*id = at;
		}
		break;
	}
	pthread_mutex_unlock(&t->lock);
	return rc;
}

int
tables_nexthop_set(struct tables *t, uint32_t id, const struct nexthop *spec)
{
	pthread_mutex_lock(&t->lock);
	int rc = nexthop_replace(t, id, spec);
	pthread_mutex_unlock(&t->lock);
	return rc;
}

void
tables_nexthop_del(struct tables *t, uint32_t id)
{
	pthread_mutex_lock(&t->lock);
	if (t->nexthops[id]) {
		(void)nexthop_replace(t, id, NULL);
		t->n_nexthops--;
		underlay_changed(t);
	}
	pthread_mutex_unlock(&t->lock);
}

int
tables_route_set(struct tables *t, enum tables_which which, const struct prefix *prefix,
	uint32_t nexthop_id)
{
	struct route_table *trie = *tables_trie(t, which, prefix->addr.family);
	pthread_mutex_lock(&t->lock);
	int rc = nexthop_id ? route_set(trie, prefix, nexthop_id) : route_del(trie, prefix);
	if (which != TABLES_FORWARD)
		underlay_changed(t);
	pthread_mutex_unlock(&t->lock);
	return rc;
}

static void
local_set_free(struct rcu_node *node)
{
	free(CONTAINER_OF(node, struct local_set, rcu));
}

/* A quarter full at most, so there is always a free slot to end a search at. */
static struct local_set *
local_set_make(const struct addr *addrs, uint32_t n_addrs)
{
	uint32_t n_slots = 8;
	while (n_slots < n_addrs * 4)
		n_slots *= 2;
	struct local_set *set = calloc(1, sizeof(*set) + n_slots * sizeof(struct addr));
	if (!set)
		return NULL;
	set->mask = n_slots - 1;
	for (uint32_t k = 0; k < n_addrs; k++) {
		struct addr a = addr_from_bytes(addrs[k].family, addrs[k].bytes);
		uint32_t i = local_hash(load_le64(a.bytes), load_le64(a.bytes + 8));
		while (set->slots[i & set->mask].family != ADDR_NONE)
			i++;
		set->slots[i & set->mask] = a;
	}
	return set;
}

int
tables_locals_set(struct tables *t, const struct addr *addrs, uint32_t n_addrs)
{
	struct local_set *fresh = local_set_make(addrs, n_addrs);
	if (!fresh)
		return -ENOMEM;
	pthread_mutex_lock(&t->lock);
	struct local_set *was = t->locals;
	own_locals_changed(t, fresh);
	rcu_publish(t->locals, fresh);
	if (was)
		rcu_retire(&was->rcu, local_set_free);
	underlay_changed(t);
	pthread_mutex_unlock(&t->lock);
	return 0;
}
