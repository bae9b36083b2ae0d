/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gateway.h"
#include "host/adopt.h"
#include "host/netdev.h"
#include "host/netfilter.h"
#include "intent/vlan.h"

/* Beside addresses from the config the netdev may not have others: the kernel would use them. */
static void
warn_of_addresses(struct gateway *g, const struct port_intent *want, const char *netdev)
{
	char text[PREFIX_TEXT_BYTES];
	if (adopt_first_address(g->netlink, netdev, text, NULL) || !text[0])
		return;
	log_warn("port %s: %s still has the address %s, by which the kernel would send past "
		"headgate: remove it with `ip addr flush dev %s`%s", want->name, netdev, text,
		netdev, want->addresses.n ? ", or leave Address out to have it adopted" : "");
}

/* A port that is tried again has begun already. */
static int
begin_adopting(struct gateway *g, const struct port_intent *want, const char *netdev,
	struct control_port *io, struct err *err)
{
	char twin[IF_NAMESIZE];
	snprintf(twin, sizeof(twin), "hg-%s", want->name);
	const struct adopt_wish wish = {.nl = g->netlink, .restore = g->restore,
		.port = want->name, .netdev = netdev, .twin = twin};
	if (io->adoption || want->addresses.n || want->never_adopts)
		return 0;
	int rc = adopt_begin(&wish, &io->adoption, err);
	if (io->adoption && netfilter_names(netdev))
		log_warn("port %s: rules of the firewall name %s, whose packets now come in by %s: "
			"name that too, or addresses", want->name, netdev, twin);
	return rc;
}

/* The kernel's device under a port must not answer for it any more; undone at the end. */
static int
take_netdev(struct gateway *g, const struct port_intent *want, struct control_port *io,
	struct err *err)
{
	const char *device = want->device;
	char owner[RESTORE_OWNER_BYTES];
	char name[IF_NAMESIZE];
	port_device_netdev(device, name);
	if (!name[0] || !g->netlink || strncmp(device, "net_tap", 7) == 0)
		return 0;
	if (if_nametoindex(name) == 0)
		return err_set(err, -ENODEV, "there is no network device '%s' yet", name);
	snprintf(owner, sizeof(owner), "port %s", want->name);
	int rc = begin_adopting(g, want, name, io, err);
	if (rc)
		return rc;
	if (!io->adoption)
		warn_of_addresses(g, want, name);
	struct netdev_wish wish = {
		.owner = owner,
		.is_promisc = true,
		.mtu = want->mtu,
		.disable_ipv6 = !io->adoption, /* else when all is on the twin */
		.drop_ingress = strncmp(device, "net_af_packet", 13) == 0,
		.gets_xdp = strncmp(device, "net_af_xdp", 10) == 0,
	};
	return netdev_take(g->netlink, g->restore, name, &wish, err);
}

static enum port_checksum
port_checksum_of(enum checksum_mode mode)
{
	return mode == CHECKSUM_COMPLETE ? PORT_CHECKSUM_COMPLETE
	       : mode == CHECKSUM_TRUST  ? PORT_CHECKSUM_TRUST
					 : PORT_CHECKSUM_AUTO;
}

static void
describe(struct control_port *io, const struct port *port)
{
	io->mac = port->mac;
	io->mtu = port->mtu;
	io->is_attached = true;
}

static struct port_config
config_of(const struct gateway *g, unsigned idx)
{
	const struct port_intent *want = &g->port_intents[idx];
	return (struct port_config){
		.name = want->name,
		.device = want->device,
		.link_id = (uint16_t)idx,
		.mtu = want->mtu,
		.n_workers = (uint16_t)g->eal.n_workers,
		.checksum = port_checksum_of(want->checksum),
		.pool = g->pool,
		.profiles = &g->profiles,
	};
}

static int
attach_device(struct gateway *g, unsigned idx, struct control_port *io, struct err *err)
{
	const struct port_config config = config_of(g, idx);
	struct port *port;
	int rc = take_netdev(g, &g->port_intents[idx], io, err);
	if (rc)
		return err_prefix(err, rc, "port %s", config.name);
	rc = port_open(&config, &port, err);
	if (rc)
		return rc;
	describe(io, port);
	g->netdev_drops[idx] = gateway_netdev_drops(io);
	rcu_publish(g->path.ports[idx], port);
	log_debug("port %s: profile %s (%s)", port->name, port->profile.name,
		port->profile.source);
	log_info("port %s: %s, %s, MTU %u, %u RX and %u TX queue%s", port->name, port->driver,
		port->is_up ? "up" : "down", port->mtu, port->n_rx_queues, port->n_tx_queues,
		port->n_tx_queues == 1 ? "" : "s");
	return 0;
}

/* The port whose VLAN this one is; NULL: it is none. */
static const struct control_port *
parent_of(struct gateway *g, unsigned idx, struct vlan_device *vlan)
{
	if (!vlan_device_parse(g->port_intents[idx].device, vlan))
		return NULL;
	for (unsigned i = 0; i < g->n_ports; i++) {
		if (strcmp(g->port_intents[i].name, vlan->parent) == 0)
			return &g->ports[i];
	}
	return NULL;
}

static int
attach_vlan(struct gateway *g, struct control_port *io, uint16_t parent_link, uint16_t vlan_id,
	struct err *err)
{
	const struct port_config config = config_of(g, io->link_id);
	struct port *parent = g->path.ports[parent_link], *port;
	if (!parent)
		return err_set(err, -ENODEV, "port %s: port %s, whose VLAN it is, is not there yet",
			config.name, g->ports[parent_link].name);
	int rc = port_open_vlan(parent, &config, vlan_id, &port, err);
	if (rc)
		return rc;
	rcu_publish(g->path.ports[io->link_id], port);
	rc = port_vlan_begin(parent, port, err);
	if (rc)
		return rc;
	describe(io, port);
	log_info("port %s: VLAN %u of port %s, MTU %u", port->name, vlan_id, parent->name,
		port->mtu);
	return 0;
}

int
gateway_port_attach(void *ctx, unsigned port_idx, struct control_port *io, struct err *err)
{
	struct gateway *g = ctx;
	struct vlan_device vlan;
	const struct control_port *parent = parent_of(g, port_idx, &vlan);
	return parent ? attach_vlan(g, io, parent->link_id, vlan.id, err) :
		attach_device(g, port_idx, io, err);
}

void
gateway_port_set_link(void *ctx, unsigned port_idx, bool is_up)
{
	struct gateway *g = ctx;
	struct port *port = g->path.ports[port_idx];
	if (!port || __atomic_load_n(&port->is_up, __ATOMIC_RELAXED) == is_up)
		return;
	__atomic_store_n(&port->is_up, is_up, __ATOMIC_RELAXED);
	log_info("port %s: link is %s", port->name, is_up ? "up" : "down");
}

bool
gateway_port_link_is_up(void *ctx, unsigned port_idx)
{
	struct gateway *g = ctx;
	return g->path.ports[port_idx] && port_link_is_up(g->path.ports[port_idx]);
}

uint64_t
gateway_netdev_drops(const struct control_port *port)
{
	char path[96];
	unsigned long long n = 0;
	if (!port->netdev[0])
		return 0;
	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/rx_dropped", port->netdev);
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%llu", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

/* A VLAN has the carrier of the netdev that its parent has. */
static void
describe_port(struct gateway *g, unsigned idx)
{
	struct control_port *port = &g->ports[idx];
	const struct port_intent *want = &g->port_intents[idx];
	struct vlan_device vlan;
	const struct control_port *parent = parent_of(g, idx, &vlan);
	memcpy(port->name, want->name, sizeof(port->name));
	port->link_id = (uint16_t)idx;
	port_device_netdev(parent ? g->port_intents[parent - g->ports].device : want->device,
		port->netdev);
}

/* What is there, of those that are VLANs or of those that are not. */
static int
open_ports(struct gateway *g, bool vlans, struct err *err)
{
	for (unsigned i = 0; i < g->n_ports; i++) {
		struct vlan_device vlan;
		if (!parent_of(g, i, &vlan) == vlans)
			continue;
		int rc = gateway_port_attach(g, i, &g->ports[i], err);
		if (rc == -ENODEV)
			log_warn("%s; it is tried again every second", err->text);
		else if (rc)
			return rc;
	}
	return 0;
}

int
gateway_ports_open(struct gateway *g, struct err *err)
{
	port_quiet_xdp();
	for (unsigned i = 0; i < g->n_ports; i++)
		describe_port(g, i);
	int rc = open_ports(g, false, err);
	return rc ? rc : open_ports(g, true, err);
}

void
gateway_ports_close(struct gateway *g)
{
	struct err err;
	for (unsigned i = 0; i < g->n_ports; i++) {
		if (g->path.ports[i])
			port_close(g->path.ports[i]);
		g->path.ports[i] = NULL;
	}
	if (g->restore && restore_undo(g->restore, g->netlink, &err))
		log_warn("not all could be restored: %s", err.text);
	for (unsigned i = 0; i < g->n_ports; i++)
		adopt_end(g->ports[i].adoption);
}
