/* SPDX-License-Identifier: BSD-3-Clause */
/* The steps of quick_default.h, each undone by the function below it. */
#include "control/quick_default.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "control/core.h"
#include "control/ifaces.h"
#include "control/quick_notes.h"
#include "host/nft.h"
#include "host/sysctl.h"

enum {
	FIRST_NUMBER = 51820,
	SYNC_MS = 5000,
	PRIORITY_NONE_BELOW = 32766, /* the kernel's own `lookup main` */
};

static const char src_valid_mark[] = "net/ipv4/conf/all/src_valid_mark";

/* ---- Numbers that are free ---- */

struct number_search {
	uint32_t number;
	bool is_used;
};

static void
look_at_rule(void *ctx, const struct net_object *o)
{
	struct number_search *s = ctx;
	const struct net_rule *r = &o->rule;
	if (r->table == s->number || (r->fwmask && r->fwmark == s->number))
		s->is_used = true;
}

static void
look_at_route(void *ctx, const struct net_object *o)
{
	struct number_search *s = ctx;
	if (o->route.table == s->number)
		s->is_used = true;
}

/* Another interface of ours may have the number and nothing in the kernel yet. */
static const struct control_iface *
holder_of(const struct control *c, const struct control_iface *i, uint32_t number)
{
	for (unsigned k = 0; k < TABLES_MAX_IFACES; k++) {
		const struct control_iface *other = &c->ifaces[k];
		if (other->is_live && other != i &&
			(other->fwmark == number || other->quick.number == number))
			return other;
	}
	return NULL;
}

static bool
is_free(const struct control *c, const struct control_iface *i, uint32_t number)
{
	struct number_search s = {.number = number};
	mirror_each(routes_mirror(c->routes), NET_RULE, look_at_rule, &s);
	if (!s.is_used)
		mirror_each(routes_mirror(c->routes), NET_ROUTE, look_at_route, &s);
	return !s.is_used && !holder_of(c, i, number);
}

static int
choose_number(struct control *c, struct control_iface *i, struct err *err)
{
	uint32_t asked = i->has_exit ? 0 : i->fwmark_asked, number = asked;
	const struct control_iface *other = number ? holder_of(c, i, number) : NULL;
	if (other && other->quick.number)
		return err_set(err, -EEXIST,
			"%s and %s are both the default route with FwMark = 0x%x: give each its "
			"own, or none", other->name, i->name, number);
	int rc = routes_sync(c->routes, SYNC_MS, err);
	if (rc)
		return rc;
	for (number = asked ? asked : FIRST_NUMBER; !asked && !is_free(c, i, number);)
		number++;
	i->quick.number = number;
	return 0;
}

/* ---- Priorities, as the kernel would choose them: before the second rule there is ---- */

struct priority_search {
	uint8_t family;
	uint32_t second;
};

static void
look_at_priority(void *ctx, const struct net_object *o)
{
	struct priority_search *s = ctx;
	const struct net_rule *r = &o->rule;
	if (r->family == s->family && r->priority && r->priority < s->second)
		s->second = r->priority;
}

static int
choose_priority(struct control *c, struct control_iface *i, uint8_t family, struct err *err)
{
	struct priority_search s = {.family = family, .second = PRIORITY_NONE_BELOW};
	int rc = routes_sync(c->routes, SYNC_MS, err);
	if (rc)
		return rc;
	mirror_each(routes_mirror(c->routes), NET_RULE, look_at_priority, &s);
	if (s.second < 3)
		return err_set(err, -ENOSPC,
			"%s: there is no room before IPv%u's routing rule %u for the two of a "
			"default route: give that rule a larger priority", i->name, family,
			s.second);
	i->quick.priority[family_index(family)] = s.second - 1;
	return 0;
}

/* ---- Rules and the route ---- */

static struct netlink_rule
rule_of_mark(const struct control_iface *i, uint8_t family)
{
	const struct quick_default *q = &i->quick;
	return (struct netlink_rule){.family = family, .table = q->number,
		.fwmark = i->has_exit ? 0 : q->number,
		.priority = q->priority[family_index(family)], .suppress_prefix_len = -1,
		.is_for_own = i->has_exit, .is_inverted = true};
}

static struct netlink_rule
rule_of_main(const struct control_iface *i, uint8_t family)
{
	return (struct netlink_rule){.family = family, .table = RT_TABLE_MAIN,
		.priority = i->quick.priority[family_index(family)] - 1,
		.suppress_prefix_len = 0, .is_for_own = i->has_exit, .is_inverted = i->has_exit};
}

static struct netlink_route
route_of(const struct control_iface *i, uint8_t family)
{
	return (struct netlink_route){.dst.addr.family = family, .ifindex = i->tun.ifindex,
		.table = i->quick.number};
}

static enum quick_note
note_of(uint8_t family)
{
	return family == ADDR_V4 ? NOTE_DEFAULT_V4 : NOTE_DEFAULT_V6;
}

/* Goes on after a failure; what somebody else took away already is none. */
static int
remove_family(struct control *c, struct control_iface *i, uint8_t family, struct err *err)
{
	const struct netlink_rule main = rule_of_main(i, family), mark = rule_of_mark(i, family);
	const struct netlink_route route = route_of(i, family);
	struct err errs[3];
	const int rcs[3] = {
		netlink_rule_del(c->netlink, &mark, &errs[0]),
		netlink_route_del(c->netlink, &route, &errs[1]),
		netlink_rule_del(c->netlink, &main, &errs[2]),
	};
	i->quick.has[family_index(family)] = false;
	for (unsigned k = 0; k < 3; k++) {
		if (rcs[k] && rcs[k] != -ENOENT && rcs[k] != -ESRCH && rcs[k] != -ENODEV) {
			*err = errs[k];
			return rcs[k];
		}
	}
	quick_forget(c, i->name, note_of(family));
	return 0;
}

/* First what harms nobody, last what sends packets into the tunnel. */
static int
add_family(struct control *c, struct control_iface *i, uint8_t family, struct err *err)
{
	int rc = choose_priority(c, i, family, err);
	if (rc)
		return rc;
	const struct netlink_rule main = rule_of_main(i, family), mark = rule_of_mark(i, family);
	const struct netlink_route route = route_of(i, family);
	/* The route needs no note: it goes with its device. */
	rc = quick_note_rule(c, i, note_of(family), &main, err);
	if (!rc)
		rc = quick_note_rule(c, i, note_of(family), &mark, err);
	if (!rc)
		rc = netlink_rule_add(c->netlink, &main, err);
	if (!rc)
		rc = netlink_route_add(c->netlink, &route, err);
	if (!rc)
		rc = netlink_rule_add(c->netlink, &mark, err);
	if (rc) {
		struct err later;
		remove_family(c, i, family, &later);
		return rc;
	}
	i->quick.has[family_index(family)] = true;
	return 0;
}

/* ---- What goes with them ---- */

static int
note_guard(struct control *c, const struct control_iface *i, struct err *err)
{
	char table[NFT_TABLE_BYTES], command[160], what[80];
	nft_table_name(i->tun.ifindex, table);
	snprintf(command, sizeof(command), "nft 'add table inet %s; delete table inet %s'", table,
		table);
	snprintf(what, sizeof(what), "delete the nftables table of %s", i->name);
	return quick_note_command(c, i, NOTE_GUARD, &(struct quick_command){command, what}, err);
}

static int
guard(struct control *c, struct control_iface *i, struct err *err)
{
	const struct interface_intent *it = intent_interface_find(c->running, i->name);
	char table[NFT_TABLE_BYTES];
	const struct nft_guard g = {
		.device = i->name,
		.table = nft_table_name(i->tun.ifindex, table),
		.addresses = it->addresses.items,
		.n_addresses = it->addresses.n,
		.listen_port = i->listen_port,
		.fwmark = i->quick.number,
	};
	int rc = i->quick.is_guarded ? 0 : note_guard(c, i, err);
	if (!rc)
		rc = nft_guard_tunnel(&g, err);
	i->quick.is_guarded = i->quick.is_guarded || !rc;
	i->quick.is_stale = false;
	return rc;
}

static void
unguard(struct control *c, struct control_iface *i)
{
	char table[NFT_TABLE_BYTES];
	struct err err = {0};
	int rc = i->quick.is_guarded ?
		nft_unguard_tunnel(nft_table_name(i->tun.ifindex, table), &err) : 0;
	i->quick.is_guarded = false;
	if (rc)
		log_warn("%s: its nftables table stays: %s", i->name, err.text);
	else
		quick_forget(c, i->name, NOTE_GUARD);
}

static int
respect_marks(struct control *c, struct control_iface *i, struct err *err)
{
	char value[SYSCTL_VALUE_BYTES];
	int rc = sysctl_read(src_valid_mark, value, err);
	if (!rc && strcmp(value, "1") != 0) {
		rc = quick_note_sysctl(c, i, NOTE_MARKS, src_valid_mark, err);
		if (!rc)
			rc = sysctl_write(src_valid_mark, "1", err);
		c->marks_were_ignored = !rc;
	}
	i->quick.is_marked = !rc;
	return rc;
}

static void
forget_marks(struct control *c, struct control_iface *i)
{
	struct err err = {0};
	bool is_needed = false;
	i->quick.is_marked = false;
	for (unsigned k = 0; k < TABLES_MAX_IFACES; k++)
		is_needed = is_needed || (c->ifaces[k].is_live && c->ifaces[k].quick.is_marked);
	if (is_needed || !c->marks_were_ignored)
		return;
	c->marks_were_ignored = false;
	if (sysctl_write(src_valid_mark, "0", &err))
		log_warn("%s: %s", i->name, err.text);
	else
		quick_forget(c, i->name, NOTE_MARKS);
}

/* All that does not depend on the family, once. */
static int
prepare(struct control *c, struct control_iface *i, struct err *err)
{
	int rc = choose_number(c, i, err);
	if (rc || i->has_exit)
		return rc;
	rc = ifaces_set_mark(c, i, i->quick.number, err);
	if (!rc)
		rc = guard(c, i, err);
	return rc ? rc : respect_marks(c, i, err);
}

static int
unprepare(struct control *c, struct control_iface *i, struct err *err)
{
	unguard(c, i);
	forget_marks(c, i);
	memset(&i->quick, 0, sizeof(i->quick));
	return ifaces_set_mark(c, i, i->fwmark_asked, err);
}

/* ---- Together ---- */

int
quick_default_add(struct control *c, struct control_iface *i, uint8_t family, struct err *err)
{
	struct err later;
	if (i->quick.has[family_index(family)])
		return 0;
	int rc = i->quick.number ? 0 : prepare(c, i, err);
	if (!rc)
		rc = add_family(c, i, family, err);
	if (rc && !i->quick.has[0] && !i->quick.has[1])
		unprepare(c, i, &later);
	if (!rc)
		log_info("%s is the default route of IPv%u%s (%stable %u)", i->name, family,
			i->has_exit ? " for what passes through" : "",
			i->has_exit ? "" : "mark and ", i->quick.number);
	return rc ? err_prefix(err, rc, "%s as the default route", i->name) : 0;
}

int
quick_default_remove(struct control *c, struct control_iface *i, uint8_t family, struct err *err)
{
	if (!i->quick.has[family_index(family)])
		return 0;
	int rc = remove_family(c, i, family, err);
	if (i->quick.has[0] || i->quick.has[1])
		return rc;
	return rc ? rc : unprepare(c, i, err);
}

void
quick_default_clear(struct control *c, struct control_iface *i)
{
	static const uint8_t families[] = {ADDR_V4, ADDR_V6};
	for (unsigned k = 0; k < ARRAY_COUNT(families); k++) {
		struct err err = {0};
		if (quick_default_remove(c, i, families[k], &err))
			log_warn("%s: %s", i->name, err.text);
	}
}

/* With another number all is made anew. */
static int
renumber(struct control *c, struct control_iface *i, struct err *err)
{
	static const uint8_t families[] = {ADDR_V4, ADDR_V6};
	const struct quick_default was = i->quick;
	int rc = 0;
	quick_default_clear(c, i);
	for (unsigned k = 0; k < ARRAY_COUNT(families) && !rc; k++)
		if (was.has[k])
			rc = quick_default_add(c, i, families[k], err);
	return rc;
}

int
quick_default_renew(struct control *c, struct control_iface *i, struct err *err)
{
	if (i->quick.number && i->fwmark_asked && i->fwmark_asked != i->quick.number &&
		!i->has_exit)
		return renumber(c, i, err);
	return i->quick.is_stale ? guard(c, i, err) : 0;
}
