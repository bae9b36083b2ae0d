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

/* The pseudo header's constant part: both addresses, both ports (of the UDP header) and the protocol. */
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
 * Looks the underlay up for where remote is reached and from which address. Lock held: no other
 * writer changes what is read here.
 */
static void
resolve(struct tables *t, struct encap *e, const struct addr *local)
{
	unsigned family = family_index(e->family);
	e->generation = __atomic_load_n(&t->underlay_generation, __ATOMIC_ACQUIRE);
	e->nexthop_id = route_lookup(t->underlay[family], e->remote.addr.bytes);
	const struct nexthop *nh = e->nexthop_id ? t->nexthops[e->nexthop_id] : NULL;
	if (nh && nh->type == NEXTHOP_GROUP && nh->n_members)
		nh = t->nexthops[nh->members[0]];
	if (local && local->family == e->family && tables_is_local(t, e->family, local->bytes))
		e->local = *local;
	else if (nh && nh->source.family == e->family)
		e->local = nh->source;
	e->has_route = nh && e->local.family != ADDR_NONE;
}

static void
encap_free(struct rcu_node *node)
{
	free(CONTAINER_OF(node, struct encap, rcu));
}

int
tables_encap_set(struct tables *t, uint32_t peer_id, const struct endpoint *remote,
	const struct addr *local)
{
	struct encap *e = aligned_alloc(CACHE_LINE_BYTES,
		(sizeof(*e) + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES);
	if (!e)
		return -ENOMEM;
	memset(e, 0, sizeof(*e));
	e->remote = *remote;
	e->family = remote->addr.family;

	pthread_mutex_lock(&t->lock);
	struct peer_entry *p = tables_peer(t, peer_id);
	resolve(t, e, local);
	encap_template(e, t->ifaces[p->iface_id].listen_port);
	struct encap *was = p->encap;
	rcu_publish(p->encap, e);
	if (was)
		rcu_retire(&was->rcu, encap_free);
	pthread_mutex_unlock(&t->lock);
	return 0;
}

bool
tables_encap_get(struct tables *t, uint32_t peer_id, struct endpoint *remote, struct addr *local)
{
	pthread_mutex_lock(&t->lock);
	const struct encap *e = tables_peer(t, peer_id)->encap;
	if (e) {
		*remote = e->remote;
		*local = e->local;
	}
	pthread_mutex_unlock(&t->lock);
	return e != NULL;
}
