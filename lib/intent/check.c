/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What no single line of a config shows: whether the intent makes sense as a whole. Duplicate
 * names cannot arise (the adds refuse them); a prefix given to two peers belongs to the last one,
 * as with `wg`, and the config reader warns of it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "intent/cores.h"
#include "intent/intent.h"
#include "intent/vlan.h"

static int
check_mtu(const char *where, const char *name, uint16_t mtu, struct err *err)
{
	if (mtu == 0 || (mtu >= INTENT_MTU_MIN && mtu <= INTENT_MTU_MAX))
		return 0;
	return err_set(err, -EINVAL, "%s: %s has MTU %u: it must be %d to %d", where, name, mtu,
		INTENT_MTU_MIN, INTENT_MTU_MAX);
}

static int
check_gateway(const struct intent *it, struct err *err)
{
	char where[INTENT_WHERE_BYTES];
	struct core_set workers = {0};
	const struct gateway_intent *g = &it->gateway;
	intent_where(it, g->origin, where);
	if (g->workers[0] && core_set_parse(g->workers, &workers) < 0)
		return err_set(err, -EINVAL, "%s: Workers = %s is no list of cores such as 1-3",
			where, g->workers);
	if (g->control_core >= 0 && core_set_has(&workers, (unsigned)g->control_core))
		return err_set(err, -EINVAL,
			"%s: core %d is named in Control and in Workers: give control a core of "
			"its own, or leave Control out",
			where, g->control_core);
	return 0;
}

static int
check_port(const struct intent *it, size_t index, struct err *err)
{
	char where[INTENT_WHERE_BYTES];
	const struct port_intent *p = it->ports[index];
	intent_where(it, p->origin, where);
	if (!p->device[0])
		return err_set(err, -EINVAL,
			"%s: port %s has no Device: give a PCI address or a DPDK device string, "
			"for example: Device = net_af_xdp0,iface=eth1",
			where, p->name);
	int rc = vlan_check(it, index, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < index; i++) {
		if (strcmp(it->ports[i]->device, p->device) == 0)
			return err_set(err, -EINVAL,
				"%s: port %s has the same Device as port %s: %s", where, p->name,
				it->ports[i]->name, p->device);
	}
	return check_mtu(where, p->name, p->mtu, err);
}

/* A twin is a link of the kernel beside the interfaces' own. */
static int
check_twin_names(const struct intent *it, const struct interface_intent *i, struct err *err)
{
	char where[INTENT_WHERE_BYTES], twin[INTENT_PORT_NAME_BYTES + 3];
	for (size_t n = 0; n < it->n_ports; n++) {
		snprintf(twin, sizeof(twin), "hg-%s", it->ports[n]->name);
		if (strcmp(twin, i->name) == 0)
			return err_set(err, -EINVAL,
				"%s: interface %s has the name of port %s's twin: rename one",
				intent_where(it, i->origin, where), i->name, it->ports[n]->name);
	}
	return 0;
}

/* Both on any address, or on one that they share. */
static bool
listen_overlaps(const struct interface_intent *a, const struct interface_intent *b)
{
	for (unsigned k = 0; k < a->n_listen_addrs; k++) {
		for (unsigned n = 0; n < b->n_listen_addrs; n++) {
			if (addr_is_equal(&a->listen_addrs[k], &b->listen_addrs[n]))
				return true;
		}
	}
	return !a->n_listen_addrs || !b->n_listen_addrs;
}

static int
check_listen_ports(const struct intent *it, size_t index, struct err *err)
{
	char where[INTENT_WHERE_BYTES], other[INTENT_WHERE_BYTES];
	const struct interface_intent *i = it->interfaces[index];
	for (size_t n = 0; n < index && i->listen_port; n++) {
		const struct interface_intent *o = it->interfaces[n];
		if (o->listen_port == i->listen_port && listen_overlaps(i, o))
			return err_set(err, -EINVAL,
				"%s: interface %s listens on port %u as interface %s does (%s): "
				"give each its own ListenPort, or a ListenAddress of its own",
				intent_where(it, i->origin, where), i->name, i->listen_port,
				o->name, intent_where(it, o->origin, other));
	}
	return 0;
}

/* Whether an interface before index has that one's FwMark. */
static bool
is_known_mark(const struct intent *it, size_t index)
{
	for (size_t n = 0; n < index; n++) {
		if (it->interfaces[n]->fwmark == it->interfaces[index]->fwmark)
			return true;
	}
	return false;
}

static int
check_fwmarks(const struct intent *it, size_t index, struct err *err)
{
	char where[INTENT_WHERE_BYTES];
	const struct interface_intent *i = it->interfaces[index];
	unsigned n_marks = 0;
	for (size_t n = 0; n <= index; n++)
		n_marks += !is_known_mark(it, n);
	if (n_marks <= INTENT_MAX_FWMARKS || is_known_mark(it, index))
		return 0;
	return err_set(err, -EINVAL,
		"%s: FwMark 0x%x of interface %s is one more than the %d different ones that "
		"there can be: let some interfaces share one", intent_where(it, i->origin, where),
		i->fwmark, i->name, INTENT_MAX_FWMARKS);
}

/* Whose word is trusted is said before anything is sent. */
static int
check_server(const char *where, const struct headscale_intent *h, struct err *err)
{
	if (!h->server[0])
		return err_set(err, -EINVAL, "%s: [Headscale] has no Server, for example: "
			"Server = https://headscale.example.com", where);
	if (strncasecmp(h->server, "https://", 8) != 0 && key_is_zero(&h->server_key))
		return err_set(err, -EINVAL, "%s: over plain http anybody could be the server: "
			"give an https URL, or ServerKey (the publicKey of %s/key?v=131, asked "
			"for where the way to it is safe)", where, h->server);
	return 0;
}

/* The internet lies in one direction. */
static int
check_exit_node(const char *where, const struct interface_intent *i, struct err *err)
{
	static const struct prefix all[] = {{.addr.family = ADDR_V4}, {.addr.family = ADDR_V6}};
	const struct headscale_intent *h = i->headscale;
	if (!h->exit_node[0])
		return 0;
	if (h->offers_exit)
		return err_set(err, -EINVAL, "%s: ExitNode and AdvertiseExitNode: a gateway "
			"offers its own way to the internet, or takes another's: leave one out",
			where);
	if (i->table != TABLE_AUTO)
		return err_set(err, -EINVAL, "%s: ExitNode makes routing rules of its own and "
			"needs Table = auto: leave Table out", where);
	for (unsigned k = 0; k < 2; k++) {
		if (allowed_find(&i->peers, &all[k]))
			return err_set(err, -EINVAL, "%s: ExitNode, and a peer with AllowedIPs = "
				"%s: only one of them can be the way to the internet", where,
				k ? "::/0" : "0.0.0.0/0");
	}
	return 0;
}

static int
check_headscale(const struct intent *it, size_t index, struct err *err)
{
	char where[INTENT_WHERE_BYTES], other[INTENT_WHERE_BYTES];
	const struct interface_intent *i = it->interfaces[index];
	if (!i->headscale)
		return 0;
	intent_where(it, i->headscale->origin, where);
	for (size_t n = 0; n < index; n++) {
		const struct headscale_intent *h = it->interfaces[n]->headscale;
		if (h)
			return err_set(err, -EINVAL, "%s: a second [Headscale]: the first is at "
				"%s, and there is one for all files", where,
				intent_where(it, h->origin, other));
	}
	if (i->save_path)
		return err_set(err, -EINVAL, "%s: SaveConfig would write the tailnet's peers into "
			"the file: take it out", where);
	int rc = check_exit_node(where, i, err);
	return rc ? rc : check_server(where, i->headscale, err);
}

static int
check_interface(const struct intent *it, size_t index, struct err *err)
{
	char where[INTENT_WHERE_BYTES];
	const struct interface_intent *i = it->interfaces[index];
	intent_where(it, i->origin, where);
	if (!i->has_key && !i->headscale)
		return err_set(err, -EINVAL,
			"%s: interface %s has no private key: give PrivateKey (from `wg genkey`) "
			"or PrivateKeyFile",
			where, i->name);
	struct key own = interface_public_key(i);
	const struct peer_intent *self = peer_set_find(&i->peers, &own);
	if (self)
		return err_set(err, -EINVAL,
			"%s: this peer's PublicKey is interface %s's own: give the other side's",
			intent_where(it, self->origin, where), i->name);
	int rc = check_mtu(where, i->name, i->mtu, err);
	if (rc == 0)
		rc = check_twin_names(it, i, err);
	if (rc == 0)
		rc = check_fwmarks(it, index, err);
	if (rc == 0)
		rc = check_headscale(it, index, err);
	return rc ? rc : check_listen_ports(it, index, err);
}

int
intent_check(const struct intent *it, struct err *err)
{
	int rc = check_gateway(it, err);
	for (size_t i = 0; i < it->n_ports && rc == 0; i++)
		rc = check_port(it, i, err);
	for (size_t i = 0; i < it->n_interfaces && rc == 0; i++)
		rc = check_interface(it, i, err);
	return rc;
}
