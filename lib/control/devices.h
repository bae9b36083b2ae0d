/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's devices as far as routes lead over them: which of them are ours (a port's twin, a
 * tunnel), and all addresses of the box. From these a next hop gets its link, MTU and source.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/hops.h"
#include "host/state.h"
#include "tables/tables.h"

enum device_role {
	DEVICE_PORT,
	DEVICE_TUNNEL,
};

struct device {
	enum device_role role;
	uint32_t ifindex;
	uint16_t link_id;
	uint16_t iface_id;    /* tunnel */
	uint16_t mtu;         /* IP bytes */
	uint32_t fwmark;      /* tunnel: of its outer packets */
	struct mac mac;       /* port */
};

struct devices {
	struct device items[LINK_COUNT]; /* in the order in which they came */
	unsigned n;
	struct net_addr *addrs;
	unsigned n_addrs;
};

void devices_fini(struct devices *d);

/* NULL: the device is none of ours. */
struct device *device_find(const struct devices *d, uint32_t ifindex);
struct device *device_of_link(const struct devices *d, uint16_t link_id);
/* Adds a copy, in place of one of the same link. 1: it was there just so; 0; or -ENOSPC. */
int device_add(struct devices *d, const struct device *device);
/* False: there was none. */
bool device_remove(struct devices *d, uint32_t ifindex);

/* An address comes (replacing the same one) or goes. add: 0 or -ENOMEM. */
int devices_addr_add(struct devices *d, const struct net_addr *a);
void devices_addr_remove(struct devices *d, const struct net_addr *a);
/* Publishes all addresses as the box's own. 0 or -ENOMEM. */
int devices_publish_locals(const struct devices *d, struct tables *tables);

/* For struct hops: what the device decides of a next hop. ctx is the struct devices. */
void devices_fill(void *ctx, const struct hop_spec *spec, struct nexthop *out);
