/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One change applied to the value. Four tiers, by what a change is on: the gateway, a port, an
 * interface, a peer; each a switch that knows its kinds and gives the rest to nobody (-EINVAL).
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "intent/change.h"

static const struct origin nowhere;

/* A number within [min, max] or -EINVAL: a change may come from another program. */
static int
check_number(const struct change *c, int64_t min, int64_t max)
{
	return c->number < min || c->number > max ? -EINVAL : 0;
}

static int
set_text(char *out, size_t n_bytes, const char *text)
{
	size_t n = text ? strlen(text) : 0;
	if (n >= n_bytes)
		return -EINVAL;
	memset(out, 0, n_bytes);
	memcpy(out, text ? text : "", n);
	return 0;
}

static int
set_u16(uint16_t *out, const struct change *c)
{
	int rc = check_number(c, 0, UINT16_MAX);
	if (rc == 0)
		*out = (uint16_t)c->number;
	return rc;
}

static int
set_u32(uint32_t *out, const struct change *c)
{
	int rc = check_number(c, 0, UINT32_MAX);
	if (rc == 0)
		*out = (uint32_t)c->number;
	return rc;
}

static int
set_i32(int32_t *out, const struct change *c)
{
	int rc = check_number(c, -1, INT32_MAX);
	if (rc == 0)
		*out = (int32_t)c->number;
	return rc;
}

/* Enumerations start at 0 and have no gaps. */
#define SET_ENUM(field, c, last)                                                                   \
	(check_number(c, 0, last) < 0 ? -EINVAL : ((field) = (__typeof__(field))(c)->number, 0))

static int
set_snat_ports(struct gateway_intent *g, const struct change *c)
{
	int rc = check_number(c, 0, UINT32_MAX);
	if (rc == 0 && (c->number >> 16) > (c->number & UINT16_MAX))
		rc = -EINVAL;
	if (rc)
		return rc;
	g->snat_first_port = (uint16_t)(c->number >> 16);
	g->snat_last_port = (uint16_t)c->number;
	return 0;
}

static int
apply_gateway(struct gateway_intent *g, const struct change *c)
{
	switch (c->kind) {
	case CHANGE_GATEWAY_WORKERS:
		return set_text(g->workers, sizeof(g->workers), c->text);
	case CHANGE_GATEWAY_CONTROL:
		return set_i32(&g->control_core, c);
	case CHANGE_GATEWAY_HUGEPAGES:
		return set_i32(&g->hugepages_mib, c);
	case CHANGE_GATEWAY_IDLE:
		return SET_ENUM(g->idle, c, IDLE_POLL);
	case CHANGE_GATEWAY_HOST:
		return SET_ENUM(g->host, c, 1);
	case CHANGE_GATEWAY_NETFILTER:
		return SET_ENUM(g->netfilter, c, NETFILTER_IGNORE);
	case CHANGE_GATEWAY_LOG_LEVEL:
		return SET_ENUM(g->log_level, c, LOG_LEVEL_DEBUG);
	case CHANGE_GATEWAY_CRYPTO:
		return set_text(g->crypto, sizeof(g->crypto), c->text);
	case CHANGE_GATEWAY_SNAT_PORTS:
		return set_snat_ports(g, c);
	case CHANGE_GATEWAY_SNAT_FLOWS:
		return set_u32(&g->snat_flows, c);
	default:
		return -EINVAL;
	}
}

static int
set_neighbour(struct port_intent *p, const struct neighbour_intent *n)
{
	struct neighbour_intent *was = (struct neighbour_intent *)neighbour_find(p, &n->ip);
	if (!was)
		return neighbour_add(p, n);
	was->mac = n->mac;
	return 0;
}

static int
apply_port(struct intent *it, struct port_intent *p, const struct change *c)
{
	switch (c->kind) {
	case CHANGE_PORT_REMOVE:
		intent_port_remove(it, p);
		return 0;
	case CHANGE_PORT_DEVICE:
		return set_text(p->device, sizeof(p->device), c->text);
	case CHANGE_PORT_QUEUES:
		return set_u16(&p->n_queues, c);
	case CHANGE_PORT_MTU:
		return set_u16(&p->mtu, c);
	case CHANGE_PORT_CHECKSUM:
		return SET_ENUM(p->checksum, c, CHECKSUM_TRUST);
	case CHANGE_PORT_ADOPT:
		return SET_ENUM(p->never_adopts, c, true);
	case CHANGE_PORT_GATEWAY_V4:
		p->gateway_v4 = c->addr;
		return 0;
	case CHANGE_PORT_GATEWAY_V6:
		p->gateway_v6 = c->addr;
		return 0;
	case CHANGE_PORT_ADDRESS_ADD:
		return prefix_list_add(&p->addresses, &c->prefix);
	case CHANGE_PORT_ADDRESS_REMOVE:
		return prefix_list_remove(&p->addresses, &c->prefix);
	case CHANGE_NEIGHBOUR_ADD:
		return set_neighbour(p, &c->neighbour);
	case CHANGE_NEIGHBOUR_REMOVE:
		return neighbour_remove(p, &c->neighbour.ip);
	default:
		return -EINVAL;
	}
}

static int
set_headscale(struct interface_intent *i, const struct headscale_intent *h)
{
	struct headscale_intent *copy = h ? headscale_intent_copy(h) : NULL;
	if (h && !copy)
		return -ENOMEM;
	headscale_intent_destroy(i->headscale);
	i->headscale = copy;
	return 0;
}

static int
apply_interface(struct intent *it, struct interface_intent *i, const struct change *c)
{
	switch (c->kind) {
	case CHANGE_INTERFACE_REMOVE:
		intent_interface_remove(it, i);
		return 0;
	case CHANGE_INTERFACE_SET_HOOKS:
		return hook_list_set(&i->hooks, &c->hooks);
	case CHANGE_INTERFACE_SET_DNS:
		return intent_text_set(&i->dns, c->text);
	case CHANGE_INTERFACE_SET_SAVE:
		return intent_text_set(&i->save_path, c->text);
	case CHANGE_INTERFACE_SET_KEY:
		interface_set_key(i, &c->key);
		return 0;
	case CHANGE_INTERFACE_SET_LISTEN_ADDRS:
		return interface_listen_set(i, c->text ? c->text : "");
	case CHANGE_INTERFACE_SET_LISTEN_PORT:
		return set_u16(&i->listen_port, c);
	case CHANGE_INTERFACE_SET_FWMARK:
		return set_u32(&i->fwmark, c);
	case CHANGE_INTERFACE_SET_MTU:
		return set_u16(&i->mtu, c);
	case CHANGE_INTERFACE_SET_KEEP_MSS:
		i->keeps_mss = c->number != 0;
		return 0;
	case CHANGE_INTERFACE_SET_TABLE:
		i->table = c->table.mode;
		i->table_id = c->table.id;
		return 0;
	case CHANGE_INTERFACE_SET_HEADSCALE:
		return set_headscale(i, c->headscale);
	case CHANGE_INTERFACE_ADDRESS_ADD:
		return prefix_list_add(&i->addresses, &c->prefix);
	case CHANGE_INTERFACE_ADDRESS_REMOVE:
		return prefix_list_remove(&i->addresses, &c->prefix);
	case CHANGE_INTERFACE_SNAT_ADD:
		return prefix_list_add(&i->snat, &c->prefix);
	case CHANGE_INTERFACE_SNAT_REMOVE:
		return prefix_list_remove(&i->snat, &c->prefix);
	case CHANGE_PEER_ADD:
		if (peer_set_find(&i->peers, &c->peer))
			return -EEXIST;
		return peer_set_add(&i->peers, &c->peer) ? 0 : -ENOMEM;
	default:
		return -EINVAL;
	}
}

static int
apply_allowed_remove(struct peer_set *s, struct peer_intent *p, const struct prefix *prefix)
{
	struct allowed_intent *a = allowed_find(s, prefix);
	if (a && a->owner == p)
		allowed_remove(s, a);
	return 0;
}

static int
apply_peer(struct peer_set *s, struct peer_intent *p, const struct change *c)
{
	switch (c->kind) {
	case CHANGE_PEER_REMOVE:
		peer_set_remove(s, p);
		return 0;
	case CHANGE_PEER_SET_NAME:
		return set_text(p->name, sizeof(p->name), c->text);
	case CHANGE_PEER_SET_PSK:
		peer_set_psk(p, &c->key);
		return 0;
	case CHANGE_PEER_SET_ENDPOINT:
		return peer_set_endpoint(p, &c->endpoint);
	case CHANGE_PEER_SET_KEEPALIVE:
		return set_u16(&p->keepalive_s, c);
	case CHANGE_ALLOWED_ADD:
		return allowed_add(s, p, &c->prefix, nowhere);
	case CHANGE_ALLOWED_REMOVE:
		return apply_allowed_remove(s, p, &c->prefix);
	default:
		return -EINVAL;
	}
}

static int
apply_on_port(struct intent *it, const struct change *c)
{
	if (c->kind == CHANGE_PORT_ADD)
		return intent_port_add(it, c->on) ? 0 : -errno;
	struct port_intent *p = intent_port_find(it, c->on);
	return p ? apply_port(it, p, c) : -ENOENT;
}

static int
apply_on_interface(struct intent *it, const struct change *c)
{
	if (c->kind == CHANGE_INTERFACE_ADD)
		return intent_interface_add(it, c->on) ? 0 : -errno;
	struct interface_intent *i = intent_interface_find(it, c->on);
	if (!i)
		return -ENOENT;
	if (c->kind <= CHANGE_PEER_ADD)
		return apply_interface(it, i, c);
	struct peer_intent *p = peer_set_find(&i->peers, &c->peer);
	return p ? apply_peer(&i->peers, p, c) : -ENOENT;
}

int
intent_apply(struct intent *it, const struct change *c)
{
	if (c->kind == CHANGE_FILTER_SET)
		return intent_filter_set(it, c->filter);
	if (c->kind < CHANGE_PORT_ADD)
		return apply_gateway(&it->gateway, c);
	if (c->kind < CHANGE_INTERFACE_ADD)
		return apply_on_port(it, c);
	return apply_on_interface(it, c);
}
