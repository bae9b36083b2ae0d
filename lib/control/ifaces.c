/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ifaces.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "control/ctl_server.h"
#include "control/iface_listen.h"
#include "control/membership_exit.h"
#include "control/quick.h"
#include "control/uapi_server.h"
#include "host/sysctl.h"

enum {
	MTU_DEFAULT = 1420,
	MTU_FLOOR = 1280,
	MTU_OVERHEAD = 80, /* IPv6, UDP, and WireGuard's header and tag */
};

struct control_iface *
iface_find(struct control *c, const char *name)
{
	for (unsigned i = 0; i < TABLES_MAX_IFACES; i++)
		if (c->ifaces[i].is_live && strcmp(c->ifaces[i].name, name) == 0)
			return &c->ifaces[i];
	return NULL;
}

/* What fits through the narrowest port with the largest outer header. */
static uint16_t
default_mtu(const struct control *c)
{
	unsigned narrowest = 0;
	for (unsigned i = 0; i < c->config.n_ports; i++) {
		unsigned mtu = c->config.ports[i].mtu;
		if (mtu && (!narrowest || mtu < narrowest))
			narrowest = mtu;
	}
	if (!narrowest)
		return MTU_DEFAULT;
	return (uint16_t)(MAX_OF(narrowest, MTU_FLOOR + MTU_OVERHEAD) - MTU_OVERHEAD);
}

/* ---- The device ---- */

static struct routes_tunnel
routes_tunnel_of(const struct control_iface *i)
{
	return (struct routes_tunnel){
		.iface_id = i->iface_id,
		.ifindex = i->tun.ifindex,
		.fwmark = i->fwmark,
		.mtu = i->mtu,
	};
}

/* Tells routes of the interface, or of its other values. */
static int
tell_routes(struct control *c, const struct control_iface *i, struct err *err)
{
	static const struct interface_intent nothing;
	struct routes_tunnel t = routes_tunnel_of(i);
	if (control_has_host(c))
		return routes_tunnel_add(c->routes, &t, err);
	return routes_static_tunnel(c->routes, &t, &nothing, &nothing);
}

static void
forget_routes(struct control *c, const struct control_iface *i)
{
	struct routes_tunnel t = routes_tunnel_of(i);
	if (control_has_host(c))
		routes_tunnel_remove(c->routes, i->iface_id);
	else
		routes_static_tunnel(c->routes, &t, NULL, NULL);
}

static void
set_conf(const char *device, const char *family, const char *key, const char *value)
{
	char path[128];
	struct err err = {0};
	snprintf(path, sizeof(path), "net/%s/conf/%s/%s", family, device, key);
	if (sysctl_write(path, value, &err))
		log_warn("%s: %s", device, err.text);
}

/* A tunnel is routed through; hairpins are no reason to redirect; replies may go another way. */
static void
set_forwarding(const char *device)
{
	set_conf(device, "ipv4", "forwarding", "1");
	set_conf(device, "ipv4", "send_redirects", "0");
	set_conf(device, "ipv4", "rp_filter", "2");
	set_conf(device, "ipv6", "forwarding", "1");
}

static int
make_tun(struct control *c, struct control_iface *i, struct err *err)
{
	int rc = twin_create_tun(&i->tun, c->netlink, i->name, err);
	if (rc)
		return rc;
	rc = twin_set_mtu(&i->tun, c->netlink, i->mtu, err);
	if (!rc)
		rc = exception_add_link(c->exception, link_of_iface(i->iface_id), i->tun.fd,
			EXCEPTION_TUN, err);
	if (rc) {
		twin_destroy(&i->tun);
		return rc;
	}
	set_forwarding(i->name);
	return twin_set_up(&i->tun, c->netlink, true, err);
}

/* ---- Life ---- */

static void
remove_iface(struct control *c, struct control_iface *i)
{
	server_close(&i->uapi);
	server_close(&i->ctl);
	membership_exit_leave(c, i);
	quick_default_clear(c, i);
	quick_unset_dns(c, i);
	forget_routes(c, i);
	iface_listen_release(c, i);
	if (i->tun.fd >= 0) {
		exception_remove_link(c->exception, link_of_iface(i->iface_id), NULL);
		twin_destroy(&i->tun);
	}
	peers_lock_write(&c->peers);
	peers_identity_remove(&c->peers, i->iface_id);
	peers_unlock(&c->peers);
	tables_iface_remove(c->tables, i->iface_id);
	memset(i, 0, sizeof(*i));
}

static int
open_sockets(struct control *c, struct control_iface *i, struct err *err)
{
	struct server_config config = {&c->loop, &uapi_server, i->name, i};
	int rc = server_open(&i->uapi, &config, err);
	config.kind = &ctl_server;
	return rc ? rc : server_open(&i->ctl, &config, err);
}

static int
add_iface(struct control *c, const char *name, struct err *err)
{
	uint16_t id, mtu = default_mtu(c);
	int rc = tables_iface_add(c->tables, mtu, &id);
	if (rc)
		return err_set(err, rc, "no room for another interface: there can be %d",
			TABLES_MAX_IFACES);
	struct control_iface *i = &c->ifaces[id];
	memset(i, 0, sizeof(*i));
	snprintf(i->name, sizeof(i->name), "%s", name);
	i->control = c;
	i->is_live = true;
	drops_link_begins(c, link_of_iface(id));
	i->iface_id = id;
	i->mtu = mtu;
	i->tun.fd = -1;
	peers_lock_write(&c->peers);
	peers_identity_add(&c->peers, id, name);
	peers_unlock(&c->peers);
	if (control_has_host(c))
		rc = make_tun(c, i, err);
	if (!rc)
		rc = tell_routes(c, i, err);
	if (!rc)
		rc = open_sockets(c, i, err);
	if (rc)
		remove_iface(c, i);
	return rc;
}

void
ifaces_fini(struct control *c)
{
	for (unsigned i = 0; i < TABLES_MAX_IFACES; i++)
		if (c->ifaces[i].is_live)
			remove_iface(c, &c->ifaces[i]);
}

/* ---- Settings ---- */

/* Our keys are not what they were: all sessions end, and nothing under way can succeed. */
static int
set_key(struct control *c, struct control_iface *i, const struct key *private_key)
{
	const struct interface_intent *it = intent_interface_find(c->running, i->name);
	peers_lock_write(&c->peers);
	peers_identity_set_key(&c->peers, i->iface_id, private_key);
	peers_unlock(&c->peers);
	for (const struct peer_intent *p = it ? it->peers.first : NULL; p; p = p->next) {
		struct control_peer *peer = peers_by_key(&c->peers, i->iface_id, &p->public_key);
		if (peer)
			timing_reset(&c->timing, peer);
	}
	return 0;
}

int
ifaces_settle(struct control *c, struct err *err)
{
	int rc = 0;
	for (unsigned k = 0; k < TABLES_MAX_IFACES && !rc; k++) {
		struct control_iface *i = &c->ifaces[k];
		if (i->is_live && !i->listen_port)
			rc = iface_listen_set_port(c, i, 0, err);
		if (i->is_live && !rc)
			rc = quick_default_renew(c, i, err);
		if (i->is_live && !rc)
			rc = membership_exit_follow(c, i, err);
	}
	return rc;
}

int
ifaces_set_mark(struct control *c, struct control_iface *i, uint32_t fwmark, struct err *err)
{
	uint32_t was = i->fwmark;
	i->fwmark = fwmark;
	int rc = tell_routes(c, i, err);
	if (!rc && i->is_listening)
		rc = exception_set_fwmark(c->exception, i->iface_id, fwmark, err);
	if (rc) {
		i->fwmark = was;
		(void)tell_routes(c, i, NULL); /* as it was, so there is room */
	}
	return rc;
}

static int
set_fwmark(struct control *c, struct control_iface *i, uint32_t fwmark, struct err *err)
{
	i->fwmark_asked = fwmark;
	return i->quick.number && !i->has_exit ? quick_default_renew(c, i, err) :
		ifaces_set_mark(c, i, fwmark, err);
}

int
ifaces_set_mtu(struct control *c, struct control_iface *i, uint16_t mtu, struct err *err)
{
	mtu = mtu ? mtu : default_mtu(c);
	int rc = i->tun.fd >= 0 ? twin_set_mtu(&i->tun, c->netlink, mtu, err) : 0;
	if (rc)
		return rc;
	i->mtu = mtu;
	tables_iface_set_mtu(c->tables, i->iface_id, mtu);
	return tell_routes(c, i, err);
}

/* Host = no: one address comes or goes, told as an interface that has only that. */
static int
change_address_static(struct control *c, struct control_iface *i, const struct prefix *p,
	bool is_there)
{
	static const struct interface_intent nothing;
	struct prefix copy = *p;
	struct interface_intent one = {.addresses = {&copy, 1}};
	struct routes_tunnel t = routes_tunnel_of(i);
	return routes_static_tunnel(c->routes, &t, is_there ? &nothing : &one,
		is_there ? &one : &nothing);
}

static int
change_address(struct control *c, struct control_iface *i, const struct prefix *p, bool is_there,
	struct err *err)
{
	if (!control_has_host(c))
		return change_address_static(c, i, p, is_there);
	i->quick.is_stale = i->quick.is_guarded;
	return is_there ? netlink_addr_add(c->netlink, i->tun.ifindex, p, err) :
		netlink_addr_del(c->netlink, i->tun.ifindex, p, err);
}

/* ---- Routes of allowed-ips ---- */

static bool
list_connects(const struct prefix_list *l, const struct prefix *p)
{
	for (size_t i = 0; i < l->n; i++) {
		struct prefix net = prefix_masked(&l->items[i]);
		if (prefix_is_equal(&net, p))
			return true;
	}
	return false;
}

/* The kernel has that route by an address of ours; ours would take its place. */
static bool
is_connected(const struct control *c, const struct prefix *p)
{
	for (size_t i = 0; i < c->running->n_ports; i++)
		if (list_connects(&c->running->ports[i]->addresses, p))
			return true;
	for (size_t i = 0; i < c->running->n_interfaces; i++)
		if (list_connects(&c->running->interfaces[i]->addresses, p))
			return true;
	return false;
}

static int
route_in_kernel(struct control *c, struct control_iface *i, const struct iface_prefix *of,
	bool is_there, struct err *err)
{
	const struct prefix *p = &of->prefix;
	const struct interface_intent *it = intent_interface_find(c->running, i->name);
	struct netlink_route r = {
		.dst = *p,
		.source = membership_source(c, of->peer, p->addr.family),
		.ifindex = i->tun.ifindex,
		.table = it->table == TABLE_NUMBER ? it->table_id : 0,
	};
	if (it->table == TABLE_OFF || is_connected(c, p))
		return 0;
	if (p->len == 0 && it->table == TABLE_AUTO)
		return is_there ? quick_default_add(c, i, p->addr.family, err) :
			quick_default_remove(c, i, p->addr.family, err);
	if (is_there)
		return netlink_route_add(c->netlink, &r, err);
	int rc = netlink_route_del(c->netlink, &r, err);
	return rc == -ESRCH ? 0 : rc; /* somebody else took it away */
}

int
iface_route(struct control *c, struct control_iface *i, const struct iface_prefix *p,
	bool is_there, struct err *err)
{
	const struct iface_prefix of = {prefix_masked(&p->prefix), p->peer};
	if (c->is_stopping || (i->stage == IFACE_COMING && control_has_host(c)))
		return 0;
	if (of.prefix.len == 0 && membership_exit_decides(c, i, of.peer))
		return 0;
	if (!control_has_host(c)) {
		routes_static_allowed(c->routes, i->iface_id, &of.prefix, is_there);
		return 0;
	}
	return route_in_kernel(c, i, &of, is_there, err);
}

int
ifaces_route_all(struct control *c, struct control_iface *i, bool is_there, struct err *err)
{
	const struct interface_intent *it = intent_interface_find(c->running, i->name);
	int rc = 0;
	for (const struct peer_intent *p = it->peers.first; p; p = p->next)
		for (const struct allowed_intent *a = p->first_allowed; a && !rc; a = a->next)
			rc = iface_route(c, i, &(struct iface_prefix){a->prefix, &p->public_key},
				is_there, err);
	return rc;
}

/* The routes move from one table to another; the intent is told in between. */
static int
set_table(struct control *c, struct control_iface *i, const struct change *change,
	struct err *err)
{
	if (!control_has_host(c))
		return 0;
	int rc = ifaces_route_all(c, i, false, err);
	if (!rc)
		rc = intent_apply(c->running, change);
	return rc ? rc : ifaces_route_all(c, i, true, err);
}

/* ---- Changes ---- */

static int
change_iface(struct control *c, struct control_iface *i, const struct change *change,
	struct err *err)
{
	switch (change->kind) {
	case CHANGE_INTERFACE_REMOVE:
		membership_iface_gone(c, i);
		remove_iface(c, i);
		return 0;
	case CHANGE_INTERFACE_SET_HOOKS:
		i->hooks_are_new = i->stage == IFACE_UP;
		return 0;
	case CHANGE_INTERFACE_SET_SAVE:
		return 0; /* looked at when its time comes */
	case CHANGE_INTERFACE_SET_DNS:
		return i->stage == IFACE_COMING ? 0 : quick_set_dns(c, i, change->text, err);
	case CHANGE_INTERFACE_SET_KEY:
		return set_key(c, i, &change->key);
	case CHANGE_INTERFACE_SET_LISTEN_ADDRS:
		return iface_listen_set_addrs(c, i, change->text, err);
	case CHANGE_INTERFACE_SET_LISTEN_PORT:
		return iface_listen_set_port(c, i, (uint16_t)change->number, err);
	case CHANGE_INTERFACE_SET_FWMARK:
		return set_fwmark(c, i, (uint32_t)change->number, err);
	case CHANGE_INTERFACE_SET_MTU:
		return change->number || i->stage == IFACE_COMING ?
			ifaces_set_mtu(c, i, (uint16_t)change->number, err) :
			quick_set_mtu(c, i, err);
	case CHANGE_INTERFACE_SET_KEEP_MSS:
		tables_iface_set_clamp(c->tables, i->iface_id, !change->number);
		return 0;
	case CHANGE_INTERFACE_SET_TABLE:
		return set_table(c, i, change, err);
	case CHANGE_INTERFACE_SET_HEADSCALE:
		return membership_set(c, i, change->headscale, err);
	case CHANGE_INTERFACE_ADDRESS_ADD:
		return change_address(c, i, &change->prefix, true, err);
	case CHANGE_INTERFACE_ADDRESS_REMOVE:
		return change_address(c, i, &change->prefix, false, err);
	case CHANGE_INTERFACE_SNAT_ADD:
	case CHANGE_INTERFACE_SNAT_REMOVE:
		return 0; /* natting_settle comes behind all changes */
	default:
		return err_set(err, -EINVAL, "%s is not for an interface",
			change_name(change->kind));
	}
}

int
ifaces_change(struct control *c, const struct change *change, struct err *err)
{
	struct control_iface *i = iface_find(c, change->on);
	int rc;
	if (change->kind == CHANGE_INTERFACE_ADD)
		rc = i ? err_set(err, -EEXIST, "it is there already") :
			add_iface(c, change->on, err);
	else
		rc = i ? change_iface(c, i, change, err) : err_set(err, -ENOENT, "there is none");
	return rc ? err_prefix(err, rc, "interface %s", change->on) : 0;
}
