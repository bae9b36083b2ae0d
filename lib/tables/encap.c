/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Outer headers. All that is the same in each packet to a peer stands ready: addresses, ports,
 * TTL 64, no fragmentation flag, as the kernel's WireGuard sends. The path fills in length,
 * identification, traffic class (ECN) and the checksum, whose constant part is summed up here.
 */
#include <errno.h>
#include <stdlib.h>

#include "tables/tables.h"

enum { OUTER_TTL = 64, PROTO_UDP = 17 };

static uint32_t
sum_be16(const uint8_t *p, unsigned n_bytes)
{
	uint32_t sum = 0;
	for (unsigned i = 0; i < n_bytes; i += 2)
		sum += load_le16(p + i);
	return sum;
}

static void
fill_v4(struct encap *e)
{
	uint8_t *ip = e->header;
	ip[0] = 0x45;
	ip[8] = OUTER_TTL;
	ip[9] = PROTO_UDP;
	memcpy(ip + 12, e->local.bytes, 4);
	memcpy(ip + 16, e->remote.addr.bytes, 4);
	e->header_bytes = 28;
	e->checksum = sum_be16(ip, 20);
}

/* The pseudo header's constant part: both addresses, both ports (of the UDP header) and the
 * protocol. */
static void
fill_v6(struct encap *e)
{
	uint8_t *ip = e->header;
	ip[0] = 0x60;
	ip[6] = PROTO_UDP;
	ip[7] = OUTER_TTL;
	memcpy(ip + 8, e->local.bytes, 16);
	memcpy(ip + 24, e->remote.addr.bytes, 16);
	e->header_bytes = 48;
	e->checksum = sum_be16(ip + 8, 32) + sum_be16(ip + 40, 4) + __builtin_bswap16(PROTO_UDP);
}

void
encap_template(struct encap *e, uint16_t listen_port)
{
	e->family = e->remote.addr.family;
	memset(e->header, 0, sizeof(e->header));
	unsigned udp = e->family == ADDR_V4 ? 20 : 40;
	store_be16(e->header + udp, listen_port);
	store_be16(e->header + udp + 2, e->remote.port);
	if (e->family == ADDR_V4)
		fill_v4(e);
	else
		fill_v6(e);
}

/*
 * Whether the way to the same peer leaves by another link than when was was made. A source that
 * was right there may be filtered here (RFC 2827): the new route's is, as with the kernel's.
 */
static bool
has_moved(const struct encap *was, const struct encap *e)
{
	return was && was->link_id != LINK_NONE && was->link_id != e->link_id &&
		endpoint_is_equal(&was->remote, &e->remote) &&
		addr_is_equal(&was->local, &e->local);
}

/*
 * Looks the interface's underlay up for where e->remote is reached and from which address.
 * e->local stays if it is one of the box's own, else the route's is taken. was, or NULL, is what
 * e will replace. Reader or writer.
 */
static void
resolve(struct tables *t, uint16_t iface_id, const struct encap *was, struct encap *e)
{
	uint8_t family = e->remote.addr.family;
	e->generation = __atomic_load_n(&t->underlay_generation, __ATOMIC_ACQUIRE);
	e->nexthop_id = route_lookup(tables_underlay(t, iface_id, family), e->remote.addr.bytes);
	const struct nexthop *nh = e->nexthop_id ? tables_nexthop(t, e->nexthop_id) : NULL;
	if (nh && nh->type == NEXTHOP_GROUP && nh->n_members)
		nh = tables_nexthop(t, nh->members[0]);
	e->link_id = nh ? nh->link_id : LINK_NONE;
	if (nh && nh->source.family == family && has_moved(was, e))
		e->local = (struct addr){0};
	bool has_source = tables_choose_source(t, iface_id, family, nh, &e->local);
	e->has_route = nh && has_source;
}

static void
encap_free(struct rcu_node *node)
{
	free(CONTAINER_OF(node, struct encap, rcu));
}

struct encap *
tables_encap_alloc(void)
{
	size_t n_bytes = (sizeof(struct encap) + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES *
			 CACHE_LINE_BYTES;
	struct encap *e = aligned_alloc(CACHE_LINE_BYTES, n_bytes);
	if (e)
		memset(e, 0, n_bytes);
	return e;
}

void
tables_encap_retire(struct tables *t, struct encap *e)
{
	/* Writers that read it are no RCU readers; one that still does holds the lock. */
	pthread_mutex_lock(&t->lock);
	pthread_mutex_unlock(&t->lock);
	rcu_retire(&e->rcu, encap_free);
}

static void
fill(struct tables *t, const struct peer_entry *p, const struct encap *was, struct encap *e)
{
	resolve(t, p->iface_id, was, e);
	encap_template(e,
		__atomic_load_n(&t->ifaces[p->iface_id].listen_port, __ATOMIC_RELAXED));
}

/* After e was published. Of two writers at once the mark may be the other's: one roam too many. */
static void
mark_path(struct peer_entry *p, const struct encap *e)
{
	const uint8_t *port = e->header + (e->family == ADDR_V4 ? 22 : 42);
	__atomic_store_n(&p->path_mark,
		path_mark(e->family, e->remote.addr.bytes, port, e->local.bytes), __ATOMIC_RELAXED);
}

bool
tables_encap_replace(struct tables *t, struct peer_entry *p, struct encap *was,
	struct encap *spare)
{
	fill(t, p, was, spare);
	if (!__atomic_compare_exchange_n(&p->encap, &was, spare, false, __ATOMIC_ACQ_REL,
		    __ATOMIC_RELAXED))
		return false;
	mark_path(p, spare);
	return true;
}

/* A header for there, still to be filled. NULL: no memory. */
static struct encap *
encap_towards(const struct endpoint *remote, const struct addr *local)
{
	struct encap *e = tables_encap_alloc();
	if (!e)
		return NULL;
	e->remote = *remote;
	if (local)
		e->local = *local;
	return e;
}

/* Under the lock. Returns what is to be retired, or NULL. */
static struct encap *
exchange(struct tables *t, struct peer_entry *p, struct encap *e)
{
	fill(t, p, NULL, e);
	struct encap *was = __atomic_exchange_n(&p->encap, e, __ATOMIC_ACQ_REL);
	mark_path(p, e);
	return was;
}

int
tables_encap_set(struct tables *t, uint32_t peer_id, const struct endpoint *remote,
	const struct addr *local)
{
	struct encap *e = encap_towards(remote, local);
	if (!e)
		return -ENOMEM;
	pthread_mutex_lock(&t->lock);
	struct encap *was = exchange(t, tables_peer(t, peer_id), e);
	pthread_mutex_unlock(&t->lock);
	if (was)
		tables_encap_retire(t, was);
	return 0;
}

/* Seen under the lock, or a path that is pinned meanwhile would be replaced, and stay so. */
int
tables_encap_roam(struct tables *t, uint32_t peer_id, const struct endpoint *remote,
	const struct addr *local)
{
	struct encap *e = encap_towards(remote, local), *was = NULL;
	if (!e)
		return -ENOMEM;
	pthread_mutex_lock(&t->lock);
	struct peer_entry *p = tables_peer(t, peer_id);
	bool is_pinned = __atomic_load_n(&p->is_pinned, __ATOMIC_RELAXED);
	if (!is_pinned)
		was = exchange(t, p, e);
	pthread_mutex_unlock(&t->lock);
	if (is_pinned)
		free(e);
	else if (was)
		tables_encap_retire(t, was);
	return is_pinned ? -EBUSY : 0;
}

/* The flag first: a worker that does not see it yet fails to replace the header set after it. */
int
tables_encap_pin(struct tables *t, uint32_t peer_id, const struct endpoint *remote,
	const struct addr *local)
{
	__atomic_store_n(&tables_peer(t, peer_id)->is_pinned, true, __ATOMIC_RELAXED);
	return tables_encap_set(t, peer_id, remote, local);
}

void
tables_encap_unpin(struct tables *t, uint32_t peer_id)
{
	__atomic_store_n(&tables_peer(t, peer_id)->is_pinned, false, __ATOMIC_RELAXED);
}

int
tables_encap_refresh(struct tables *t, uint32_t peer_id, bool keeps_source)
{
	struct encap *e = tables_encap_alloc();
	if (!e)
		return -ENOMEM;
	/* A worker may put another in its place, but what stood there is freed under this lock. */
	pthread_mutex_lock(&t->lock);
	struct peer_entry *p = tables_peer(t, peer_id);
	struct encap *was = rcu_read(p->encap);
	bool is_mine = false;
	if (was) {
		e->remote = was->remote;
		if (keeps_source)
			e->local = was->local;
		is_mine = tables_encap_replace(t, p, was, e);
	}
	pthread_mutex_unlock(&t->lock);
	if (is_mine)
		tables_encap_retire(t, was);
	else
		free(e);
	return was ? 0 : -ENOENT;
}

bool
tables_encap_get(struct tables *t, uint32_t peer_id, struct endpoint *remote, struct addr *local)
{
	/* A worker may replace it meanwhile, but tables_encap_retire waits for this lock. */
	pthread_mutex_lock(&t->lock);
	const struct encap *e = rcu_read(tables_peer(t, peer_id)->encap);
	if (e) {
		*remote = e->remote;
		*local = e->local;
	}
	pthread_mutex_unlock(&t->lock);
	return e != NULL;
}
