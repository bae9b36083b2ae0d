/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that stand on a netdev: they hear nothing of it while a driver has it. */
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "host/adopt_inner.h"
#include "host/parse.h"

struct search {
	uint32_t ifindex;
	char found[IF_NAMESIZE];
};

/* A veth names its other end as the device below it; that is another matter. */
static int
look_at(void *ctx, const struct nlmsghdr *message)
{
	struct search *search = ctx;
	struct net_scratch s;
	if (parse_message(message->nlmsg_type, mnl_nlmsg_get_payload(message),
		mnl_nlmsg_get_payload_len(message), &s) != PARSE_NEW || s.object.kind != NET_LINK)
		return 0;
	const struct net_link *l = &s.object.link;
	if (l->parent_ifindex == search->ifindex && strcmp(l->kind, "veth") != 0)
		memcpy(search->found, l->name, sizeof(search->found));
	return 0;
}

bool
adopt_find_stacked(struct netlink *nl, uint32_t ifindex, char out[IF_NAMESIZE])
{
	uint8_t buf[64] __attribute__((aligned(8))) = {0};
	struct search search = {.ifindex = ifindex};
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);
	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	if (netlink_ask(nl, request, look_at, &search, NULL) || !search.found[0])
		return false;
	memcpy(out, search.found, IF_NAMESIZE);
	return true;
}
