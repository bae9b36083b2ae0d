/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/bytes.h"
#include "host/netlink_inner.h"
#include "host/parse.h"

/* Older kernels leave the flag out without a word, so their version has to be asked. */
static bool
kernel_is_at_least(unsigned major, unsigned minor)
{
	struct utsname u;
	unsigned a = 0, b = 0;
	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &a, &b) != 2)
		return false;
	return a > major || (a == major && b >= minor);
}

struct netlink *
netlink_open(struct err *err)
{
	struct timeval wait = {.tv_sec = NETLINK_WAIT_S};
	int on = 1;
	struct netlink *nl = calloc(1, sizeof(*nl));
	if (!nl) {
		err_set(err, -ENOMEM, "netlink: no memory");
		return NULL;
	}
	nl->can_manage = kernel_is_at_least(5, 16);
	nl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		err_set(err, -errno, "cannot open a netlink socket: %s", strerror(errno));
		netlink_close(nl);
		return NULL;
	}
	/* Both only make errors better. */
	mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(mnl_socket_get_fd(nl->socket), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return nl;
}

void
netlink_close(struct netlink *nl)
{
	if (!nl)
		return;
	if (nl->socket)
		mnl_socket_close(nl->socket);
	free(nl);
}

/* Begins a request with a header of its type; returns that header, zeroed. */
static void *
begin(struct netlink *nl, struct nlmsghdr **head, uint16_t type, uint16_t flags, size_t n_bytes)
{
	memset(nl->request, 0, sizeof(nl->request));
	*head = mnl_nlmsg_put_header(nl->request);
	(*head)->nlmsg_type = type;
	(*head)->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	(*head)->nlmsg_seq = ++nl->seq;
	return mnl_nlmsg_put_extra_header(*head, n_bytes);
}

static void
put_addr(struct nlmsghdr *head, uint16_t type, const struct addr *a)
{
	mnl_attr_put(head, type, addr_n_bytes(a->family), a->bytes);
}

static uint8_t
af_of(uint8_t family)
{
	return family == ADDR_V4 ? AF_INET : AF_INET6;
}

static int
parse_answer(void *ctx, const struct nlmsghdr *message)
{
	parse_message(message->nlmsg_type, mnl_nlmsg_get_payload(message),
		mnl_nlmsg_get_payload_len(message), ctx);
	return 0;
}

/* Sends the request and waits for its end; what is said in the error ("set the MTU of eth1"). */
static int
talk(struct netlink *nl, struct net_scratch *out, struct err *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static int
talk(struct netlink *nl, struct net_scratch *out, struct err *err, const char *format, ...)
{
	struct netlink_exchange x = {.take = out ? parse_answer : NULL, .ctx = out};
	va_list ap;
	va_start(ap, format);
	vsnprintf(x.what, sizeof(x.what), format, ap);
	va_end(ap);
	return netlink_exchange(nl, (const void *)nl->request, &x, err);
}

void *
netlink_begin(struct netlink *nl, struct nlmsghdr **head, uint16_t type, uint16_t flags,
	size_t n_bytes)
{
	return begin(nl, head, type, flags, n_bytes);
}

int
netlink_talk(struct netlink *nl, struct net_scratch *out, const char *what, struct err *err)
{
	return talk(nl, out, err, "%s", what);
}

struct name {
	char text[IF_NAMESIZE + 16];
};

/* "eth1", or "link 7" when it has gone. */
static struct name
name_of(uint32_t ifindex)
{
	struct name n;
	if (!if_indextoname(ifindex, n.text))
		snprintf(n.text, sizeof(n.text), "link %u", ifindex);
	return n;
}

static int
get_link(struct netlink *nl, const char *what, struct net_link *out, struct err *err)
{
	struct net_scratch s = {0};
	int rc = talk(nl, &s, err, "find the link %s", what);
	if (rc)
		return rc;
	if (s.object.kind != NET_LINK || !s.object.link.ifindex)
		return err_set(err, -EPROTO, "cannot find the link %s: a strange answer", what);
	*out = s.object.link;
	return 0;
}

int
netlink_link_by_name(struct netlink *nl, const char *name, struct net_link *out, struct err *err)
{
	struct nlmsghdr *head;
	if (!*name || strlen(name) >= IF_NAMESIZE)
		return err_set(err, -ENODEV, "cannot find the link %s: no link has such a name",
			name);
	begin(nl, &head, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(head, IFLA_IFNAME, name);
	return get_link(nl, name, out, err);
}

int
netlink_link_by_index(struct netlink *nl, uint32_t ifindex, struct net_link *out, struct err *err)
{
	struct nlmsghdr *head;
	struct ifinfomsg *info = begin(nl, &head, RTM_GETLINK, 0, sizeof(*info));
	info->ifi_index = (int)ifindex;
	return get_link(nl, name_of(ifindex).text, out, err);
}

int
netlink_link_set_flags(struct netlink *nl, uint32_t ifindex, uint32_t flags, uint32_t mask,
	struct err *err)
{
	struct nlmsghdr *head;
	struct ifinfomsg *info = begin(nl, &head, RTM_NEWLINK, 0, sizeof(*info));
	info->ifi_index = (int)ifindex;
	info->ifi_flags = flags & mask;
	info->ifi_change = mask;
	return talk(nl, NULL, err, "set %s %s", name_of(ifindex).text,
		!(mask & IFF_UP) ? "promiscuous or not" : flags & IFF_UP ? "up" : "down");
}

int
netlink_link_set_up(struct netlink *nl, uint32_t ifindex, bool is_up, struct err *err)
{
	return netlink_link_set_flags(nl, ifindex, is_up ? IFF_UP : 0, IFF_UP, err);
}

int
netlink_link_set_mtu(struct netlink *nl, uint32_t ifindex, uint32_t mtu, struct err *err)
{
	struct nlmsghdr *head;
	struct ifinfomsg *info = begin(nl, &head, RTM_NEWLINK, 0, sizeof(*info));
	info->ifi_index = (int)ifindex;
	mnl_attr_put_u32(head, IFLA_MTU, mtu);
	return talk(nl, NULL, err, "set the MTU of %s to %u", name_of(ifindex).text, mtu);
}

int
netlink_link_set_mac(struct netlink *nl, uint32_t ifindex, const struct mac *mac, struct err *err)
{
	struct nlmsghdr *head;
	char text[MAC_TEXT_BYTES];
	struct ifinfomsg *info = begin(nl, &head, RTM_NEWLINK, 0, sizeof(*info));
	info->ifi_index = (int)ifindex;
	mnl_attr_put(head, IFLA_ADDRESS, sizeof(*mac), mac);
	return talk(nl, NULL, err, "set the MAC address of %s to %s", name_of(ifindex).text,
		mac_format(mac, text));
}

static struct nlmsghdr *
begin_addr(struct netlink *nl, uint16_t type, uint32_t ifindex, const struct prefix *p)
{
	struct nlmsghdr *head;
	uint16_t flags = type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_REPLACE : 0;
	struct ifaddrmsg *info = begin(nl, &head, type, flags, sizeof(*info));
	info->ifa_family = af_of(p->addr.family);
	info->ifa_prefixlen = p->len;
	info->ifa_index = ifindex;
	put_addr(head, IFA_LOCAL, &p->addr);
	put_addr(head, IFA_ADDRESS, &p->addr);
	return head;
}

/* The subnet's broadcast address, which `ip addr add … brd +` would set; none for /31 and /32. */
static void
put_broadcast(struct nlmsghdr *head, const struct prefix *p)
{
	if (p->addr.family != ADDR_V4 || p->len >= 31)
		return;
	uint32_t all = load_be32(p->addr.bytes) | UINT32_MAX >> p->len;
	struct addr broadcast = addr_from_v4(all);
	if (p->len)
		put_addr(head, IFA_BROADCAST, &broadcast);
}

int
netlink_addr_add(struct netlink *nl, uint32_t ifindex, const struct prefix *p, struct err *err)
{
	char text[PREFIX_TEXT_BYTES];
	struct nlmsghdr *head = begin_addr(nl, RTM_NEWADDR, ifindex, p);
	struct ifaddrmsg *info = mnl_nlmsg_get_payload(head);
	if (p->addr.family == ADDR_V6)
		info->ifa_flags = IFA_F_NODAD;
	if (addr_is_link_local(&p->addr))
		info->ifa_scope = RT_SCOPE_LINK;
	put_broadcast(head, p);
	return talk(nl, NULL, err, "add the address %s to %s", prefix_format(p, text),
		name_of(ifindex).text);
}

int
netlink_addr_del(struct netlink *nl, uint32_t ifindex, const struct prefix *p, struct err *err)
{
	char text[PREFIX_TEXT_BYTES];
	begin_addr(nl, RTM_DELADDR, ifindex, p);
	return talk(nl, NULL, err, "delete the address %s of %s", prefix_format(p, text),
		name_of(ifindex).text);
}

static int
route_request(struct netlink *nl, uint16_t type, const struct netlink_route *r, struct err *err)
{
	struct nlmsghdr *head;
	char dst_text[PREFIX_TEXT_BYTES], via_text[ADDR_TEXT_BYTES];
	struct prefix dst = prefix_masked(&r->dst);
	uint32_t table = r->table ? r->table : RT_TABLE_MAIN;
	uint16_t flags = type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_REPLACE : 0;
	struct rtmsg *info = begin(nl, &head, type, flags, sizeof(*info));
	bool has_via = r->via.family != ADDR_NONE;

	if (has_via && r->via.family != dst.addr.family)
		return err_set(err, -EINVAL, "the route to %s goes by %s, of another family",
			prefix_format(&dst, dst_text), addr_format(&r->via, via_text));
	info->rtm_family = af_of(dst.addr.family);
	info->rtm_dst_len = dst.len;
	info->rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC;
	info->rtm_protocol = NETLINK_ROUTE_PROTOCOL;
	info->rtm_type = RTN_UNICAST;
	info->rtm_scope = has_via || dst.addr.family == ADDR_V6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	put_addr(head, RTA_DST, &dst.addr);
	mnl_attr_put_u32(head, RTA_TABLE, table);
	if (r->ifindex)
		mnl_attr_put_u32(head, RTA_OIF, r->ifindex);
	if (has_via)
		put_addr(head, RTA_GATEWAY, &r->via);
	if (r->source.family == dst.addr.family && type == RTM_NEWROUTE)
		put_addr(head, RTA_PREFSRC, &r->source);
	if (r->metric)
		mnl_attr_put_u32(head, RTA_PRIORITY, r->metric);
	return talk(nl, NULL, err, "%s the route to %s by %s in table %u",
		type == RTM_NEWROUTE ? "add" : "delete", prefix_format(&dst, dst_text),
		has_via ? addr_format(&r->via, via_text) : name_of(r->ifindex).text, table);
}

int
netlink_route_add(struct netlink *nl, const struct netlink_route *r, struct err *err)
{
	return route_request(nl, RTM_NEWROUTE, r, err);
}

int
netlink_route_del(struct netlink *nl, const struct netlink_route *r, struct err *err)
{
	return route_request(nl, RTM_DELROUTE, r, err);
}

static int
neigh_request(struct netlink *nl, uint32_t ifindex, const struct addr *addr, bool is_managed,
	struct err *err)
{
	struct nlmsghdr *head;
	char text[ADDR_TEXT_BYTES];
	struct ndmsg *info = begin(nl, &head, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE,
		sizeof(*info));
	info->ndm_family = af_of(addr->family);
	info->ndm_ifindex = (int)ifindex;
	info->ndm_state = NUD_NONE;
	put_addr(head, NDA_DST, addr);
	if (is_managed)
		mnl_attr_put_u32(head, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
	else
		info->ndm_flags = NTF_USE;
	return talk(nl, NULL, err, "resolve the neighbour %s on %s", addr_format(addr, text),
		name_of(ifindex).text);
}

int
netlink_neigh_resolve(struct netlink *nl, uint32_t ifindex, const struct addr *addr,
	struct err *err)
{
	if (nl->can_manage) {
		int rc = neigh_request(nl, ifindex, addr, true, err);
		if (rc != -EINVAL && rc != -EOPNOTSUPP)
			return rc;
	}
	int rc = neigh_request(nl, ifindex, addr, false, err);
	return rc ? rc : 1;
}

int
netlink_neigh_del(struct netlink *nl, uint32_t ifindex, const struct addr *addr, struct err *err)
{
	struct nlmsghdr *head;
	char text[ADDR_TEXT_BYTES];
	struct ndmsg *info = begin(nl, &head, RTM_DELNEIGH, 0, sizeof(*info));
	info->ndm_family = af_of(addr->family);
	info->ndm_ifindex = (int)ifindex;
	put_addr(head, NDA_DST, addr);
	return talk(nl, NULL, err, "forget the neighbour %s on %s", addr_format(addr, text),
		name_of(ifindex).text);
}
