/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports that are a VLAN of another one. Workers see a struct port as for any other, only that it
 * has no queue to poll: the parent's table of VLANs leads frames to it, and what it sends is put
 * into the parent's batch with a tag.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/port.h"

enum { VLAN_TAG_BYTES = 4 };

static bool
completes_checksums(const struct port *parent, enum port_checksum wanted)
{
	return wanted == PORT_CHECKSUM_COMPLETE ||
	       (wanted == PORT_CHECKSUM_AUTO && parent->profile.is_virtual);
}

int
port_open_vlan(const struct port *parent, const struct port_config *config, uint16_t vlan_id,
	struct port **out, struct err *err)
{
	if (config->mtu > parent->mtu)
		return err_set(err, -EINVAL,
			"port %s: MTU %u is more than the %u of port %s, whose VLAN it is",
			config->name, config->mtu, parent->mtu, parent->name);
	/* What a virtual device carries is bounded in bytes of the frame, tag included. */
	uint32_t mtu = config->mtu ? config->mtu : parent->mtu;
	if (parent->profile.is_virtual && mtu + VLAN_TAG_BYTES > parent->max_mtu)
		return err_set(err, -EINVAL,
			"port %s: MTU %u and a tag of 4 bytes are more than the %u that port %s "
			"can carry: set MTU = %u",
			config->name, mtu, parent->max_mtu, parent->name,
			parent->max_mtu - VLAN_TAG_BYTES);
	struct port *port = calloc(1, sizeof(*port));
	if (!port)
		return err_set(err, -ENOMEM, "port %s: no memory", config->name);
	snprintf(port->name, sizeof(port->name), "%s", config->name);
	snprintf(port->device, sizeof(port->device), "%s", config->device);
	snprintf(port->driver, sizeof(port->driver), "vlan");
	port->dpdk_id = parent->dpdk_id;
	port->link_id = config->link_id;
	port->mtu = (uint16_t)mtu;
	port->n_tx_queues = parent->n_tx_queues;
	port->mac = parent->mac;
	port->is_up = __atomic_load_n(&parent->is_up, __ATOMIC_RELAXED);
	port->completes_checksums = completes_checksums(parent, config->checksum);
	port->profile = parent->profile;
	port->vlan_id = vlan_id;
	port->parent = parent->link_id;
	*out = port;
	return 0;
}

int
port_vlan_begin(struct port *parent, const struct port *vlan, struct err *err)
{
	uint8_t *links = parent->vlan_links;
	if (!links) {
		links = calloc(PORT_VLANS, sizeof(*links));
		if (!links)
			return err_set(err, -ENOMEM, "port %s: no memory", vlan->name);
		rcu_publish(parent->vlan_links, links);
	}
	__atomic_store_n(&links[vlan->vlan_id], (uint8_t)(vlan->link_id + 1), __ATOMIC_RELEASE);
	return 0;
}
