/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/xdp.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "host/attrs.h"

struct attached {
	uint32_t id;
	uint8_t mode; /* XDP_ATTACHED_ */
};

static int
read_link(void *ctx, const struct nlmsghdr *message)
{
	struct attached *out = ctx;
	struct attrs link, xdp;
	size_t head = NLMSG_ALIGN(NLMSG_HDRLEN + sizeof(struct ifinfomsg));
	if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < head)
		return 0;
	attrs_read(&link, (const uint8_t *)message + head, message->nlmsg_len - head);
	attrs_nested(&link, IFLA_XDP, &xdp);
	out->mode = attrs_u8(&xdp, IFLA_XDP_ATTACHED, XDP_ATTACHED_NONE);
	out->id = attrs_u32(&xdp, IFLA_XDP_PROG_ID, 0);
	return 0;
}

static struct nlmsghdr *
put_head(void *buf, uint16_t type, const char *device)
{
	struct nlmsghdr *head = mnl_nlmsg_put_header(buf);
	head->nlmsg_type = type;
	mnl_nlmsg_put_extra_header(head, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(head, IFLA_IFNAME, device);
	return head;
}

static int
query(struct netlink *nl, const char *device, struct attached *out, struct err *err)
{
	uint8_t buf[256] __attribute__((aligned(8))) = {0};
	memset(out, 0, sizeof(*out));
	return netlink_ask(nl, put_head(buf, RTM_GETLINK, device), read_link, out, err);
}

int
xdp_program(struct netlink *nl, const char *device, uint32_t *id, struct err *err)
{
	struct attached a;
	int rc = query(nl, device, &a, err);
	*id = a.mode == XDP_ATTACHED_NONE ? 0 : a.id;
	return rc;
}

static uint32_t
mode_flags(uint8_t mode)
{
	return mode == XDP_ATTACHED_SKB ? XDP_FLAGS_SKB_MODE
	       : mode == XDP_ATTACHED_HW ? XDP_FLAGS_HW_MODE
					 : XDP_FLAGS_DRV_MODE;
}

int
xdp_detach(struct netlink *nl, const char *device, uint32_t keep_id, struct err *err)
{
	uint8_t buf[256] __attribute__((aligned(8))) = {0};
	struct attached a;
	int32_t no_program = -1;
	int rc = query(nl, device, &a, err);
	if (rc || a.mode == XDP_ATTACHED_NONE || (a.id && a.id == keep_id))
		return rc;
	struct nlmsghdr *head = put_head(buf, RTM_SETLINK, device);
	struct nlattr *xdp = mnl_attr_nest_start(head, IFLA_XDP);
	mnl_attr_put(head, IFLA_XDP_FD, sizeof(no_program), &no_program);
	mnl_attr_put_u32(head, IFLA_XDP_FLAGS, mode_flags(a.mode));
	mnl_attr_nest_end(head, xdp);
	return netlink_send(nl, head, "detach the XDP program", err);
}
