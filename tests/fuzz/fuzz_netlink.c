/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Netlink datagrams that no kernel would send. The input is cut at the lengths that its first
 * bytes give and fed to a mirror; whatever it says, the objects told to the observer are sane,
 * and those that came less those that went are those that the mirror holds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "host/mirror.h"

enum { MAX_DATAGRAM_BYTES = 4096 };

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static void
count(void *ctx, enum net_kind kind, const void *old, const void *now)
{
	int64_t *held = ctx;
	require(old || now);
	held[kind] += (now != NULL) - (old != NULL);
}

static void
is_text(const char *text, size_t cap_bytes)
{
	require(memchr(text, 0, cap_bytes) != NULL);
}

static void
is_prefix(const struct prefix *p)
{
	require(p->addr.family == ADDR_V4 || p->addr.family == ADDR_V6);
	require(p->len <= addr_bits(p->addr.family));
}

static void
on_link(void *ctx, const struct net_link *old, const struct net_link *now)
{
	count(ctx, NET_LINK, old, now);
	if (now) {
		is_text(now->name, sizeof(now->name));
		is_text(now->kind, sizeof(now->kind));
	}
}

static void
on_addr(void *ctx, const struct net_addr *old, const struct net_addr *now)
{
	count(ctx, NET_ADDR, old, now);
	if (now)
		is_prefix(&now->prefix);
}

static void
on_rule(void *ctx, const struct net_rule *old, const struct net_rule *now)
{
	count(ctx, NET_RULE, old, now);
	if (now) {
		is_prefix(&now->src);
		is_prefix(&now->dst);
		is_text(now->iif, sizeof(now->iif));
		is_text(now->oif, sizeof(now->oif));
	}
}

static void
on_route(void *ctx, const struct net_route *old, const struct net_route *now)
{
	count(ctx, NET_ROUTE, old, now);
	if (now) {
		is_prefix(&now->dst);
		require(now->n_hops <= NET_MAX_HOPS);
		for (unsigned i = 0; i < now->n_hops; i++)
			require(now->hops[i].weight > 0);
	}
}

static void
on_neigh(void *ctx, const struct net_neigh *old, const struct net_neigh *now)
{
	count(ctx, NET_NEIGH, old, now);
	require(!now || now->ifindex);
}

/* A copy that ends where the datagram ends, so that ASan sees each byte read too far. */
static void
feed(struct mirror *m, const uint8_t *data, size_t n_bytes)
{
	uint8_t *exact = malloc(n_bytes ? n_bytes : 1);
	require(exact != NULL);
	memcpy(exact, data, n_bytes);
	mirror_parse(m, exact, n_bytes);
	free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	int64_t held[NET_N_KINDS] = {0};
	struct mirror_observer o = {held, on_link, on_addr, on_rule, on_route, on_neigh, NULL};
	struct mirror *m = mirror_create_detached(&o);
	struct cursor c = cursor_of(data, n_bytes);
	require(m != NULL);
	while (cursor_left(&c) > 2) {
		size_t n = load_le16(cursor_take(&c, 2)) % MAX_DATAGRAM_BYTES;
		n = MIN_OF(n, cursor_left(&c));
		feed(m, cursor_take(&c, n), n);
	}
	for (unsigned k = 0; k < NET_N_KINDS; k++)
		require(held[k] == (int64_t)mirror_count(m, (enum net_kind)k));
	mirror_destroy(m);
	return 0;
}
