/* SPDX-License-Identifier: BSD-3-Clause */
/* Events in, each to the one who keeps it; what concerns everything waits for routes_settle. */
#include "control/routes.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "control/carriers.h"
#include "control/devices.h"
#include "control/fib.h"
#include "control/hops.h"
#include "control/marks.h"
#include "control/policy.h"
#include "host/netlink.h"

struct routes {
	struct routes_config config;
	struct mirror *mirror;
	struct netlink *netlink;
	struct devices devices;
	struct policy_rules rules;
	struct neighs neighs;
	struct hops hops;
	struct fib fibs[2];           /* by family_index */
	struct carriers carriers;
	bool locals_are_dirty;
	bool devices_are_dirty;       /* what devices_fill says may have changed */
	struct marks marks;
	struct log_limit limit;
};

static struct fib *
fib_of(struct routes *r, uint8_t family)
{
	return &r->fibs[family_index(family)];
}

static void
no_memory(struct routes *r, const char *what)
{
	log_write_limited(&r->limit, LOG_LEVEL_ERROR,
		"no memory to keep %s: routes are incomplete until headgated is restarted", what);
}

/* ---- Asking the kernel ---- */

static int
resolve(void *ctx, uint32_t ifindex, const struct addr *addr)
{
	struct routes *r = ctx;
	struct err err;
	int rc = netlink_neigh_resolve(r->netlink, ifindex, addr, &err);
	if (rc < 0)
		log_write_limited(&r->limit, LOG_LEVEL_WARN, "%s", err.text);
	return rc;
}

static void
forget(void *ctx, uint32_t ifindex, const struct addr *addr)
{
	struct routes *r = ctx;
	struct err err;
	(void)netlink_neigh_del(r->netlink, ifindex, addr, &err); /* it may have gone by itself */
}

static void
link_changed(void *ctx, const struct net_link *old, const struct net_link *now)
{
	routes_on_link(ctx, old, now);
}

static void
addr_changed(void *ctx, const struct net_addr *old, const struct net_addr *now)
{
	routes_on_addr(ctx, old, now);
}

static void
rule_changed(void *ctx, const struct net_rule *old, const struct net_rule *now)
{
	routes_on_rule(ctx, old, now);
}

static void
route_changed(void *ctx, const struct net_route *old, const struct net_route *now)
{
	routes_on_route(ctx, old, now);
}

static void
neigh_changed(void *ctx, const struct net_neigh *old, const struct net_neigh *now)
{
	routes_on_neigh(ctx, old, now);
}

static void
settled(void *ctx)
{
	routes_settle(ctx);
}

/* ---- Life ---- */

static int
open_host(struct routes *r, struct err *err)
{
	const struct mirror_observer observer = {.ctx = r, .link_changed = link_changed,
		.addr_changed = addr_changed, .rule_changed = rule_changed,
		.route_changed = route_changed, .neigh_changed = neigh_changed, .settled = settled};
	r->netlink = netlink_open(err);
	if (!r->netlink)
		return -EIO;
	r->mirror = mirror_create(&observer, 0, err);
	return r->mirror ? 0 : -EIO;
}

int
routes_create(const struct routes_config *config, struct routes **out, struct err *err)
{
	struct routes *r = calloc(1, sizeof(*r));
	if (!r)
		return err_set(err, -ENOMEM, "no memory for the routes");
	struct neigh_ops kernel = {.ctx = r, .resolve = resolve, .forget = forget};
	r->config = *config;
	r->limit = (struct log_limit)LOG_LIMIT_INIT;
	r->carriers = (struct carriers){.set_link = config->set_link, .ctx = config->ctx};
	int rc = neighs_init(&r->neighs, config->asks ? config->asks :
		config->has_host ? &kernel : NULL);
	if (rc)
		err_set(err, rc, "no memory for the neighbours");
	r->hops = (struct hops){.tables = config->tables, .neighs = &r->neighs,
		.fill = devices_fill, .ctx = &r->devices};
	hops_init(&r->hops);
	fib_init(&r->fibs[0], ADDR_V4, config->tables, &r->hops, &r->devices);
	fib_init(&r->fibs[1], ADDR_V6, config->tables, &r->hops, &r->devices);
	if (!rc && config->has_host)
		rc = open_host(r, err);
	if (rc) {
		routes_destroy(r);
		return rc;
	}
	*out = r;
	return 0;
}

void
routes_destroy(struct routes *r)
{
	if (!r)
		return;
	mirror_destroy(r->mirror);
	fib_fini(&r->fibs[0]);
	fib_fini(&r->fibs[1]);
	r->neighs.ops = (struct neigh_ops){0};
	hops_fini(&r->hops);
	neighs_fini(&r->neighs);
	netlink_close(r->netlink);
	policy_rules_fini(&r->rules);
	devices_fini(&r->devices);
	free(r);
}

int
routes_fd(const struct routes *r)
{
	return r->mirror ? mirror_fd(r->mirror) : -1;
}

int
routes_process(struct routes *r, struct err *err)
{
	return r->mirror ? mirror_process(r->mirror, err) : 0;
}

int
routes_sync(struct routes *r, int timeout_ms, struct err *err)
{
	int rc = r->mirror ? mirror_sync(r->mirror, timeout_ms, err) : 0;
	routes_settle(r);
	return rc;
}

const struct mirror *
routes_mirror(const struct routes *r)
{
	return r->mirror;
}

/* ---- Settling ---- */

void
routes_settle(struct routes *r)
{
	if (r->mirror && !mirror_is_synced(r->mirror))
		return; /* the mirror calls when it is */
	if (r->mirror)
		carriers_look(&r->carriers, r->mirror);
	for (unsigned f = 0; f < 2; f++) {
		if (r->fibs[f].is_dirty)
			fib_compile(&r->fibs[f], &r->rules, &r->marks);
	}
	r->marks.ready = r->marks.used;
	marks_publish(&r->marks, &r->devices, r->config.tables);
	if (r->devices_are_dirty)
		hops_devices_changed(&r->hops);
	r->devices_are_dirty = false;
	/* Last: it makes workers ask for outer headers anew, which take their source from above. */
	if (r->locals_are_dirty) {
		r->locals_are_dirty = false;
		if (devices_publish_locals(&r->devices, r->config.tables)) {
			r->locals_are_dirty = true;
			no_memory(r, "the box's addresses");
		}
	}
}

/* Which devices are ours has changed, so all routes are to be looked at again. */
static void
roles_changed(struct routes *r)
{
	marks_choose(&r->marks, &r->devices, r->config.tables);
	marks_publish(&r->marks, &r->devices, r->config.tables);
	r->fibs[0].is_dirty = r->fibs[1].is_dirty = true;
	r->devices_are_dirty = true;
}

/* ---- Ports and tunnels ---- */

int
routes_port_add(struct routes *r, const struct routes_port *port, struct err *err)
{
	const struct device d = {.role = DEVICE_PORT, .ifindex = port->ifindex,
		.link_id = port->link_id, .mtu = port->mtu, .mac = port->mac};
	if (port->link_id >= TABLES_MAX_PORTS)
		return err_set(err, -EINVAL, "link %u is no port", port->link_id);
	int rc = device_add(&r->devices, &d);
	if (rc < 0)
		return err_set(err, rc, "too many ports and tunnels");
	if (rc == 0) {
		carriers_add(&r->carriers, port);
		roles_changed(r);
	}
	return 0;
}

void
routes_port_remove(struct routes *r, uint16_t link_id)
{
	const struct device *d = device_of_link(&r->devices, link_id);
	carriers_remove(&r->carriers, link_id);
	if (d && device_remove(&r->devices, d->ifindex))
		roles_changed(r);
}

int
routes_tunnel_add(struct routes *r, const struct routes_tunnel *tunnel, struct err *err)
{
	const struct device d = {.role = DEVICE_TUNNEL, .ifindex = tunnel->ifindex,
		.link_id = link_of_iface(tunnel->iface_id), .iface_id = tunnel->iface_id,
		.mtu = tunnel->mtu, .fwmark = tunnel->fwmark};
	if (!marks_have_room(&r->devices, d.link_id, d.fwmark))
		return err_set(err, -ENOSPC, "FwMark 0x%x is one more than the %d different ones "
			"that interfaces can have", d.fwmark, TABLES_MAX_UNDERLAYS);
	int rc = device_add(&r->devices, &d);
	if (rc < 0)
		return err_set(err, rc, "too many ports and tunnels");
	if (rc == 0)
		roles_changed(r);
	return 0;
}

void
routes_tunnel_remove(struct routes *r, uint16_t iface_id)
{
	const struct device *d = device_of_link(&r->devices, link_of_iface(iface_id));
	if (d && device_remove(&r->devices, d->ifindex))
		roles_changed(r);
}

/* ---- Events ---- */

static void
neigh_set(struct routes *r, struct neigh *n, const struct net_neigh *now)
{
	if (neigh_update(n, now)) {
		if (fib_neigh_changed(fib_of(r, n->addr.family), n))
			no_memory(r, "a neighbour");
		hops_neigh_changed(&r->hops, n);
	}
	neigh_forget_failed(&r->neighs, n);
	neigh_tidy(&r->neighs, n);
}

/* The kernel may have told of each thing already; what it has not, goes with the device. */
static void
device_gone(struct routes *r, uint32_t ifindex)
{
	for (unsigned i = r->devices.n_addrs; i-- > 0;) {
		struct net_addr a = r->devices.addrs[i];
		if (a.ifindex == ifindex)
			routes_on_addr(r, &a, NULL);
	}
	for (size_t i = 0; i < r->neighs.by_addr.n_buckets; i++) {
		struct hash_link *next, *l = r->neighs.by_addr.buckets[i];
		for (; l; l = next) {
			struct neigh *n = CONTAINER_OF(l, struct neigh, by_addr);
			next = l->next;
			if (n->ifindex == ifindex)
				neigh_set(r, n, NULL);
		}
	}
	if (device_remove(&r->devices, ifindex))
		roles_changed(r);
}

void
routes_on_link(struct routes *r, const struct net_link *old, const struct net_link *now)
{
	carriers_link_changed(&r->carriers, old, now);
	if (!now) {
		device_gone(r, old->ifindex);
		return;
	}
	struct device *d = device_find(&r->devices, now->ifindex);
	if (!d || !now->mtu || d->mtu == now->mtu)
		return;
	d->mtu = (uint16_t)MIN_OF(now->mtu, UINT16_MAX);
	r->devices_are_dirty = true;
}

void
routes_on_addr(struct routes *r, const struct net_addr *old, const struct net_addr *now)
{
	if (old && !now)
		devices_addr_remove(&r->devices, old);
	if (now && devices_addr_add(&r->devices, now))
		no_memory(r, "an address");
	r->locals_are_dirty = r->devices_are_dirty = true;
}

void
routes_on_rule(struct routes *r, const struct net_rule *old, const struct net_rule *now)
{
	const struct net_rule *rule = now ? now : old;
	if (old)
		policy_rules_remove(&r->rules, old);
	if (now && policy_rules_add(&r->rules, now))
		no_memory(r, "a routing rule");
	fib_of(r, rule->family)->is_dirty = true;
}

void
routes_on_route(struct routes *r, const struct net_route *old, const struct net_route *now)
{
	const struct net_route *route = now ? now : old;
	struct fib *fib = fib_of(r, route->dst.addr.family);
	if (route->tos || route->src.len)
		log_write_limited(&r->limit, LOG_LEVEL_WARN,
			"a route of table %u by source address or type of service cannot be "
			"followed and is left out", route->table);
	else if (!now)
		fib_route_remove(fib, old);
	else if (fib_route_put(fib, now))
		no_memory(r, "a route");
}

void
routes_on_neigh(struct routes *r, const struct net_neigh *old, const struct net_neigh *now)
{
	const struct net_neigh *neigh = now ? now : old;
	if (addr_is_multicast(&neigh->addr))
		return;
	struct neigh *n = now ? neigh_get(&r->neighs, now->ifindex, &now->addr) :
		neigh_find(&r->neighs, old->ifindex, &old->addr);
	if (n)
		neigh_set(r, n, now);
	else if (now)
		no_memory(r, "a neighbour");
}

void
routes_neighbour_wanted(struct routes *r, uint16_t link_id, const struct addr *addr, ns_t now_ns)
{
	const struct device *d = device_of_link(&r->devices, link_id);
	if (!d || d->role != DEVICE_PORT || addr_is_zero(addr) || addr_is_multicast(addr))
		return;
	r->neighs.now_ns = now_ns;
	neigh_want(&r->neighs, d->ifindex, addr);
}

void
routes_tick(struct routes *r, ns_t now_ns)
{
	neighs_tick(&r->neighs, now_ns);
	hops_tick(&r->hops);
	routes_settle(r);
}

/* ---- Looked up ---- */

static bool
is_ports(const struct routes *r, const struct net_addr *a)
{
	const struct device *d = device_find(&r->devices, a->ifindex);
	return d && d->role == DEVICE_PORT && a->scope != RT_SCOPE_HOST &&
		a->scope != RT_SCOPE_LINK;
}

size_t
routes_port_addresses(const struct routes *r, struct addr *out, size_t max)
{
	size_t n = 0;
	for (unsigned i = 0; i < r->devices.n_addrs && n < max; i++) {
		const struct net_addr *a = &r->devices.addrs[i];
		if (is_ports(r, a))
			out[n++] = a->prefix.addr;
	}
	return n;
}

bool
routes_is_attached(const struct routes *r, const struct prefix *p)
{
	for (unsigned i = 0; i < r->devices.n_addrs; i++) {
		const struct prefix *own = &r->devices.addrs[i].prefix;
		const struct prefix *wider = own->len < p->len ? own : p;
		const struct prefix *other = wider == own ? p : own;
		if (is_ports(r, &r->devices.addrs[i]) &&
			own->addr.family == p->addr.family && prefix_has(wider, &other->addr))
			return true;
	}
	return false;
}

const struct prefix *
routes_network(const struct routes *r, size_t i)
{
	return i < r->devices.n_addrs ? &r->devices.addrs[i].prefix : NULL;
}
