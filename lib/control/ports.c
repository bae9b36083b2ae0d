/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* The port of that name as main made it, or -1. */
static int
port_index(const struct control *c, const char *name)
{
	for (unsigned i = 0; i < c->config.n_ports; i++)
		if (strcmp(c->config.ports[i].name, name) == 0)
			return (int)i;
	return -1;
}

static struct routes_port
routes_port_of(struct control *c, unsigned idx)
{
	const struct control_port *port = &c->config.ports[idx];
	struct port_twin *t = &c->twins[idx];
	struct routes_port out = {
		.port_idx = idx,
		.link_id = port->link_id,
		.ifindex = t->twin.ifindex,
		.twin = t->is_made ? &t->twin : NULL,
		.mac = port->mac,
		.mtu = port->mtu,
	};
	memcpy(out.netdev, port->netdev, sizeof(out.netdev));
	return out;
}

/* While twin and port still carry packets, so that what runs over them goes on. */
static void
give_back(const struct control_port *port)
{
	struct err err;
	if (port->adoption && adopt_give_back(port->adoption, &err))
		log_error("port %s: %s", port->name, err.text);
}

/* ---- Twins ---- */

static void
unmake(struct control *c, unsigned idx)
{
	struct port_twin *t = &c->twins[idx];
	if (!t->is_made)
		return;
	give_back(&c->config.ports[idx]);
	routes_port_remove(c->routes, c->config.ports[idx].link_id);
	exception_remove_link(c->exception, c->config.ports[idx].link_id, NULL);
	twin_destroy(&t->twin);
	t->is_made = false;
}

static int
make_twin(struct control *c, unsigned idx, struct err *err)
{
	const struct control_port *port = &c->config.ports[idx];
	struct port_twin *t = &c->twins[idx];
	int rc = twin_create_tap(&t->twin, c->netlink, port->name, &port->mac, err);
	if (rc)
		return rc;
	t->is_made = true;
	if (port->mtu)
		rc = twin_set_mtu(&t->twin, c->netlink, port->mtu, err);
	if (!rc)
		rc = exception_add_link(c->exception, port->link_id, t->twin.fd, EXCEPTION_TAP,
			err);
	if (!rc && port->adoption)
		adopt_prepare_twin(port->adoption);
	if (!rc)
		rc = twin_set_up(&t->twin, c->netlink, true, err);
	struct routes_port r = routes_port_of(c, idx);
	if (!rc)
		rc = routes_port_add(c->routes, &r, err);
	if (!rc && port->adoption)
		rc = adopt_take(port->adoption, err);
	if (rc)
		unmake(c, idx);
	return rc;
}

static int
make(struct control *c, unsigned idx, struct err *err)
{
	const struct control_port *port = &c->config.ports[idx];
	static const struct port_intent nothing;
	struct routes_port r = routes_port_of(c, idx);
	if (!control_has_host(c))
		return routes_static_port(c->routes, &r, NULL, &nothing);
	int rc = make_twin(c, idx, err);
	return rc ? err_prefix(err, rc, "port %s", port->name) : 0;
}

void
ports_fini(struct control *c)
{
	for (unsigned i = 0; i < c->config.n_ports; i++)
		unmake(c, i);
}

void
ports_set_link(void *ctx, unsigned port_idx, bool is_up)
{
	struct control *c = ctx;
	if (c->config.port_ops->set_link)
		c->config.port_ops->set_link(c->config.port_ops->ctx, port_idx, is_up);
}

/* ---- What a port has ---- */

/* Host = no: one thing comes or goes, told as a port that has only that. */
static int
change_static(struct control *c, unsigned idx, const struct port_intent *one, bool is_there)
{
	static const struct port_intent nothing;
	struct routes_port r = routes_port_of(c, idx);
	return routes_static_port(c->routes, &r, is_there ? &nothing : one,
		is_there ? one : &nothing);
}

static int
change_address(struct control *c, unsigned idx, const struct prefix *p, bool is_there,
	struct err *err)
{
	if (!control_has_host(c)) {
		struct prefix copy = *p;
		struct port_intent one = {.addresses = {&copy, 1}};
		return change_static(c, idx, &one, is_there);
	}
	uint32_t ifindex = c->twins[idx].twin.ifindex;
	if (is_there)
		return netlink_addr_add(c->netlink, ifindex, p, err);
	return netlink_addr_del(c->netlink, ifindex, p, err);
}

static int
change_neighbour(struct control *c, unsigned idx, const struct neighbour_intent *n,
	bool is_there)
{
	struct neighbour_intent copy = *n;
	struct port_intent one = {.neighbours = &copy, .n_neighbours = 1};
	return control_has_host(c) ? 0 : change_static(c, idx, &one, is_there);
}

static int
route_gateway(struct control *c, unsigned idx, const struct addr *via, bool is_there,
	struct err *err)
{
	struct netlink_route r = {
		.dst.addr.family = via->family,
		.via = *via,
		.ifindex = c->twins[idx].twin.ifindex,
	};
	if (!control_has_host(c)) {
		struct port_intent one = {0};
		*(via->family == ADDR_V6 ? &one.gateway_v6 : &one.gateway_v4) = *via;
		return change_static(c, idx, &one, is_there);
	}
	return is_there ? netlink_route_add(c->netlink, &r, err) :
		netlink_route_del(c->netlink, &r, err);
}

static int
change_gateway(struct control *c, unsigned idx, const struct addr *was, const struct addr *now,
	struct err *err)
{
	/* The old one may have gone with its network already. */
	if (was->family != ADDR_NONE && now->family == ADDR_NONE)
		route_gateway(c, idx, was, false, NULL);
	else if (was->family != ADDR_NONE && !control_has_host(c))
		route_gateway(c, idx, was, false, NULL);
	return now->family == ADDR_NONE ? 0 : route_gateway(c, idx, now, true, err);
}

/* ---- Changes ---- */

static int
change_made_port(struct control *c, unsigned idx, const struct change *change, struct err *err)
{
	const struct port_intent *p = intent_port_find(c->running, change->on);
	switch (change->kind) {
	case CHANGE_PORT_ADDRESS_ADD:
		return change_address(c, idx, &change->prefix, true, err);
	case CHANGE_PORT_ADDRESS_REMOVE:
		return change_address(c, idx, &change->prefix, false, err);
	case CHANGE_PORT_GATEWAY_V4:
		return change_gateway(c, idx, &p->gateway_v4, &change->addr, err);
	case CHANGE_PORT_GATEWAY_V6:
		return change_gateway(c, idx, &p->gateway_v6, &change->addr, err);
	case CHANGE_NEIGHBOUR_ADD:
		return change_neighbour(c, idx, &change->neighbour, true);
	case CHANGE_NEIGHBOUR_REMOVE:
		return change_neighbour(c, idx, &change->neighbour, false);
	default:
		return 0; /* main has done it when it made the port */
	}
}

int
ports_change(struct control *c, const struct change *change, struct err *err)
{
	int idx = port_index(c, change->on);
	if (idx < 0)
		return err_set(err, -ENOENT, "port %s was not made", change->on);
	if (!c->config.ports[idx].is_attached)
		return 0; /* all of it is done when the device comes */
	if (change->kind == CHANGE_PORT_ADD)
		return make(c, (unsigned)idx, err);
	if (!intent_port_find(c->running, change->on))
		return err_set(err, -ENOENT, "there is no port %s", change->on);
	int rc = change_made_port(c, (unsigned)idx, change, err);
	return rc ? err_prefix(err, rc, "port %s", change->on) : 0;
}

/* ---- Ports that come late ---- */

static int
give_all(struct control *c, unsigned idx, struct err *err)
{
	static const struct addr none;
	const struct port_intent *p = intent_port_find(c->running, c->config.ports[idx].name);
	int rc = 0;
	for (size_t i = 0; p && !rc && i < p->addresses.n; i++)
		rc = change_address(c, idx, &p->addresses.items[i], true, err);
	for (size_t i = 0; p && !rc && i < p->n_neighbours; i++)
		rc = change_neighbour(c, idx, &p->neighbours[i], true);
	if (p && !rc)
		rc = change_gateway(c, idx, &none, &p->gateway_v4, err);
	if (p && !rc)
		rc = change_gateway(c, idx, &none, &p->gateway_v6, err);
	return rc;
}

static void
attach(struct control *c, unsigned idx)
{
	struct control_port *port = &c->config.ports[idx];
	const struct control_port_ops *ops = c->config.port_ops;
	struct err err = {0};
	if (!ops->attach || ops->attach(ops->ctx, idx, port, &err))
		return; /* still not there */
	port->is_attached = true;
	log_info("port %s: its device has come", port->name);
	if (make(c, idx, &err) || give_all(c, idx, &err))
		log_error("port %s: %s", port->name, err.text);
	routes_settle(c->routes);
}

/* Nobody tells of the link of a port without a netdev: it is asked for. */
static void
follow_link(struct control *c, unsigned idx)
{
	const struct control_port_ops *ops = c->config.port_ops;
	struct port_twin *t = &c->twins[idx];
	struct err err;
	if (!ops->link_is_up || c->config.ports[idx].netdev[0])
		return;
	bool is_up = ops->link_is_up(ops->ctx, idx);
	if (t->link_is_known && t->link_is_up == is_up)
		return;
	t->link_is_known = true;
	t->link_is_up = is_up;
	ports_set_link(c, idx, is_up);
	if (t->is_made && twin_set_carrier(&t->twin, is_up, &err))
		log_warn("%s", err.text);
}

void
ports_tick(struct control *c)
{
	for (unsigned i = 0; i < c->config.n_ports; i++) {
		if (c->config.ports[i].is_attached)
			follow_link(c, i);
		else
			attach(c, i);
	}
}
