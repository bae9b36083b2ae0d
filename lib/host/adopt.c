/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/adopt.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "host/adopt_inner.h"
#include "host/netdev.h"

struct adoption {
	struct netlink *nl;
	struct restore *restore;
	char port[RESTORE_OWNER_BYTES / 2];
	char twin[IF_NAMESIZE];
	struct adopt_state had; /* by the netdev */
	bool had_gen_mode; /* it formed addresses from its MAC address */
	bool is_taken;
};

/* Who owns which steps: a give-back replaces the addresses, and undoes IPv6 before them. */
struct owners {
	char port[RESTORE_OWNER_BYTES];
	char addresses[RESTORE_OWNER_BYTES];
	char addresses_at_end[RESTORE_OWNER_BYTES];
	char ipv6[RESTORE_OWNER_BYTES];
};

static struct owners
owners_of(const struct adoption *a)
{
	struct owners o;
	snprintf(o.port, sizeof(o.port), "port %s", a->port);
	snprintf(o.addresses, sizeof(o.addresses), "port %s, addresses", a->port);
	snprintf(o.addresses_at_end, sizeof(o.addresses_at_end), "port %s, addresses at its end",
		a->port);
	snprintf(o.ipv6, sizeof(o.ipv6), "port %s, IPv6", a->port);
	return o;
}

void
adopt_prepare_twin(const struct adoption *a)
{
	adopt_set_gen_mode(a->twin, false);
	adopt_copy_settings(a->had.device.name, a->twin);
}

/* ---- Beginning: what there is, and how to put it back ---- */

static struct adopt_move
move_of(const struct adoption *a, const struct adopt_device *from, const struct adopt_device *to,
	const char *owner)
{
	return (struct adopt_move){.nl = a->nl, .restore = a->restore, .owner = owner,
		.from = from, .to = to};
}

/* Members of a bridge, bond or VRF live by rules of their master, which a twin would not know. */
static int
check_master(const struct adopt_wish *w, struct err *err)
{
	struct net_link link, master;
	int rc = netlink_link_by_name(w->nl, w->netdev, &link, err);
	if (rc || !link.master_ifindex)
		return rc;
	if (netlink_link_by_index(w->nl, link.master_ifindex, &master, NULL))
		snprintf(master.name, sizeof(master.name), "another device");
	return err_set(err, -EBUSY,
		"%s belongs to %s (a bridge, bond or VRF), so it cannot be adopted: take it out "
		"with `ip link set %s nomaster`, or set Adopt = no", w->netdev, master.name,
		w->netdev);
}

static int
check_state(const struct adopt_wish *w, const struct adopt_state *s, struct err *err)
{
	if (!s->impossible[0])
		return 0;
	return err_set(err, -EOPNOTSUPP,
		"%s of %s cannot be moved to %s (it goes by a nexthop object, or by very many "
		"hops): give the port its Address and Gateway, or set Adopt = no", s->impossible,
		w->netdev, w->twin);
}

/* The rules of the netdev stay as they are; the twin gets the same beside them. */
static int
note_all(const struct adoption *a, struct err *err)
{
	const struct owners o = owners_of(a);
	const struct adopt_state *s = &a->had;
	struct adopt_device twin = {0};
	snprintf(twin.name, sizeof(twin.name), "%s", a->twin);
	const struct adopt_move back = move_of(a, &s->device, &s->device, o.addresses);
	const struct adopt_move rules = move_of(a, &s->device, &twin, o.port);
	int rc = 0;
	for (unsigned i = s->n; !rc && i > 0; i--) {
		const struct adopt_item *it = &s->items[i - 1];
		rc = it->class == ADOPT_RULE ? adopt_note_deletion(&rules, it, err) :
			adopt_note(&back, it, err);
	}
	return rc;
}

static int
set_netdev(const struct adoption *a, const char *owner, const char *what, struct err *err)
{
	char path[96];
	snprintf(path, sizeof(path), "net/ipv6/conf/%s/%s", a->had.device.name, what);
	return netdev_set_sysctl(a->restore, owner, path, "1", err);
}

/*
 * First of all the netdev stops to form link-local addresses: one that it formed when IPv6 comes
 * back would have to be probed for, and until then it could not be used.
 */
static int
note(const struct adoption *a, struct err *err)
{
	int rc = set_netdev(a, owners_of(a).port, "addr_gen_mode", err);
	return rc ? rc : note_all(a, err);
}

static void
warn_of_stacked(const struct adoption *a)
{
	char name[IF_NAMESIZE];
	if (adopt_find_stacked(a->nl, a->had.device.ifindex, name))
		log_warn("port %s: %s stands on %s and hears nothing while the port has it: set it "
			"up on %s instead, or make it a port (Device = %s.ID) if it is a VLAN",
			a->port, name, a->had.device.name, a->twin, a->port);
}

int
adopt_begin(const struct adopt_wish *w, struct adoption **out, struct err *err)
{
	struct adoption *a = calloc(1, sizeof(*a));
	*out = NULL;
	if (!a)
		return err_set(err, -ENOMEM, "no memory to adopt %s", w->netdev);
	a->nl = w->nl;
	a->restore = w->restore;
	snprintf(a->port, sizeof(a->port), "%s", w->port);
	snprintf(a->twin, sizeof(a->twin), "%s", w->twin);
	int rc = check_master(w, err);
	if (!rc)
		rc = adopt_state_read(&a->had, a->nl, w->netdev, err);
	bool is_worth_it = !rc && a->had.n_addresses;
	if (is_worth_it && !rc)
		rc = check_state(w, &a->had, err);
	a->had_gen_mode = is_worth_it && adopt_has_gen_mode(w->netdev);
	if (is_worth_it && !rc)
		rc = note(a, err);
	if (is_worth_it && !rc) {
		warn_of_stacked(a);
		*out = a;
	} else {
		adopt_end(a);
	}
	return rc;
}

void
adopt_end(struct adoption *a)
{
	if (!a)
		return;
	adopt_state_fini(&a->had);
	free(a);
}

/* ---- Taking ---- */

static int
find_device(const struct adoption *a, const char *name, struct adopt_device *out,
	struct err *err)
{
	struct net_link link;
	int rc = netlink_link_by_name(a->nl, name, &link, err);
	if (rc)
		return rc;
	out->ifindex = link.ifindex;
	memcpy(out->name, link.name, sizeof(out->name));
	return 0;
}

static int
put_all(const struct adopt_state *s, const struct adopt_move *m, struct err *err)
{
	int rc = 0;
	for (unsigned i = 0; !rc && i < s->n; i++)
		rc = adopt_put(m, &s->items[i], err);
	return rc;
}

/* A group has been replaced as a whole, and IPv6 goes by itself when it is switched off. */
static bool
is_to_be_removed(const struct adopt_item *it)
{
	const struct rtmsg *route = NLMSG_DATA(it->message);
	switch (it->class) {
	case ADOPT_ADDR_V4:
		return true;
	case ADOPT_ROUTE_LINK:
	case ADOPT_ROUTE_VIA:
		return route->rtm_family == AF_INET;
	default:
		return false;
	}
}

static void
remove_all(const struct adopt_state *s, const struct adopt_move *m)
{
	for (unsigned i = s->n; i > 0; i--) {
		if (is_to_be_removed(&s->items[i - 1]))
			adopt_remove(m, &s->items[i - 1]);
	}
}

/* Only what is wholly on the twin leaves the netdev. */
int
adopt_take(struct adoption *a, struct err *err)
{
	const struct adopt_state *s = &a->had;
	struct adopt_device twin;
	int rc = find_device(a, a->twin, &twin, err);
	const struct adopt_move m = move_of(a, &s->device, &twin, NULL);
	if (!rc)
		rc = put_all(s, &m, err);
	if (!rc)
		rc = set_netdev(a, owners_of(a).ipv6, "disable_ipv6", err);
	if (rc)
		return rc;
	remove_all(s, &m);
	/* Router advertisements may bring addresses from now on: formed as the netdev would. */
	if (a->had_gen_mode)
		adopt_set_gen_mode(a->twin, true);
	a->is_taken = true;
	log_info("port %s: %s has taken over %u address%s and %u route%s of %s", a->port, a->twin,
		s->n_addresses, s->n_addresses == 1 ? "" : "es", s->n_routes,
		s->n_routes == 1 ? "" : "s", s->device.name);
	return 0;
}

/* ---- Giving back ---- */

/* What the twin has now takes the place of what the netdev had. */
static int
note_twin(const struct adoption *a, struct err *err)
{
	const struct owners o = owners_of(a);
	struct adopt_state s;
	int rc = adopt_state_read(&s, a->nl, a->twin, err);
	if (rc)
		return rc;
	const struct adopt_move back = move_of(a, &s.device, &a->had.device, o.addresses_at_end);
	for (unsigned i = s.n; !rc && i > 0; i--) {
		if (s.items[i - 1].class != ADOPT_RULE)
			rc = adopt_note(&back, &s.items[i - 1], err);
	}
	adopt_state_fini(&s);
	restore_forget_of(a->restore, rc ? o.addresses_at_end : o.addresses);
	return rc;
}

int
adopt_give_back(struct adoption *a, struct err *err)
{
	const struct owners o = owners_of(a);
	const char *const order[] = {o.ipv6, o.addresses, o.addresses_at_end};
	int first = 0;
	struct err e;
	if (!a->is_taken)
		return 0;
	a->is_taken = false;
	if (note_twin(a, &e))
		log_warn("port %s: %s gets back what it had at the start: %s", a->port,
			a->had.device.name, e.text);
	for (unsigned i = 0; i < ARRAY_COUNT(order); i++) {
		int rc = restore_undo_of(a->restore, order[i], a->nl, &e);
		if (rc && !first)
			first = err_set(err, rc, "%s", e.text);
	}
	return first;
}

int
adopt_first_address(struct netlink *nl, const char *netdev, char out[PREFIX_TEXT_BYTES],
	struct err *err)
{
	struct adopt_state s;
	out[0] = 0;
	int rc = adopt_state_read(&s, nl, netdev, err);
	if (rc)
		return rc;
	for (unsigned i = 0; i < s.n && !out[0]; i++) {
		if (s.items[i].class <= ADOPT_ADDR_V6 && adopt_is_address(s.items[i].message))
			adopt_format_address(s.items[i].message, out);
	}
	adopt_state_fini(&s);
	return 0;
}
