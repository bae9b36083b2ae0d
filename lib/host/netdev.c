/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/netdev.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/nft.h"
#include "host/sysctl.h"
#include "host/xdp.h"

int
netdev_query(struct netlink *nl, const char *name, struct net_link *out, struct err *err)
{
	int rc = netlink_link_by_name(nl, name, out, err);
	if (rc == -ENODEV)
		return err_set(err, rc,
			"there is no network device %s in this network namespace; `ip link` lists "
			"those there are", name);
	return rc;
}

static int
set_flags(struct netlink *nl, struct restore *r, const struct net_link *link,
	const struct netdev_wish *wish, struct err *err)
{
	uint32_t missing = (IFF_UP | (wish->is_promisc ? IFF_PROMISC : 0)) & ~link->flags;
	if (!missing)
		return 0;
	const struct restore_step step = {.kind = RESTORE_FLAGS, .owner = wish->owner,
		.device = link->name, .flags = link->flags, .mask = missing};
	int rc = restore_note(r, &step, err);
	return rc ? rc : netlink_link_set_flags(nl, link->ifindex, missing, missing, err);
}

int
netdev_set_sysctl(struct restore *r, const char *owner, const char *path, const char *value,
	struct err *err)
{
	char old[SYSCTL_VALUE_BYTES];
	int rc = sysctl_read(path, old, err);
	if (rc == -ENOENT || (rc == 0 && strcmp(old, value) == 0))
		return 0;
	const struct restore_step step = {.kind = RESTORE_SYSCTL, .owner = owner, .what = path,
		.value = old};
	rc = rc ? rc : restore_note(r, &step, err);
	return rc ? rc : sysctl_write(path, value, err);
}

static int
disable_ipv6(struct restore *r, const char *name, const struct netdev_wish *wish,
	struct err *err)
{
	char path[80];
	snprintf(path, sizeof(path), "net/ipv6/conf/%s/disable_ipv6", name);
	return netdev_set_sysctl(r, wish->owner, path, "1", err);
}

static int
drop_ingress(struct restore *r, const struct net_link *link, const struct netdev_wish *wish,
	struct err *err)
{
	char table[NFT_TABLE_BYTES];
	const struct restore_step step = {.kind = RESTORE_NFT_TABLE, .owner = wish->owner,
		.what = nft_table_name(link->ifindex, table)};
	int rc = restore_note(r, &step, err);
	return rc ? rc : nft_drop_ingress(link->name, table, err);
}

/* The program that the driver will attach, but not one that is there already. */
static int
note_xdp(struct netlink *nl, struct restore *r, const char *name,
	const struct netdev_wish *wish, struct err *err)
{
	uint32_t id;
	int rc = xdp_program(nl, name, &id, err);
	const struct restore_step step = {.kind = RESTORE_XDP, .owner = wish->owner,
		.device = name, .flags = id};
	return rc ? rc : restore_note(r, &step, err);
}

static int
set_mtu(struct netlink *nl, struct restore *r, const struct net_link *link,
	const struct netdev_wish *wish, struct err *err)
{
	const struct restore_step step = {.kind = RESTORE_MTU, .owner = wish->owner,
		.device = link->name, .flags = link->mtu};
	int rc = restore_note(r, &step, err);
	return rc ? rc : netlink_link_set_mtu(nl, link->ifindex, wish->mtu, err);
}

int
netdev_take(struct netlink *nl, struct restore *restore, const char *name,
	const struct netdev_wish *wish, struct err *err)
{
	struct net_link link;
	int rc = netdev_query(nl, name, &link, err);
	/* First what keeps the kernel quiet, then what wakes the device. */
	if (rc == 0 && wish->disable_ipv6)
		rc = disable_ipv6(restore, name, wish, err);
	if (rc == 0 && wish->drop_ingress)
		rc = drop_ingress(restore, &link, wish, err);
	if (rc == 0 && wish->mtu && wish->mtu != link.mtu)
		rc = set_mtu(nl, restore, &link, wish, err);
	if (rc == 0 && wish->gets_xdp)
		rc = note_xdp(nl, restore, name, wish, err);
	if (rc == 0)
		rc = set_flags(nl, restore, &link, wish, err);
	return rc;
}
