/* SPDX-License-Identifier: BSD-3-Clause */
#include "port/port.h"

#include <errno.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "port/port_inner.h"

enum {
	RX_QUEUE_TRIES = 8,
	RX_QUEUE_NAP_MS = 150,
};

/* The ethdev that was made of this device string. */
static int
find_ethdev(const char *device, uint16_t *dpdk_id)
{
	char name[RTE_DEV_NAME_MAX_LEN];
	size_t n = strcspn(device, ",");
	if (n >= sizeof(name))
		return -ENAMETOOLONG;
	memcpy(name, device, n);
	name[n] = 0;
	if (rte_eth_dev_get_port_by_name(name, dpdk_id) == 0)
		return 0;
	uint16_t id;
	RTE_ETH_FOREACH_DEV(id)
	{
		struct rte_eth_dev_info info;
		if (rte_eth_dev_info_get(id, &info) == 0 && info.device &&
			strstr(device, rte_dev_name(info.device))) {
			*dpdk_id = id;
			return 0;
		}
	}
	return -ENODEV;
}

/* A device over a kernel netdev is not probed before that is there: the driver would say less. */
static int
netdev_is_there(const struct port *port, struct err *err)
{
	if (port->netdev[0] && if_nametoindex(port->netdev) == 0)
		return err_set(err, -ENODEV, "port %s: there is no network device '%s' yet",
			port->name, port->netdev);
	return 0;
}

static int
probe(struct port *port, const struct port_config *config, struct err *err)
{
	if (find_ethdev(port->device, &port->dpdk_id) == 0)
		return 0;
	int rc = netdev_is_there(port, err);
	if (rc)
		return rc;
	char device[PROFILE_DEVICE_BYTES];
	profile_device_string(config->profiles, port->device, device);
	port_size_frames(port->device,
		config->mtu ? config->mtu : port_netdev_mtu(port->netdev), device);
	rc = rte_dev_probe(device);
	if (rc == 0)
		rc = find_ethdev(port->device, &port->dpdk_id);
	if (!rc)
		return 0;
	/* A PCI device may be bound later; a device string that no driver takes stays wrong. */
	int code = port_device_is_pci(port->device) ? -ENODEV : -EINVAL;
	return err_set(err, code,
		"port %s: DPDK cannot take the device '%s' (%s): check that it exists, is bound to "
		"a DPDK driver (PCI), or that the driver's name and arguments are right (as in "
		"net_af_xdp0,iface=eth1)",
		port->name, port->device, strerror(-rc));
}

static uint16_t
queues_of(const struct port_profile *profile, uint16_t device_max, uint16_t n_workers)
{
	uint16_t n = MIN_OF(device_max, n_workers);
	if (profile->max_queues)
		n = MIN_OF(n, profile->max_queues);
	return MAX_OF(n, 1);
}

static void
choose_offloads(struct port *port, const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	uint64_t hash = port->profile.rss;
	conf->rxmode.offloads = port->profile.rx_offloads & info->rx_offload_capa;
	conf->txmode.offloads = port->profile.tx_offloads & info->tx_offload_capa;
	port->has_rss = port->n_rx_queues > 1 && (hash & info->flow_type_rss_offloads);
	if (port->has_rss) {
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf->rx_adv_conf.rss_conf.rss_hf = hash & info->flow_type_rss_offloads;
	}
}

/*
 * Of a process that was killed the kernel lets the AF_XDP sockets go a moment after it, so a start
 * right behind may find the queue taken.
 */
static int
set_up_rx_queue(struct port *port, uint16_t q, uint16_t n_descriptors, struct rte_mempool *pool)
{
	const struct timespec nap = {.tv_nsec = RX_QUEUE_NAP_MS * NS_IN_MS};
	unsigned socket = (unsigned)rte_eth_dev_socket_id(port->dpdk_id);
	unsigned n_tries = port->profile.is_virtual ? RX_QUEUE_TRIES : 1;
	int rc = rte_eth_rx_queue_setup(port->dpdk_id, q, n_descriptors, socket, NULL, pool);
	while (rc && --n_tries) {
		nanosleep(&nap, NULL);
		rc = rte_eth_rx_queue_setup(port->dpdk_id, q, n_descriptors, socket, NULL, pool);
	}
	return rc;
}

static int
set_up_queues(struct port *port, const struct port_profile *profile, struct rte_mempool *pool)
{
	uint16_t n_rx = profile->rx_descriptors, n_tx = profile->tx_descriptors;
	unsigned socket = (unsigned)rte_eth_dev_socket_id(port->dpdk_id);
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->dpdk_id, &n_rx, &n_tx);
	for (uint16_t q = 0; !rc && q < port->n_rx_queues; q++)
		rc = set_up_rx_queue(port, q, n_rx, pool);
	for (uint16_t q = 0; !rc && q < port->n_tx_queues; q++)
		rc = rte_eth_tx_queue_setup(port->dpdk_id, q, n_tx, socket, NULL);
	return rc;
}

static int
configure(struct port *port, const struct port_config *config, struct err *err)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf = {0};
	int rc = rte_eth_dev_info_get(port->dpdk_id, &info);
	if (rc)
		return err_set(err, rc, "port %s: the device does not describe itself (%s)",
			port->name, strerror(-rc));
	snprintf(port->driver, sizeof(port->driver), "%s", info.driver_name);
	port->profile = *profile_of_driver(config->profiles, port->driver);
	const struct port_profile *profile = &port->profile;
	port->n_rx_queues = queues_of(profile, info.max_rx_queues, config->n_workers);
	port->n_tx_queues = queues_of(profile, info.max_tx_queues, config->n_workers);
	port->completes_checksums = config->checksum == PORT_CHECKSUM_COMPLETE ||
				    (config->checksum == PORT_CHECKSUM_AUTO && profile->is_virtual);
	choose_offloads(port, &info, &conf);
	rc = rte_eth_dev_configure(port->dpdk_id, port->n_rx_queues, port->n_tx_queues, &conf);
	if (rc)
		return err_set(err, rc, "port %s: %u RX and %u TX queues were refused (%s)",
			port->name, port->n_rx_queues, port->n_tx_queues, strerror(-rc));
	rc = port_set_mtu(port, config, &info, err);
	if (rc)
		return rc;
	rc = set_up_queues(port, profile, config->pool);
	if (rc)
		return err_set(err, rc, "port %s: its queues cannot be set up (%s)", port->name,
			strerror(-rc));
	return 0;
}

/* Tags are read where they stand in the frame: the device must not take them out. */
static void
keep_tags(const struct port *port)
{
	int mask = rte_eth_dev_get_vlan_offload(port->dpdk_id);
	if (mask > 0 && mask & RTE_ETH_VLAN_STRIP_OFFLOAD &&
		rte_eth_dev_set_vlan_offload(port->dpdk_id, mask & ~RTE_ETH_VLAN_STRIP_OFFLOAD))
		log_warn("port %s: the device takes VLAN tags out of frames and cannot be told not "
			"to: tagged frames will be taken for untagged ones",
			port->name);
}

bool
port_link_is_up(const struct port *port)
{
	struct rte_eth_link link;
	return rte_eth_link_get_nowait(port->dpdk_id, &link) != 0 ||
	       link.link_status == RTE_ETH_LINK_UP;
}

static int
start(struct port *port, struct err *err)
{
	int rc = rte_eth_dev_start(port->dpdk_id);
	if (rc)
		return err_set(err, rc, "port %s: the device does not start (%s)", port->name,
			strerror(-rc));
	/* The twin's multicast and the kernel's solicited-node groups come in without a filter. */
	(void)rte_eth_allmulticast_enable(port->dpdk_id);
	keep_tags(port);
	struct rte_ether_addr mac;
	rte_eth_macaddr_get(port->dpdk_id, &mac);
	memcpy(port->mac.bytes, mac.addr_bytes, sizeof(port->mac.bytes));
	port->is_up = port_link_is_up(port);
	return 0;
}

int
port_open(const struct port_config *config, struct port **out, struct err *err)
{
	struct port *port = calloc(1, sizeof(*port));
	if (!port)
		return err_set(err, -ENOMEM, "port %s: no memory", config->name);
	snprintf(port->name, sizeof(port->name), "%s", config->name);
	snprintf(port->device, sizeof(port->device), "%s", config->device);
	port->link_id = config->link_id;
	port_device_netdev(port->device, port->netdev);
	int rc = probe(port, config, err);
	if (!rc)
		rc = configure(port, config, err);
	if (!rc)
		rc = start(port, err);
	if (rc) {
		free(port);
		return rc;
	}
	*out = port;
	return 0;
}

static void
close_device(const struct port *port)
{
	struct rte_eth_dev_info info;
	struct rte_device *device =
		rte_eth_dev_info_get(port->dpdk_id, &info) == 0 ? info.device : NULL;
	(void)rte_eth_dev_stop(port->dpdk_id);
	(void)rte_eth_dev_close(port->dpdk_id);
	if (device)
		(void)rte_dev_remove(device);
}

void
port_close(struct port *port)
{
	if (!port->vlan_id)
		close_device(port);
	free(port->vlan_links);
	free(port);
}

void
port_stats_get(const struct port *port, struct port_stats *out)
{
	struct rte_eth_stats s = {0};
	(void)rte_eth_stats_get(port->dpdk_id, &s);
	*out = (struct port_stats){
		.rx_pkts = s.ipackets,
		.rx_bytes = s.ibytes,
		.tx_pkts = s.opackets,
		.tx_bytes = s.obytes,
		.rx_missed = s.imissed,
		.rx_errors = s.ierrors,
		.rx_no_buffer = s.rx_nombuf,
		.tx_errors = s.oerrors,
	};
}
