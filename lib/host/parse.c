/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/parse.h"

#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/bytes.h"
#include "host/attrs.h"

/* Fills the zeroed object and says PARSE_NEW; whether it came or went is not its matter. */
typedef enum parse_verdict (*parser)(struct cursor *, struct net_object *);

static uint8_t
family_of(uint8_t af)
{
	return af == AF_INET ? ADDR_V4 : af == AF_INET6 ? ADDR_V6 : ADDR_NONE;
}

/* Reads the attributes that follow a message's own header. */
static void
attrs_rest(struct attrs *out, struct cursor *c)
{
	size_t n = cursor_left(c);
	attrs_read(out, cursor_take(c, n), n);
}

/* A prefix of len bits from an attribute; without one it is the family's zero address. */
static struct prefix
prefix_attr(struct attrs *a, unsigned type, uint8_t family, uint8_t len)
{
	struct prefix p = {.addr = attrs_addr(a, type, family), .len = len};
	p.addr.family = family;
	if (len > addr_bits(family)) {
		a->bad = true;
		p.len = 0;
	}
	return p;
}

static void
parse_link_info(struct attrs *a, struct net_link *l)
{
	struct attrs info, data;
	attrs_nested(a, IFLA_LINKINFO, &info);
	attrs_text(&info, IFLA_INFO_KIND, l->kind, sizeof(l->kind));
	if (strcmp(l->kind, "vlan") == 0) {
		attrs_nested(&info, IFLA_INFO_DATA, &data);
		l->vlan_id = attrs_u16(&data, IFLA_VLAN_ID, 0);
		info.bad |= data.bad;
	}
	a->bad |= info.bad;
}

static enum parse_verdict
parse_link(struct cursor *c, struct net_object *o)
{
	struct net_link *l = &o->link;
	struct ifinfomsg head;
	struct attrs a;
	cursor_copy(c, &head, sizeof(head));
	if (c->failed || head.ifi_index <= 0)
		return PARSE_MALFORMED;
	if (head.ifi_family != AF_UNSPEC)
		return PARSE_IGNORED; /* a bridge speaks of its ports in the same words */
	attrs_rest(&a, c);
	l->ifindex = (uint32_t)head.ifi_index;
	l->flags = head.ifi_flags;
	l->arp_type = head.ifi_type;
	l->mtu = attrs_u32(&a, IFLA_MTU, 0);
	l->master_ifindex = attrs_u32(&a, IFLA_MASTER, 0);
	l->parent_ifindex = attrs_has(&a, IFLA_LINK_NETNSID) ? 0 : attrs_u32(&a, IFLA_LINK, 0);
	l->operstate = attrs_u8(&a, IFLA_OPERSTATE, 0);
	l->has_carrier = attrs_u8(&a, IFLA_CARRIER, !!(l->flags & IFF_RUNNING)) != 0;
	attrs_text(&a, IFLA_IFNAME, l->name, sizeof(l->name));
	if (a.at[IFLA_ADDRESS].n_bytes == sizeof(l->mac))
		memcpy(l->mac.bytes, a.at[IFLA_ADDRESS].data, sizeof(l->mac));
	parse_link_info(&a, l);
	return a.bad ? PARSE_MALFORMED : PARSE_NEW;
}

static enum parse_verdict
parse_addr(struct cursor *c, struct net_object *o)
{
	struct net_addr *n = &o->addr;
	struct ifaddrmsg head;
	struct attrs a;
	cursor_copy(c, &head, sizeof(head));
	if (c->failed || !head.ifa_index)
		return PARSE_MALFORMED;
	uint8_t family = family_of(head.ifa_family);
	if (!family)
		return PARSE_IGNORED;
	attrs_rest(&a, c);
	/* With a peer, ADDRESS is the peer's and LOCAL is ours; without, IPv6 has ADDRESS alone. */
	struct addr given = attrs_addr(&a, IFA_ADDRESS, family);
	bool has_local = attrs_has(&a, IFA_LOCAL);
	n->ifindex = head.ifa_index;
	n->scope = head.ifa_scope;
	n->flags = attrs_u32(&a, IFA_FLAGS, head.ifa_flags);
	n->prefix = prefix_attr(&a, has_local ? IFA_LOCAL : IFA_ADDRESS, family,
		head.ifa_prefixlen);
	if (has_local && given.family && !addr_is_equal(&given, &n->prefix.addr))
		n->peer = given;
	if (!has_local && !given.family)
		return PARSE_MALFORMED;
	return a.bad ? PARSE_MALFORMED : PARSE_NEW;
}

static void
parse_via(struct attrs *a, uint8_t family, struct addr *out)
{
	*out = attrs_addr(a, RTA_GATEWAY, family);
	if (!attrs_has(a, RTA_VIA))
		return;
	/* struct rtvia: a family, then an address of it: IPv4 routed by an IPv6 gateway. */
	struct cursor c = cursor_of(a->at[RTA_VIA].data, a->at[RTA_VIA].n_bytes);
	const uint8_t *af = cursor_take(&c, 2);
	uint8_t via_family = af ? family_of((uint8_t)load_le16(af)) : ADDR_NONE;
	const uint8_t *bytes = cursor_take(&c, addr_n_bytes(via_family));
	if (!via_family || !bytes || cursor_left(&c))
		a->bad = true;
	else
		*out = addr_from_bytes(via_family, bytes);
}

/* One struct rtnexthop with its attributes; false when it is broken. */
static bool
parse_hop(struct cursor *c, uint8_t family, struct net_hop *out)
{
	struct rtnexthop head;
	struct attrs a;
	cursor_copy(c, &head, sizeof(head));
	if (c->failed || head.rtnh_len < sizeof(head) || head.rtnh_ifindex < 0)
		return false;
	size_t n = head.rtnh_len - sizeof(head);
	const uint8_t *p = cursor_take(c, n);
	if (!p)
		return false;
	cursor_take(c, MIN_OF((size_t)(-head.rtnh_len & 3), cursor_left(c)));
	attrs_read(&a, p, n);
	out->ifindex = (uint32_t)head.rtnh_ifindex;
	out->weight = head.rtnh_hops + 1;
	out->flags = head.rtnh_flags;
	out->has_encap = attrs_has(&a, RTA_ENCAP);
	parse_via(&a, family, &out->via);
	return !a.bad;
}

static void
parse_hops(struct attrs *a, uint8_t family, struct net_route *r)
{
	struct cursor c = cursor_of(a->at[RTA_MULTIPATH].data, a->at[RTA_MULTIPATH].n_bytes);
	while (cursor_left(&c)) {
		struct net_hop hop;
		memset(&hop, 0, sizeof(hop));
		if (!parse_hop(&c, family, &hop)) {
			a->bad = true;
			return;
		}
		if (r->n_hops < NET_MAX_HOPS)
			r->hops[r->n_hops++] = hop;
		else
			r->is_truncated = 1;
	}
}

/* A route without a multipath list has one hop, or none when it leads nowhere. */
static void
parse_only_hop(struct attrs *a, const struct rtmsg *head, uint8_t family, struct net_route *r)
{
	struct net_hop hop;
	memset(&hop, 0, sizeof(hop));
	hop.ifindex = attrs_u32(a, RTA_OIF, 0);
	hop.weight = 1;
	hop.flags = (uint8_t)head->rtm_flags;
	hop.has_encap = attrs_has(a, RTA_ENCAP);
	parse_via(a, family, &hop.via);
	if (hop.ifindex || hop.via.family)
		r->hops[r->n_hops++] = hop;
}

static enum parse_verdict
parse_route(struct cursor *c, struct net_object *o)
{
	struct net_route *r = &o->route;
	struct rtmsg head;
	struct attrs a, metrics;
	cursor_copy(c, &head, sizeof(head));
	if (c->failed)
		return PARSE_MALFORMED;
	uint8_t family = family_of(head.rtm_family);
	if (!family || head.rtm_flags & RTM_F_CLONED)
		return PARSE_IGNORED; /* clones are the route cache's */
	attrs_rest(&a, c);
	struct prefix dst = prefix_attr(&a, RTA_DST, family, head.rtm_dst_len);
	r->dst = prefix_masked(&dst);
	r->src = prefix_attr(&a, RTA_SRC, family, head.rtm_src_len);
	r->table = attrs_u32(&a, RTA_TABLE, head.rtm_table);
	r->metric = attrs_u32(&a, RTA_PRIORITY, 0);
	r->preferred_src = attrs_addr(&a, RTA_PREFSRC, family);
	r->nexthop_id = attrs_u32(&a, RTA_NH_ID, 0);
	r->tos = head.rtm_tos;
	r->type = head.rtm_type;
	r->protocol = head.rtm_protocol;
	r->scope = head.rtm_scope;
	attrs_nested(&a, RTA_METRICS, &metrics);
	r->mtu = attrs_u32(&metrics, RTAX_MTU, 0);
	if (attrs_has(&a, RTA_MULTIPATH))
		parse_hops(&a, family, r);
	else
		parse_only_hop(&a, &head, family, r);
	return a.bad || metrics.bad ? PARSE_MALFORMED : PARSE_NEW;
}

/* What narrows a rule and is not understood here, as one bit for each attribute. */
static uint64_t
rule_others(struct attrs *a)
{
	static const uint8_t understood[] = {FRA_UNSPEC, FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_GOTO,
		FRA_PRIORITY, FRA_FWMARK, FRA_SUPPRESS_IFGROUP, FRA_SUPPRESS_PREFIXLEN, FRA_TABLE,
		FRA_FWMASK, FRA_OIFNAME, FRA_PAD, FRA_L3MDEV, FRA_PROTOCOL};
	uint64_t others = a->seen;
	for (size_t i = 0; i < ARRAY_COUNT(understood); i++)
		others &= ~(1ull << understood[i]);
	/* These two are always told; it is their values that count. */
	if (attrs_u32(a, FRA_SUPPRESS_IFGROUP, UINT32_MAX) != UINT32_MAX)
		others |= 1ull << FRA_SUPPRESS_IFGROUP;
	if (attrs_u8(a, FRA_L3MDEV, 0))
		others |= 1ull << FRA_L3MDEV;
	return others;
}

static enum parse_verdict
parse_rule(struct cursor *c, struct net_object *o)
{
	struct net_rule *r = &o->rule;
	struct fib_rule_hdr head;
	struct attrs a;
	cursor_copy(c, &head, sizeof(head));
	if (c->failed)
		return PARSE_MALFORMED;
	r->family = family_of(head.family);
	if (!r->family)
		return PARSE_IGNORED;
	attrs_rest(&a, c);
	r->action = head.action;
	r->tos = head.tos;
	r->is_inverted = !!(head.flags & FIB_RULE_INVERT);
	r->priority = attrs_u32(&a, FRA_PRIORITY, 0);
	r->table = attrs_u32(&a, FRA_TABLE, head.table);
	r->fwmark = attrs_u32(&a, FRA_FWMARK, 0);
	r->fwmask = attrs_u32(&a, FRA_FWMASK, r->fwmark ? UINT32_MAX : 0);
	r->goto_priority = attrs_u32(&a, FRA_GOTO, 0);
	r->suppress_prefix_len = (int32_t)attrs_u32(&a, FRA_SUPPRESS_PREFIXLEN, UINT32_MAX);
	r->src = prefix_attr(&a, FRA_SRC, r->family, head.src_len);
	r->dst = prefix_attr(&a, FRA_DST, r->family, head.dst_len);
	attrs_text(&a, FRA_IIFNAME, r->iif, sizeof(r->iif));
	attrs_text(&a, FRA_OIFNAME, r->oif, sizeof(r->oif));
	r->others = rule_others(&a);
	return a.bad ? PARSE_MALFORMED : PARSE_NEW;
}

static enum parse_verdict
parse_neigh(struct cursor *c, struct net_object *o)
{
	struct net_neigh *n = &o->neigh;
	struct ndmsg head;
	struct attrs a;
	cursor_copy(c, &head, sizeof(head));
	if (c->failed)
		return PARSE_MALFORMED;
	uint8_t family = family_of(head.ndm_family);
	if (!family || head.ndm_flags & NTF_PROXY)
		return PARSE_IGNORED;
	attrs_rest(&a, c);
	n->ifindex = (uint32_t)head.ndm_ifindex;
	n->state = head.ndm_state;
	n->flags = head.ndm_flags;
	n->addr = attrs_addr(&a, NDA_DST, family);
	if (a.bad || head.ndm_ifindex <= 0 || !n->addr.family)
		return PARSE_MALFORMED;
	if (a.at[NDA_LLADDR].n_bytes == sizeof(n->mac)) {
		memcpy(n->mac.bytes, a.at[NDA_LLADDR].data, sizeof(n->mac));
		n->has_mac = 1;
	}
	return PARSE_NEW;
}

static const struct {
	uint16_t come, go;
	parser parse;
} kinds[NET_N_KINDS] = {
	[NET_LINK] = {RTM_NEWLINK, RTM_DELLINK, parse_link},
	[NET_ADDR] = {RTM_NEWADDR, RTM_DELADDR, parse_addr},
	[NET_RULE] = {RTM_NEWRULE, RTM_DELRULE, parse_rule},
	[NET_ROUTE] = {RTM_NEWROUTE, RTM_DELROUTE, parse_route},
	[NET_NEIGH] = {RTM_NEWNEIGH, RTM_DELNEIGH, parse_neigh},
};

enum parse_verdict
parse_message(uint16_t nlmsg_type, const void *payload, size_t n_bytes, struct net_scratch *out)
{
	struct cursor c = cursor_of(payload, n_bytes);
	for (unsigned k = 0; k < NET_N_KINDS; k++) {
		if (nlmsg_type != kinds[k].come && nlmsg_type != kinds[k].go)
			continue;
		memset(out, 0, sizeof(*out));
		out->object.kind = (uint8_t)k;
		enum parse_verdict v = kinds[k].parse(&c, &out->object);
		return v == PARSE_NEW && nlmsg_type == kinds[k].go ? PARSE_GONE : v;
	}
	return PARSE_IGNORED;
}
