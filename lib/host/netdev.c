/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/netdev.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/nft.h"
#include "host/sysctl.h"

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
set_flags(struct netlink *nl, struct restore *r, const struct net_link *link, uint32_t want,
	struct err *err)
{
	uint32_t missing = want & ~link->flags;
	if (!missing)
		return 0;
	int rc = restore_note_flags(r, link->name, link->flags, missing, err);
	return rc ? rc : netlink_link_set_flags(nl, link->ifindex, missing, missing, err);
}

/* A kernel without IPv6 has nothing to disable. */
static int
disable_ipv6(struct restore *r, const char *name, struct err *err)
{
	char path[80], old[SYSCTL_VALUE_BYTES];
	snprintf(path, sizeof(path), "net/ipv6/conf/%s/disable_ipv6", name);
	int rc = sysctl_read(path, old, err);
	if (rc == -ENOENT || (rc == 0 && strcmp(old, "1") == 0))
		return 0;
	rc = rc ? rc : restore_note_sysctl(r, path, old, err);
	return rc ? rc : sysctl_write(path, "1", err);
}

static int
drop_ingress(struct restore *r, const struct net_link *link, struct err *err)
{
	char table[NFT_TABLE_BYTES];
	nft_table_name(link->ifindex, table);
	int rc = restore_note_nft_table(r, table, err);
	return rc ? rc : nft_drop_ingress(link->name, table, err);
}

int
netdev_take(struct netlink *nl, struct restore *restore, const char *name,
	const struct netdev_wish *wish, struct err *err)
{
	struct net_link link;
	int rc = netdev_query(nl, name, &link, err);
	/* First what keeps the kernel quiet, then what wakes the device. */
	if (rc == 0 && wish->disable_ipv6)
		rc = disable_ipv6(restore, name, err);
	if (rc == 0 && wish->drop_ingress)
		rc = drop_ingress(restore, &link, err);
	if (rc == 0)
		rc = set_flags(nl, restore, &link, IFF_UP | (wish->is_promisc ? IFF_PROMISC : 0),
			err);
	return rc;
}
