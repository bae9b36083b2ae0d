/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of the tables; interfaces, peers and their allowed-ips. */
#include "tables/tables.h"

#include <errno.h>
#include <stdlib.h>

#include "filter/filter.h"
#include "nat/nat.h"
#include "tables/own.h"

static bool
make_tries(struct tables *t)
{
	static const uint8_t families[2] = {ADDR_V4, ADDR_V6};
	for (unsigned which = 0; which < TABLES_WHICH_COUNT; which++) {
		for (unsigned i = 0; i < 2; i++) {
			struct route_table **trie = tables_trie(t, which, families[i]);
			*trie = route_create(families[i]);
			if (!*trie)
				return false;
		}
	}
	return true;
}

static void
destroy_tries(struct route_table *tries[2])
{
	for (unsigned i = 0; i < 2; i++) {
		if (tries[i])
			route_destroy(tries[i]);
		tries[i] = NULL;
	}
}

struct tables *
tables_create(uint32_t max_peers, const struct protocol_times *times, struct err *err)
{
	size_t n_bytes = (sizeof(struct tables) + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES *
			 CACHE_LINE_BYTES;
	struct tables *t = aligned_alloc(CACHE_LINE_BYTES, n_bytes);
	if (!t) {
		err_set(err, -ENOMEM, "no memory for the tables");
		return NULL;
	}
	memset(t, 0, sizeof(*t));
	pthread_mutex_init(&t->lock, NULL);
	t->times = times;
	uint64_t max_sessions = (uint64_t)max_peers * 4;
	if (max_sessions > (1u << TABLES_SLOT_BITS) - 2)
		max_sessions = (1u << TABLES_SLOT_BITS) - 2;
	t->nexthops = calloc(TABLES_MAX_NEXTHOPS, sizeof(struct nexthop *));
	if (!t->nexthops || !make_tries(t) ||
		arena_init(&t->peers, sizeof(struct peer_entry), max_peers, err) ||
		arena_init(
			&t->sessions, sizeof(struct session_slot), (uint32_t)max_sessions, err) ||
		tables_locals_set(t, NULL, 0)) {
		err_prefix(err, -ENOMEM, "cannot make the tables");
		tables_destroy(t);
		return NULL;
	}
	return t;
}

void
tables_destroy(struct tables *t)
{
	rcu_wait_retired();
	for (uint32_t id = 1; t->sessions.base && id < t->sessions.next_fresh; id++)
		session_wipe(&((struct session_slot *)arena_at(&t->sessions, id))->session);
	for (uint32_t id = 1; t->peers.base && id < t->peers.next_fresh; id++)
		free(tables_peer(t, id)->encap);
	for (unsigned i = 0; i < TABLES_MAX_IFACES; i++)
		destroy_tries(t->ifaces[i].allowed);
	destroy_tries(t->forward);
	for (unsigned i = 0; i < TABLES_MAX_UNDERLAYS; i++)
		destroy_tries(t->underlay[i]);
	for (uint32_t id = 0; t->nexthops && id < TABLES_MAX_NEXTHOPS; id++)
		free(t->nexthops[id]);
	free(t->nexthops);
	free(t->locals);
	if (t->filter)
		t->filter->owns_flows = true;
	filter_destroy(t->filter);
	if (t->nat)
		t->nat->owns_flows = true;
	nat_destroy(t->nat);
	tables_listen_fini(t);
	arena_fini(&t->peers);
	arena_fini(&t->sessions);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

int
tables_iface_add(struct tables *t, uint16_t mtu, uint16_t *iface_id)
{
	int rc = -ENOSPC;
	pthread_mutex_lock(&t->lock);
	for (uint16_t i = 0; i < TABLES_MAX_IFACES; i++) {
		struct iface_entry *e = &t->ifaces[i];
		if (e->is_live)
			continue;
		/* Tries of an interface that was removed are kept for the next one: they are empty.
		 */
		if (!e->allowed[0])
			e->allowed[0] = route_create(ADDR_V4);
		if (!e->allowed[1])
			e->allowed[1] = route_create(ADDR_V6);
		rc = e->allowed[0] && e->allowed[1] ? 0 : -ENOMEM;
		if (!rc) {
			__atomic_store_n(&e->mtu, mtu, __ATOMIC_RELAXED);
			__atomic_store_n(&e->clamps_mss, true, __ATOMIC_RELAXED);
			__atomic_store_n(&e->underlay_idx, 0, __ATOMIC_RELAXED);
			__atomic_store_n(&e->is_node, false, __ATOMIC_RELAXED);
			__atomic_store_n(&e->is_live, true, __ATOMIC_RELEASE);
			*iface_id = i;
		}
		break;
	}
	pthread_mutex_unlock(&t->lock);
	return rc;
}

void
tables_iface_remove(struct tables *t, uint16_t iface_id)
{
	tables_listen_stop(t, iface_id);
	pthread_mutex_lock(&t->lock);
	__atomic_store_n(&t->ifaces[iface_id].is_live, false, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&t->lock);
}

void
tables_iface_set_mtu(struct tables *t, uint16_t iface_id, uint16_t mtu)
{
	__atomic_store_n(&t->ifaces[iface_id].mtu, mtu, __ATOMIC_RELAXED);
}

void
tables_iface_set_clamp(struct tables *t, uint16_t iface_id, bool clamps_mss)
{
	__atomic_store_n(&t->ifaces[iface_id].clamps_mss, clamps_mss, __ATOMIC_RELAXED);
}

void
tables_iface_set_node(struct tables *t, uint16_t iface_id, bool is_node)
{
	__atomic_store_n(&t->ifaces[iface_id].is_node, is_node, __ATOMIC_RELAXED);
}

void
tables_iface_set_underlay(struct tables *t, uint16_t iface_id, uint8_t underlay_idx)
{
	struct iface_entry *e = &t->ifaces[iface_id];
	pthread_mutex_lock(&t->lock);
	if (e->underlay_idx != underlay_idx) {
		__atomic_store_n(&e->underlay_idx, underlay_idx, __ATOMIC_RELAXED);
		__atomic_fetch_add(&t->underlay_generation, 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&t->lock);
}

int
tables_peer_add(struct tables *t, uint16_t iface_id, uint32_t *peer_id)
{
	pthread_mutex_lock(&t->lock);
	uint32_t id = arena_get(&t->peers);
	if (id) {
		struct peer_entry *p = tables_peer(t, id);
		p->tables = t;
		p->iface_id = iface_id;
		p->generation = ++t->next_generation;
		__atomic_store_n(&p->path_mtu, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&p->inner_mtu, UINT16_MAX, __ATOMIC_RELAXED);
		__atomic_store_n(&p->is_pinned, false, __ATOMIC_RELAXED);
		__atomic_store_n(&p->is_live, true, __ATOMIC_RELEASE);
		*peer_id = id;
	}
	pthread_mutex_unlock(&t->lock);
	return id ? 0 : -ENOSPC;
}

static void
encap_free(struct rcu_node *node)
{
	free(CONTAINER_OF(node, struct encap, rcu));
}

static void
peer_free(struct rcu_node *node)
{
	struct peer_entry *p = CONTAINER_OF(node, struct peer_entry, rcu);
	struct tables *t = p->tables;
	pthread_mutex_lock(&t->lock);
	uint32_t id = (uint32_t)(((uint8_t *)p - t->peers.base) / t->peers.stride_bytes);
	arena_put(&t->peers, id);
	pthread_mutex_unlock(&t->lock);
}

void
tables_peer_remove(struct tables *t, uint32_t peer_id)
{
	tables_index_release(t, peer_id);
	tables_sessions_wipe(t, peer_id);
	pthread_mutex_lock(&t->lock);
	struct peer_entry *p = tables_peer(t, peer_id);
	struct encap *encap = __atomic_exchange_n(&p->encap, NULL, __ATOMIC_ACQ_REL);
	__atomic_store_n(&p->path_mark, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&p->is_live, false, __ATOMIC_RELEASE);
	if (encap)
		rcu_retire(&encap->rcu, encap_free);
	rcu_retire(&p->rcu, peer_free);
	pthread_mutex_unlock(&t->lock);
}

int
tables_allowed_set(struct tables *t, uint16_t iface_id, const struct prefix *prefix,
	uint32_t peer_id)
{
	pthread_mutex_lock(&t->lock);
	struct route_table *trie = t->ifaces[iface_id].allowed[family_index(prefix->addr.family)];
	own_prefix_comes(t, &t->ifaces[iface_id], prefix);
	int rc = route_set(trie, prefix, peer_id);
	pthread_mutex_unlock(&t->lock);
	return rc;
}

int
tables_allowed_del(struct tables *t, uint16_t iface_id, const struct prefix *prefix,
	uint32_t peer_id)
{
	pthread_mutex_lock(&t->lock);
	struct route_table *trie = t->ifaces[iface_id].allowed[family_index(prefix->addr.family)];
	int rc = route_get(trie, prefix) == peer_id ? route_del(trie, prefix) : -ENOENT;
	pthread_mutex_unlock(&t->lock);
	return rc;
}
