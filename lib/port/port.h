/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port: one DPDK ethdev, set up for the path. Driver facts (queues, descriptors, offloads)
 * come from the profile of its driver in drivers-config/. All functions belong to main and the
 * control side; workers read the struct and poll its queues.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/rcu.h"
#include "port/profile.h"

struct rte_mempool;

enum { PORT_NAME_BYTES = 13, PORT_DEVICE_BYTES = 256 };

enum port_checksum {
	PORT_CHECKSUM_AUTO,     /* complete partial checksums when the driver is a virtual one */
	PORT_CHECKSUM_COMPLETE,
	PORT_CHECKSUM_TRUST,
};

struct port_config {
	const char *name;       /* as in [Port NAME] */
	const char *device;     /* PCI address or vdev string */
	uint16_t link_id;
	uint16_t mtu;           /* 0: the device's own */
	uint16_t n_workers;     /* one RX and one TX queue each is wanted */
	enum port_checksum checksum;
	struct rte_mempool *pool;
	const struct profiles *profiles;
};

struct port {
	char name[PORT_NAME_BYTES];
	char device[PORT_DEVICE_BYTES];
	char driver[32];
	char netdev[IF_NAMESIZE]; /* the kernel's device under it, or "" */
	uint16_t dpdk_id;
	uint16_t link_id;
	uint16_t mtu;
	uint16_t max_mtu;         /* what it could carry */
	uint16_t n_rx_queues;     /* queue i belongs to worker i % n_workers */
	uint16_t n_tx_queues;     /* workers at and past it hand over to worker 0 */
	struct mac mac;
	bool is_up;               /* carrier; relaxed */
	bool completes_checksums;
	bool has_rss;
	uint16_t vlan_id;         /* a VLAN of the port `parent`; 0: a device of its own */
	uint16_t parent;          /* link id, with vlan_id */
	uint8_t *vlan_links;      /* rcu_read; by VLAN id: link id + 1, 0 none; NULL: no VLAN */
	struct port_profile profile; /* of its driver, a copy */
};

/* The MTU of a kernel netdev; 0: there is none of that name (""), or it does not say. */
uint32_t port_netdev_mtu(const char *netdev);

/* How large a packet buffer such a device asks for; mtu 0: as the kernel's netdev has it. */
uint32_t port_buffer_bytes(const char *device, uint32_t mtu);

/* The kernel's netdev under a device: what follows iface=, or the one that a NIC at a PCI address
 * still has (mlx5); else "". */
void port_device_netdev(const char *device, char out[IF_NAMESIZE]);
/* Whether the device string is a PCI address (domain optional). */
bool port_device_is_pci(const char *device);

/*
 * Probes, configures and starts the device. 0, -ENODEV when the device is not there (it may come
 * later), or another negative errno with what to do.
 */
int port_open(const struct port_config *config, struct port **out, struct err *err);
/*
 * Makes the port that is VLAN vlan_id of an open one: it has no queues, its frames come and go by
 * its parent's. Of the config, name, device, link_id, mtu (0: the parent's) and checksum count. The
 * parent does not pass frames to it before port_vlan_begin. 0, or a negative errno with a sentence.
 */
int port_open_vlan(const struct port *parent, const struct port_config *config, uint16_t vlan_id,
	struct port **out, struct err *err);
/* From now on the parent's workers take tagged frames for vlan's; that one is published already. */
int port_vlan_begin(struct port *parent, const struct port *vlan, struct err *err);

enum { PORT_VLANS = 4096 };

/* The link of the port's VLAN with that id (below PORT_VLANS), or -1. Workers. */
static inline int
port_vlan_link(const struct port *port, uint16_t vlan_id)
{
	const uint8_t *links = rcu_read(port->vlan_links);
	return links ? __atomic_load_n(&links[vlan_id], __ATOMIC_ACQUIRE) - 1 : -1;
}

/* Stops and removes it; no worker polls it any more. A port is closed before its parent. */
void port_close(struct port *port);

/* What the device says of its link now; one that does not know counts as up. Control side. */
bool port_link_is_up(const struct port *port);

/* Has the libraries under the AF_XDP driver log through ours. After the EAL, before port_open. */
void port_quiet_xdp(void);

struct port_stats {
	uint64_t rx_pkts, rx_bytes, tx_pkts, tx_bytes, rx_missed, rx_errors, rx_no_buffer,
		tx_errors;
};
void port_stats_get(const struct port *port, struct port_stats *out);
