/* SPDX-License-Identifier: BSD-3-Clause */
/* [Port NAME]: a NIC; and its short form, --port NAME=DEVICE. */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "source/config.h"
#include "source/config_reader.h"

static int
port_begin(struct config_reader *r, const char *argument)
{
	char where[INTENT_WHERE_BYTES];
	struct port_intent *was = intent_port_find(r->it, argument);
	if (was)
		return config_error(r, "a second [Port %s]: the first is at %s", argument,
			intent_where(r->it, was->origin, where));
	r->port = intent_port_add(r->it, argument);
	if (r->port) {
		r->port->origin = config_here(r);
		return 0;
	}
	if (errno == ENOSPC)
		return config_error(r, "more than %d ports", INTENT_MAX_PORTS);
	if (errno == EINVAL)
		return config_error(r,
			"a port's name has 1 to %d letters, digits or _=+.-, for example: [Port "
			"wan]",
			INTENT_PORT_NAME_BYTES - 1);
	return -ENOMEM;
}

/* A PCI address or a vdev string: no white space in either. */
static int
device_parse(const char *value, struct port_intent *p)
{
	if (strchr(value, ' '))
		return -EINVAL;
	return value_text(value, p->device, sizeof(p->device));
}

static int
read_device(struct config_reader *r, char *value)
{
	return device_parse(value, r->port);
}

static int
read_address_item(struct config_reader *r, char *item)
{
	return value_address(r, item, &r->port->addresses);
}

static int
read_addresses(struct config_reader *r, char *value)
{
	return value_list(r, value, read_address_item);
}

static int
read_gateway_item(struct config_reader *r, char *item)
{
	struct addr a;
	if (addr_parse(item, &a) < 0 || addr_is_multicast(&a) || addr_is_zero(&a))
		return -EINVAL;
	struct addr *out = a.family == ADDR_V4 ? &r->port->gateway_v4 : &r->port->gateway_v6;
	if (out->family != ADDR_NONE)
		return config_error(r, "a second IPv%d Gateway for port %s: there can be one",
			a.family, r->port->name);
	*out = a;
	return 0;
}

static int
read_gateways(struct config_reader *r, char *value)
{
	return *value ? value_list(r, value, read_gateway_item) : -EINVAL;
}

static int
read_mtu(struct config_reader *r, char *value)
{
	return value_mtu(value, &r->port->mtu);
}

static int
read_checksum(struct config_reader *r, char *value)
{
	static const char *const words[] = {[CHECKSUM_AUTO] = "auto",
		[CHECKSUM_COMPLETE] = "complete",
		[CHECKSUM_TRUST] = "trust"};
	unsigned word;
	if (value_word(value, words, ARRAY_COUNT(words), &word) < 0)
		return -EINVAL;
	r->port->checksum = (enum checksum_mode)word;
	return 0;
}

static int
read_adopt(struct config_reader *r, char *value)
{
	static const char *const words[] = {"yes", "no"};
	unsigned word;
	if (value_word(value, words, ARRAY_COUNT(words), &word) < 0)
		return -EINVAL;
	r->port->never_adopts = word;
	return 0;
}

static int
read_queues(struct config_reader *r, char *value)
{
	uint32_t n;
	if (value_number(value, 1024, &n) < 0 || n == 0)
		return -EINVAL;
	r->port->n_queues = (uint16_t)n;
	return 0;
}

static int
read_neighbour(struct config_reader *r, char *value)
{
	struct neighbour_intent n = {0};
	char *mac = value + strcspn(value, " \t");
	if (!*mac)
		return -EINVAL;
	*mac++ = 0;
	if (addr_parse(value, &n.ip) < 0 || mac_parse(value_trim(mac), &n.mac) < 0)
		return -EINVAL;
	int rc = neighbour_add(r->port, &n);
	if (rc == -EEXIST)
		return config_error(r, "Neighbour %s is given twice: take one out", value);
	if (rc == -ENOSPC)
		return config_error(r, "more than %d neighbours", INTENT_MAX_NEIGHBOURS);
	return rc;
}

static const struct config_key port_keys[] = {
	{"Device", read_device, "a PCI address or a DPDK device string", "net_af_xdp0,iface=eth1",
		"the NIC; wan.100 is VLAN 100 of the port wan, as a port of its own"},
	{"Address", read_addresses, "IP addresses with their length",
		"203.0.113.2/24, 2001:db8::2/64",
		"addresses of the port's kernel twin; without any the kernel device's are adopted"},
	{"Adopt", read_adopt, "yes or no", "yes",
		"without an Address, the twin takes over addresses, routes and neighbours of the "
		"kernel device, and gives them back at the end"},
	{"Gateway", read_gateways, "an IP address, or one of each family", "203.0.113.1",
		"default route through this port"},
	{"MTU", read_mtu, "576 to 16000", "1500", "largest IP packet; default: the device's"},
	{"Checksum", read_checksum, "auto, complete or trust", "auto",
		"whether L4 checksums of received packets are completed before they go on"},
	{"Neighbour", read_neighbour, "an IP address and a MAC", "203.0.113.1 02:00:00:00:00:01",
		"a static next hop, for Host = no; may be repeated"},
	{"Queues", read_queues, "1 to 1024", "2", "receive queues; default: one for each worker"},
};

const struct config_section config_section_port = {
	.name = "Port",
	.argument = "NAME",
	.begin = port_begin,
	.keys = port_keys,
	.n_keys = ARRAY_COUNT(port_keys),
	.help = "a NIC that headgate drives",
};

int
port_option_parse(struct intent *it, const char *option, struct err *err)
{
	char name[INTENT_PORT_NAME_BYTES] = "";
	const char *equals = strchr(option, '=');
	size_t n = equals ? (size_t)(equals - option) : 0;
	struct port_intent *p = NULL;
	if (n > 0 && n < sizeof(name)) {
		memcpy(name, option, n);
		p = intent_port_find(it, name);
		if (!p && (p = intent_port_add(it, name)))
			p->origin = (struct origin){intent_file_id(it, "--port"), 0};
	}
	if (!p && n > 0 && errno == ENOMEM)
		return err_set(err, -ENOMEM, "--port %s: memory is short", option);
	if (!p || device_parse(equals + 1, p) < 0)
		return err_set(err, -EBADMSG,
			"--port %s: expected NAME=DEVICE, for example: --port "
			"wan=net_af_xdp0,iface=eth1",
			option);
	return 0;
}
