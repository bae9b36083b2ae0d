/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which interface a datagram to one of the box's addresses belongs to. Mostly the port alone
 * tells. Where an interface listens on some addresses only, address and port are looked up in a
 * set, which is replaced as a whole.
 */
#include <errno.h>
#include <stdlib.h>

#include "tables/tables.h"

/* What an interface listens on; n 0: its port on any address. */
struct wish {
	uint16_t iface_id;
	uint16_t port;
	const struct addr *addrs;
	unsigned n;
};

static struct wish
wish_of(const struct tables *t, uint16_t iface_id)
{
	const struct iface_entry *e = &t->ifaces[iface_id];
	return (struct wish){.iface_id = iface_id, .port = e->is_live ? e->listen_port : 0,
		.addrs = e->listen ? e->listen->items : NULL, .n = e->listen ? e->listen->n : 0};
}

static bool
has_addr(const struct addr *addrs, unsigned n, const struct addr *a)
{
	for (unsigned i = 0; i < n; i++) {
		if (addr_is_equal(&addrs[i], a))
			return true;
	}
	return false;
}

static bool
clash(const struct wish *a, const struct wish *b)
{
	if (!a->port || a->port != b->port || a->iface_id == b->iface_id)
		return false;
	for (unsigned i = 0; i < a->n; i++) {
		if (has_addr(b->addrs, b->n, &a->addrs[i]))
			return true;
	}
	return !a->n || !b->n;
}

static bool
clashes(const struct tables *t, const struct wish *w)
{
	for (uint16_t i = 0; i < TABLES_MAX_IFACES; i++) {
		struct wish other = wish_of(t, i);
		if (clash(w, &other))
			return true;
	}
	return false;
}

/* ---- The set ---- */

static void
set_free(struct rcu_node *node)
{
	free(CONTAINER_OF(node, struct listen_set, rcu));
}

static void
set_add(struct listen_set *set, const struct wish *w)
{
	for (unsigned k = 0; w->port && k < w->n; k++) {
		const struct addr *a = &w->addrs[k];
		uint32_t i = listen_hash(load_le64(a->bytes), load_le64(a->bytes + 8), w->port);
		while (set->slots[i & set->mask].port)
			i++;
		set->slots[i & set->mask] = (struct listen_slot){.addr = *a, .port = w->port,
			.holder = (uint8_t)(w->iface_id + 1)};
	}
}

/* All that listen on some addresses, w in the place of its interface's. NULL: no memory. */
static struct listen_set *
set_make(const struct tables *t, const struct wish *w)
{
	uint32_t n = w->n, n_slots = 8;
	for (uint16_t i = 0; i < TABLES_MAX_IFACES; i++)
		n += wish_of(t, i).n;
	while (n_slots < n * 4) /* so there is always a free slot to end a search at */
		n_slots *= 2;
	struct listen_set *set = calloc(1, sizeof(*set) + n_slots * sizeof(set->slots[0]));
	if (!set)
		return NULL;
	set->mask = n_slots - 1;
	for (uint16_t i = 0; i < TABLES_MAX_IFACES; i++) {
		struct wish other = wish_of(t, i);
		set_add(set, i == w->iface_id ? w : &other);
	}
	return set;
}

/* ---- One interface ---- */

static void
addrs_free(struct rcu_node *node)
{
	free(CONTAINER_OF(node, struct listen_addrs, rcu));
}

/* *out NULL: any address. */
static int
addrs_make(const struct wish *w, struct listen_addrs **out)
{
	*out = NULL;
	if (!w->n)
		return 0;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->n = (uint8_t)w->n;
	for (unsigned i = 0; i < w->n; i++)
		(*out)->items[i] = addr_from_bytes(w->addrs[i].family, w->addrs[i].bytes);
	return 0;
}

static void
set_holder(struct tables *t, uint16_t port)
{
	uint8_t holder = 0;
	for (uint16_t i = 0; i < TABLES_MAX_IFACES && port; i++) {
		struct wish w = wish_of(t, i);
		if (w.port == port)
			holder = w.n ? TABLES_BY_ADDRESS : (uint8_t)(i + 1);
	}
	if (port)
		__atomic_store_n(&t->iface_by_port[port], holder, __ATOMIC_RELEASE);
}

static int
replace(struct tables *t, const struct wish *w)
{
	struct iface_entry *e = &t->ifaces[w->iface_id];
	struct listen_addrs *addrs, *old_addrs = e->listen;
	struct listen_set *set = set_make(t, w), *old_set = t->listeners;
	uint16_t old_port = e->listen_port;
	if (!set || addrs_make(w, &addrs)) {
		free(set);
		return -ENOMEM;
	}
	rcu_publish(e->listen, addrs);
	rcu_publish(t->listeners, set);
	__atomic_store_n(&e->listen_port, w->port, __ATOMIC_RELAXED);
	set_holder(t, w->port);
	set_holder(t, old_port);
	if (old_addrs)
		rcu_retire(&old_addrs->rcu, addrs_free);
	if (old_set)
		rcu_retire(&old_set->rcu, set_free);
	/* Outer headers carry port and source: have them made anew as they are used. */
	__atomic_fetch_add(&t->underlay_generation, 1, __ATOMIC_RELEASE);
	return 0;
}

int
tables_iface_listen(struct tables *t, uint16_t iface_id, uint16_t port, const struct addr *addrs,
	unsigned n_addrs)
{
	const struct wish w = {iface_id, port, addrs, n_addrs};
	if (n_addrs > TABLES_MAX_LISTEN_ADDRS)
		return -EINVAL;
	pthread_mutex_lock(&t->lock);
	int rc = clashes(t, &w) ? -EADDRINUSE : replace(t, &w);
	pthread_mutex_unlock(&t->lock);
	return rc;
}

int
tables_iface_set_port(struct tables *t, uint16_t iface_id, uint16_t listen_port)
{
	return tables_iface_listen(t, iface_id, listen_port, NULL, 0);
}

void
tables_listen_stop(struct tables *t, uint16_t iface_id)
{
	const struct wish none = {.iface_id = iface_id};
	struct iface_entry *e = &t->ifaces[iface_id];
	uint16_t port = e->listen_port;
	pthread_mutex_lock(&t->lock);
	if (replace(t, &none)) {
		/* No memory: its slots stay until the next change, and lead to nobody. */
		__atomic_store_n(&e->listen_port, 0, __ATOMIC_RELAXED);
		set_holder(t, port);
	}
	pthread_mutex_unlock(&t->lock);
}

void
tables_listen_fini(struct tables *t)
{
	for (uint16_t i = 0; i < TABLES_MAX_IFACES; i++)
		free(t->ifaces[i].listen);
	free(t->listeners);
}

/* ---- Source addresses ---- */

static bool
may_be_source(const struct listen_addrs *l, const struct addr *a)
{
	return !l || has_addr(l->items, l->n, a);
}

bool
tables_choose_source(const struct tables *t, uint16_t iface_id, uint8_t family,
	const struct nexthop *nh, struct addr *local)
{
	const struct listen_addrs *l = rcu_read(t->ifaces[iface_id].listen);
	bool is_kept = local->family == family && may_be_source(l, local) &&
		tables_is_local(t, family, local->bytes);
	if (is_kept)
		return true;
	*local = (struct addr){0};
	if (nh && nh->source.family == family && may_be_source(l, &nh->source))
		*local = nh->source;
	for (unsigned i = 0; l && i < l->n && local->family == ADDR_NONE; i++) {
		if (l->items[i].family == family &&
			tables_is_local(t, family, l->items[i].bytes))
			*local = l->items[i];
	}
	return local->family != ADDR_NONE;
}
