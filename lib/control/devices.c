/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/devices.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

void
devices_fini(struct devices *d)
{
	free(d->addrs);
	d->addrs = NULL;
	d->n_addrs = 0;
}

/* ---- Ours ---- */

struct device *
device_find(const struct devices *d, uint32_t ifindex)
{
	for (unsigned i = 0; i < d->n; i++) {
		if (d->items[i].ifindex == ifindex)
			return (struct device *)&d->items[i];
	}
	return NULL;
}

struct device *
device_of_link(const struct devices *d, uint16_t link_id)
{
	for (unsigned i = 0; i < d->n; i++) {
		if (d->items[i].link_id == link_id)
			return (struct device *)&d->items[i];
	}
	return NULL;
}

static bool
is_same(const struct device *a, const struct device *b)
{
	return a->role == b->role && a->ifindex == b->ifindex && a->iface_id == b->iface_id &&
		a->mtu == b->mtu && a->fwmark == b->fwmark &&
		memcmp(&a->mac, &b->mac, sizeof(a->mac)) == 0;
}

int
device_add(struct devices *d, const struct device *device)
{
	struct device *at = device_of_link(d, device->link_id);
	if (!at && d->n == ARRAY_COUNT(d->items))
		return -ENOSPC;
	if (at && is_same(at, device))
		return 1;
	if (!at)
		at = &d->items[d->n++];
	*at = *device;
	return 0;
}

bool
device_remove(struct devices *d, uint32_t ifindex)
{
	struct device *at = device_find(d, ifindex);
	if (!at)
		return false;
	d->n--;
	memmove(at, at + 1, (size_t)(&d->items[d->n] - at) * sizeof(*at));
	return true;
}

/* ---- Addresses ---- */

static struct net_addr *
addr_slot(const struct devices *d, const struct net_addr *a)
{
	for (unsigned i = 0; i < d->n_addrs; i++) {
		struct net_addr *at = &d->addrs[i];
		if (at->ifindex == a->ifindex && prefix_is_equal(&at->prefix, &a->prefix) &&
			addr_is_equal(&at->peer, &a->peer))
			return at;
	}
	return NULL;
}

int
devices_addr_add(struct devices *d, const struct net_addr *a)
{
	struct net_addr *at = addr_slot(d, a);
	if (!at) {
		struct net_addr *addrs = realloc(d->addrs, (d->n_addrs + 1) * sizeof(*addrs));
		if (!addrs)
			return -ENOMEM;
		d->addrs = addrs;
		at = &addrs[d->n_addrs++];
	}
	*at = *a;
	return 0;
}

void
devices_addr_remove(struct devices *d, const struct net_addr *a)
{
	struct net_addr *at = addr_slot(d, a);
	if (!at)
		return;
	d->n_addrs--;
	memmove(at, at + 1, (size_t)(&d->addrs[d->n_addrs] - at) * sizeof(*at));
}

int
devices_publish_locals(const struct devices *d, struct tables *tables)
{
	struct addr *own = calloc(d->n_addrs + 1, sizeof(*own));
	if (!own)
		return -ENOMEM;
	uint32_t n = 0;
	for (unsigned i = 0; i < d->n_addrs; i++) {
		if (!(d->addrs[i].flags & IFA_F_DADFAILED))
			own[n++] = d->addrs[i].prefix.addr;
	}
	int rc = tables_locals_set(tables, own, n);
	free(own);
	return rc;
}

/* How well an address serves as source for packets over that device to via; 0: not at all. */
static unsigned
fitness(const struct net_addr *a, const struct hop_spec *spec)
{
	if (a->prefix.addr.family != spec->family || a->flags & (IFA_F_DADFAILED | IFA_F_TENTATIVE))
		return 0;
	if (a->scope == RT_SCOPE_HOST || a->scope == RT_SCOPE_LINK)
		return 0;
	unsigned fit = a->flags & (IFA_F_DEPRECATED | IFA_F_TEMPORARY) ? 1 : 2;
	if (a->ifindex != spec->ifindex)
		return fit;
	return prefix_has(&a->prefix, &spec->via) ? fit + 4 : fit + 2;
}

/* The first of the fittest: a global one of the box rather than none, as the kernel does it. */
static struct addr
source_of(const struct devices *d, const struct hop_spec *spec)
{
	unsigned best = 0;
	struct addr source = {0};
	if (spec->source.family)
		return spec->source;
	for (unsigned i = 0; i < d->n_addrs; i++) {
		unsigned fit = fitness(&d->addrs[i], spec);
		if (fit > best) {
			best = fit;
			source = d->addrs[i].prefix.addr;
		}
	}
	return source;
}

void
devices_fill(void *ctx, const struct hop_spec *spec, struct nexthop *out)
{
	const struct devices *d = ctx;
	if (!spec->ifindex)
		return;
	const struct device *device = device_find(d, spec->ifindex);
	if (!device) {
		out->type = NEXTHOP_KERNEL; /* it has just gone; its routes follow */
		return;
	}
	out->link_id = device->link_id;
	out->iface_id = device->iface_id;
	out->mtu = device->mtu;
	if (spec->mtu && spec->mtu < device->mtu)
		out->mtu = (uint16_t)spec->mtu;
	out->source = source_of(d, spec);
	if (out->type == NEXTHOP_LINK)
		memcpy(out->ethernet + 6, device->mac.bytes, 6);
}
