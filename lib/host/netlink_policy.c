/* SPDX-License-Identifier: BSD-3-Clause */
/* Routing rules, and the question which route an address takes by them. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "host/netlink.h"
#include "host/netlink_inner.h"
#include "host/netlink_policy.h"

static uint8_t
af_of(uint8_t family)
{
	return family == ADDR_V4 ? AF_INET : AF_INET6;
}

static void
put_rule(struct nlmsghdr *head, struct fib_rule_hdr *info, const struct netlink_rule *r)
{
	info->family = af_of(r->family);
	info->action = FR_ACT_TO_TBL;
	info->table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC;
	info->flags = r->is_inverted ? FIB_RULE_INVERT : 0;
	mnl_attr_put_u32(head, FRA_PRIORITY, r->priority);
	mnl_attr_put_u32(head, FRA_TABLE, r->table);
	if (r->fwmark) {
		mnl_attr_put_u32(head, FRA_FWMARK, r->fwmark);
		mnl_attr_put_u32(head, FRA_FWMASK, UINT32_MAX);
	}
	if (r->is_for_own)
		mnl_attr_put_strz(head, FRA_IIFNAME, "lo");
	if (r->suppress_prefix_len >= 0)
		mnl_attr_put_u32(head, FRA_SUPPRESS_PREFIXLEN, (uint32_t)r->suppress_prefix_len);
}

static int
rule_request(struct netlink *nl, uint16_t type, const struct netlink_rule *r, struct err *err)
{
	struct nlmsghdr *head;
	char what[96];
	uint16_t flags = type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0;
	struct fib_rule_hdr *info = netlink_begin(nl, &head, type, flags, sizeof(*info));
	put_rule(head, info, r);
	snprintf(what, sizeof(what), "%s the routing rule %u of IPv%u (lookup %u)",
		type == RTM_NEWRULE ? "add" : "delete", r->priority, r->family, r->table);
	return netlink_talk(nl, NULL, what, err);
}

int
netlink_rule_note_removal(struct restore *restore, const char *owner,
	const struct netlink_rule *r, struct err *err)
{
	uint8_t room[192] __attribute__((aligned(8))) = {0};
	struct nlmsghdr *head = mnl_nlmsg_put_header(room);
	char what[96];
	head->nlmsg_type = RTM_DELRULE;
	head->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	put_rule(head, mnl_nlmsg_put_extra_header(head, sizeof(struct fib_rule_hdr)), r);
	snprintf(what, sizeof(what), "delete the routing rule %u of IPv%u (lookup %u)",
		r->priority, r->family, r->table);
	const struct restore_step step = {.kind = RESTORE_NETLINK, .owner = owner, .what = what,
		.message = head};
	return restore_note(restore, &step, err);
}

int
netlink_rule_add(struct netlink *nl, const struct netlink_rule *r, struct err *err)
{
	return rule_request(nl, RTM_NEWRULE, r, err);
}

int
netlink_rule_del(struct netlink *nl, const struct netlink_rule *r, struct err *err)
{
	return rule_request(nl, RTM_DELRULE, r, err);
}

int
netlink_route_mtu(struct netlink *nl, const struct addr *to, uint32_t fwmark, uint32_t *mtu,
	struct err *err)
{
	struct nlmsghdr *head;
	struct net_scratch s = {0};
	struct net_link link;
	char what[96], text[ADDR_TEXT_BYTES];
	struct rtmsg *info = netlink_begin(nl, &head, RTM_GETROUTE, 0, sizeof(*info));
	info->rtm_family = af_of(to->family);
	info->rtm_dst_len = to->family == ADDR_V4 ? 32 : 128;
	info->rtm_flags = RTM_F_FIB_MATCH;
	mnl_attr_put(head, RTA_DST, to->family == ADDR_V4 ? 4 : 16, to->bytes);
	if (fwmark)
		mnl_attr_put_u32(head, RTA_MARK, fwmark);
	snprintf(what, sizeof(what), "find the route to %s", addr_format(to, text));
	int rc = netlink_talk(nl, &s, what, err);
	if (rc)
		return rc;
	const struct net_route *r = &s.object.route;
	if (s.object.kind != NET_ROUTE || r->type != RTN_UNICAST || !r->n_hops)
		return err_set(err, -ENETUNREACH, "there is no route to %s", text);
	*mtu = r->mtu;
	if (*mtu)
		return 0;
	rc = netlink_link_by_index(nl, r->hops[0].ifindex, &link, err);
	*mtu = link.mtu;
	return rc;
}
