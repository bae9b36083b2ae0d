/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/quick.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "control/ifaces.h"
#include "control/membership_exit.h"
#include "control/quick_notes.h"
#include "host/netfilter.h"
#include "host/resolvconf.h"
#include "source/config_save.h"

enum {
	MTU_FLOOR = 1280,
	MTU_OVERHEAD = 80, /* IPv6, UDP, and WireGuard's header and tag */
	MTU_QUESTIONS = 256,
	SYNC_MS = 5000,
};

/* ---- Hooks ---- */

static int
run_one(struct control *c, const char *interface, const struct hook *h, struct err *err)
{
	char what[INTENT_WHERE_BYTES + 16];
	const struct hook_run run = {
		.interface = interface,
		.what = what,
		.command = h->command,
		.is_a_must = h->when == HOOK_PRE_DOWN || h->when == HOOK_POST_DOWN,
	};
	snprintf(what, sizeof(what), "%s (%s)", hook_when_name(h->when), h->where);
	return hook_run(&c->hooks, &run, err);
}

/* A copy is run: the hooks themselves may change the config. */
static int
run_up_hooks(struct control *c, const char *interface, enum hook_when when, struct err *err)
{
	const struct interface_intent *it = intent_interface_find(c->running, interface);
	struct hook_list hooks = {0};
	int rc = hook_list_set(&hooks, &it->hooks);
	if (rc)
		err_set(err, rc, "no memory to run the commands of %s", interface);
	for (size_t k = 0; k < hooks.n && !rc; k++)
		if (hooks.items[k].when == when)
			rc = run_one(c, interface, &hooks.items[k], err);
	hook_list_fini(&hooks);
	return rc;
}

static void
run_down_hooks(struct control *c, const struct interface_intent *it, enum hook_when when)
{
	for (size_t k = 0; k < it->hooks.n; k++) {
		struct err err = {0};
		if (it->hooks.items[k].when == when &&
			run_one(c, it->name, &it->hooks.items[k], &err))
			log_warn("%s", err.text);
	}
}

/* ---- MTU ---- */

/* The smallest of the routes to the endpoints; 0 when none can be told. */
static uint32_t
underlay_mtu(struct control *c, const struct control_iface *i)
{
	const struct interface_intent *it = intent_interface_find(c->running, i->name);
	uint32_t least = 0;
	unsigned n = 0;
	for (const struct peer_intent *pi = it->peers.first; pi && n < MTU_QUESTIONS;
		pi = pi->next) {
		const struct control_peer *p = peers_by_key(&c->peers, i->iface_id,
			&pi->public_key);
		struct endpoint e = {0};
		struct addr local;
		struct err err;
		uint32_t mtu;
		if (p)
			tables_encap_get(c->tables, p->peer_id, &e, &local);
		if (!endpoint_is_known(&e))
			continue;
		n++;
		if (netlink_route_mtu(c->netlink, &e.addr, i->fwmark, &mtu, &err) == 0 && mtu &&
			(!least || mtu < least))
			least = mtu;
	}
	return least;
}

/* 0: nobody knows. */
static uint16_t
automatic_mtu(struct control *c, const struct control_iface *i)
{
	uint32_t mtu = control_has_host(c) ? underlay_mtu(c, i) : 0;
	if (mtu)
		mtu = MAX_OF(mtu, MTU_FLOOR + MTU_OVERHEAD) - MTU_OVERHEAD;
	return (uint16_t)MIN_OF(mtu, INTENT_MTU_MAX);
}

int
quick_set_mtu(struct control *c, struct control_iface *i, struct err *err)
{
	return ifaces_set_mtu(c, i, automatic_mtu(c, i), err);
}

void
quick_endpoint_found(struct control *c, struct control_iface *i)
{
	const struct interface_intent *it = intent_interface_find(c->running, i->name);
	struct err err = {0};
	if (!it || it->mtu || i->stage == IFACE_COMING)
		return;
	uint16_t mtu = automatic_mtu(c, i);
	if (mtu && mtu != i->mtu && ifaces_set_mtu(c, i, mtu, &err))
		log_warn("%s: %s", i->name, err.text);
}

/* ---- DNS ---- */

static int
note_dns(struct control *c, const struct control_iface *i, struct err *err)
{
	char command[RESOLVCONF_COMMAND_BYTES], what[80];
	snprintf(what, sizeof(what), "take back the name servers of %s", i->name);
	const struct quick_command undo = {resolvconf_undo(i->name, command), what};
	return quick_note_command(c, i, NOTE_DNS, &undo, err);
}

int
quick_set_dns(struct control *c, struct control_iface *i, const char *dns, struct err *err)
{
	if (!control_has_host(c))
		return 0;
	if (!dns || !*dns) {
		quick_unset_dns(c, i);
		return 0;
	}
	int rc = i->has_dns ? 0 : note_dns(c, i, err);
	if (!rc)
		rc = resolvconf_set(i->name, dns, err);
	i->has_dns = i->has_dns || !rc;
	return rc;
}

void
quick_unset_dns(struct control *c, struct control_iface *i)
{
	struct err err = {0};
	int rc = i->has_dns ? resolvconf_unset(i->name, &err) : 0;
	i->has_dns = false;
	if (rc)
		log_warn("%s: its name servers stay: %s", i->name, err.text);
	else
		quick_forget(c, i->name, NOTE_DNS);
}

/* ---- SaveConfig ---- */

struct whereabouts {
	struct control *control;
	const struct control_iface *iface;
};

static bool
endpoint_of(void *ctx, const struct key *peer, struct endpoint *out)
{
	const struct whereabouts *w = ctx;
	const struct control_peer *p = peers_by_key(&w->control->peers, w->iface->iface_id, peer);
	struct addr local;
	if (p)
		tables_encap_get(w->control->tables, p->peer_id, out, &local);
	return p && endpoint_is_known(out);
}

struct device_addresses {
	uint32_t ifindex;
	struct prefix_list all;
	int rc;
};

static void
take_address(void *ctx, const struct net_object *o)
{
	struct device_addresses *d = ctx;
	if (o->addr.ifindex != d->ifindex || d->rc)
		return;
	int rc = prefix_list_add(&d->all, &o->addr.prefix);
	d->rc = rc == -EEXIST ? 0 : rc;
}

/* What the device has, by whomever: the config's first and in its order, as far as it is there. */
static int
collect_addresses(struct control *c, const struct control_iface *i,
	const struct interface_intent *it, struct prefix_list *out)
{
	struct device_addresses d = {.ifindex = i->tun.ifindex};
	struct err err;
	int rc = routes_sync(c->routes, SYNC_MS, &err);
	if (!rc)
		mirror_each(routes_mirror(c->routes), NET_ADDR, take_address, &d);
	rc = rc ? rc : d.rc;
	for (size_t k = 0; k < it->addresses.n && !rc; k++)
		if (prefix_list_has(&d.all, &it->addresses.items[k]))
			rc = prefix_list_add(out, &it->addresses.items[k]);
	for (size_t k = 0; k < d.all.n && !rc; k++)
		if (!prefix_list_has(out, &d.all.items[k]))
			rc = prefix_list_add(out, &d.all.items[k]);
	free(d.all.items);
	return rc;
}

static void
save_config(struct control *c, const struct control_iface *i, const struct interface_intent *it)
{
	struct whereabouts w = {c, i};
	struct prefix_list addresses = {0};
	struct config_live live = {.listen_port = i->listen_port, .endpoint = endpoint_of,
		.ctx = &w};
	struct err err = {0};
	if (!it->save_path)
		return;
	if (control_has_host(c) && collect_addresses(c, i, it, &addresses) == 0)
		live.addresses = &addresses;
	if (config_save(it, &live, &err))
		log_error("%s", err.text);
	else
		log_info("%s: its state is saved in %s", i->name, it->save_path);
	free(addresses.items);
}

/* ---- Up and down ---- */

int
quick_announce(struct control *c, struct control_iface *i, struct err *err)
{
	const struct interface_intent *it = intent_interface_find(c->running, i->name);
	if (it->dns && !control_has_host(c))
		log_warn("%s: DNS = %s is left alone with Host = no", i->name, it->dns);
	int rc = it->dns && control_has_host(c) ? resolvconf_find(err) : 0;
	if (rc)
		return err_prefix(err, rc, "%s: DNS = %s", i->name, it->dns);
	rc = quick_note_hooks(c, i, HOOK_POST_DOWN, err);
	return rc ? rc : run_up_hooks(c, i->name, HOOK_PRE_UP, err);
}

static int
set_host(struct control *c, struct control_iface *i, struct err *err)
{
	const struct interface_intent *it = intent_interface_find(c->running, i->name);
	int rc = it->mtu ? 0 : quick_set_mtu(c, i, err);
	if (!rc && it->dns)
		rc = quick_set_dns(c, i, it->dns, err);
	if (!rc)
		rc = ifaces_route_all(c, i, true, err);
	return rc ? rc : membership_exit_follow(c, i, err);
}

/* Commands may have set rules for what passes the kernel's filter by: those do nothing. */
static int
check_netfilter(struct control *c, const struct control_iface *i, struct err *err)
{
	const struct interface_intent *it = intent_interface_find(c->running, i->name);
	const char *names[2 * TABLES_MAX_PORTS + 1] = {i->name};
	unsigned n = 1;
	if (!it->hooks.n || !control_has_host(c) ||
		c->running->gateway.netfilter == NETFILTER_IGNORE)
		return 0;
	for (unsigned k = 0; k < c->config.n_ports && k < TABLES_MAX_PORTS; k++) {
		if (c->config.ports[k].netdev[0])
			names[n++] = c->config.ports[k].netdev;
		if (c->twins[k].is_made)
			names[n++] = c->twins[k].twin.name;
	}
	int rc = netfilter_check(names, n, err);
	if (rc && rc != -EPERM) {
		log_warn("%s: %s", i->name, err->text);
		return 0;
	}
	return rc ? err_prefix(err, rc, "%s: after PostUp", i->name) : 0;
}

int
quick_finish_up(struct control *c, struct control_iface *i, struct err *err)
{
	if (i->stage != IFACE_COMING)
		return 0;
	i->stage = IFACE_ROUTED;
	int rc = control_has_host(c) ? set_host(c, i, err) : 0;
	if (!rc)
		rc = quick_note_hooks(c, i, HOOK_PRE_DOWN, err);
	if (!rc)
		rc = run_up_hooks(c, i->name, HOOK_POST_UP, err);
	if (rc)
		return rc;
	i->stage = IFACE_UP; /* from here on what PostUp did is PostDown's to take back */
	return check_netfilter(c, i, err);
}

bool
quick_begin_down(struct control *c, struct control_iface *i)
{
	const struct interface_intent *it = intent_interface_find(c->running, i->name);
	if (i->stage == IFACE_UP && it) {
		i->stage = IFACE_LEAVING;
		run_down_hooks(c, it, HOOK_PRE_DOWN);
		save_config(c, i, it);
	}
	quick_forget(c, i->name, NOTE_PRE_DOWN);
	if (i->stage != IFACE_LEAVING)
		quick_forget(c, i->name, NOTE_POST_DOWN);
	return i->stage == IFACE_LEAVING;
}

void
quick_finish_down(struct control *c, const struct interface_intent *it)
{
	run_down_hooks(c, it, HOOK_POST_DOWN);
	quick_forget(c, it->name, NOTE_POST_DOWN);
}
