/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A message of a dump becomes a request about the same object on another device. What only a dump
 * says (counters, states, flags that the kernel sets itself) is left out; the rest is copied.
 */
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "host/adopt_inner.h"
#include "host/attrs.h"
#include "host/parse.h"

#define BIT(type) (1ull << (type))

enum {
	ADDR_FLAGS = IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR |
		IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN,
	RULE_FLAGS = FIB_RULE_PERMANENT | FIB_RULE_INVERT,
	NEIGH_IS_KNOWN = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT,
};

static const uint64_t addr_types = BIT(IFA_LOCAL) | BIT(IFA_ADDRESS) | BIT(IFA_BROADCAST) |
	BIT(IFA_CACHEINFO) | BIT(IFA_RT_PRIORITY) | BIT(IFA_PROTO);
static const uint64_t route_types = BIT(RTA_DST) | BIT(RTA_SRC) | BIT(RTA_GATEWAY) |
	BIT(RTA_VIA) | BIT(RTA_PRIORITY) | BIT(RTA_PREFSRC) | BIT(RTA_METRICS) | BIT(RTA_FLOW) |
	BIT(RTA_TABLE) | BIT(RTA_PREF) | BIT(RTA_ENCAP) | BIT(RTA_ENCAP_TYPE);
static const uint64_t neigh_types = BIT(NDA_DST) | BIT(NDA_LLADDR);
static const uint64_t rule_types = ~(BIT(0) | BIT(FRA_IIFNAME) | BIT(FRA_OIFNAME));

/* ---- What it is ---- */

static enum parse_verdict
parse(const struct nlmsghdr *dump, struct net_scratch *out)
{
	return parse_message(dump->nlmsg_type, mnl_nlmsg_get_payload(dump),
		mnl_nlmsg_get_payload_len(dump), out);
}

static enum adopt_class
class_of_route(const struct net_route *r, uint32_t ifindex)
{
	bool leads_over_it = false, has_via = false;
	for (unsigned i = 0; i < r->n_hops; i++) {
		leads_over_it |= r->hops[i].ifindex == ifindex;
		has_via |= r->hops[i].via.family != ADDR_NONE;
	}
	if (!leads_over_it || r->protocol == RTPROT_REDIRECT ||
		r->protocol == NETLINK_ROUTE_PROTOCOL)
		return ADOPT_NOT;
	if (r->protocol == RTPROT_KERNEL && r->table == RT_TABLE_LOCAL)
		return ADOPT_NOT;
	if (r->nexthop_id || r->is_truncated)
		return ADOPT_IMPOSSIBLE;
	return r->n_hops > 1 ? ADOPT_ROUTE_MULTI : has_via ? ADOPT_ROUTE_VIA : ADOPT_ROUTE_LINK;
}

static enum adopt_class
class_of_neigh(const struct net_neigh *n, uint32_t ifindex)
{
	bool is_known = n->ifindex == ifindex && n->has_mac && n->state & NEIGH_IS_KNOWN;
	return is_known && !addr_is_multicast(&n->addr) ? ADOPT_NEIGH : ADOPT_NOT;
}

enum adopt_class
adopt_class_of(const struct nlmsghdr *dump, const struct adopt_device *device)
{
	struct net_scratch s;
	if (parse(dump, &s) != PARSE_NEW)
		return ADOPT_NOT;
	switch (s.object.kind) {
	case NET_ADDR:
		if (s.object.addr.ifindex != device->ifindex)
			return ADOPT_NOT;
		return s.object.addr.prefix.addr.family == ADDR_V4 ? ADOPT_ADDR_V4 : ADOPT_ADDR_V6;
	case NET_ROUTE:
		return class_of_route(&s.object.route, device->ifindex);
	case NET_NEIGH:
		return class_of_neigh(&s.object.neigh, device->ifindex);
	case NET_RULE:
		return strcmp(s.object.rule.iif, device->name) == 0 ||
			strcmp(s.object.rule.oif, device->name) == 0 ? ADOPT_RULE : ADOPT_NOT;
	default:
		return ADOPT_NOT;
	}
}

bool
adopt_is_address(const struct nlmsghdr *dump)
{
	struct net_scratch s;
	return parse(dump, &s) == PARSE_NEW && s.object.kind == NET_ADDR &&
		!addr_is_link_local(&s.object.addr.prefix.addr);
}

void
adopt_format_address(const struct nlmsghdr *dump, char out[PREFIX_TEXT_BYTES])
{
	struct net_scratch s;
	if (parse(dump, &s) == PARSE_NEW && s.object.kind == NET_ADDR)
		prefix_format(&s.object.addr.prefix, out);
}

const char *
adopt_describe(const struct nlmsghdr *dump, char out[96])
{
	char text[PREFIX_TEXT_BYTES];
	struct net_scratch s;
	if (parse(dump, &s) != PARSE_NEW)
		s.object.kind = NET_N_KINDS;
	switch (s.object.kind) {
	case NET_ADDR:
		snprintf(out, 96, "the address %s", prefix_format(&s.object.addr.prefix, text));
		break;
	case NET_ROUTE:
		snprintf(out, 96, "the route to %s in table %u",
			prefix_format(&s.object.route.dst, text), s.object.route.table);
		break;
	case NET_NEIGH:
		snprintf(out, 96, "the neighbour %s", addr_format(&s.object.neigh.addr, text));
		break;
	case NET_RULE:
		snprintf(out, 96, "the routing rule %u", s.object.rule.priority);
		break;
	default:
		snprintf(out, 96, "a strange thing");
	}
	return out;
}

/* ---- The request ---- */

struct writer {
	struct nlmsghdr *head;
	const struct adopt_request *want;
	bool is_full;
};

static void
put(struct writer *w, uint16_t type, const void *data, size_t n_bytes)
{
	if (!mnl_attr_put_check(w->head, RESTORE_MESSAGE_BYTES, type, n_bytes, data))
		w->is_full = true;
}

static void
put_list(struct writer *w, const struct attrs *a, uint64_t types)
{
	for (unsigned t = 1; t < ATTRS_MAX; t++) {
		if (types >> t & 1 && attrs_has(a, t))
			put(w, (uint16_t)t, a->at[t].data, a->at[t].n_bytes);
	}
}

static uint32_t
map_ifindex(const struct writer *w, uint32_t ifindex)
{
	return ifindex == w->want->from->ifindex ? w->want->to->ifindex : ifindex;
}

/* "eth1" becomes "hg-wan", "eth1:0" "hg-wan:0" where that is not too long. */
static void
put_label(struct writer *w, struct attrs *a)
{
	char label[IF_NAMESIZE], mapped[2 * IF_NAMESIZE];
	const char *from = w->want->from->name, *to = w->want->to->name;
	size_t n = strlen(from);
	attrs_text(a, IFA_LABEL, label, sizeof(label));
	if (!label[0])
		return;
	snprintf(mapped, sizeof(mapped), "%s", label);
	if (strncmp(label, from, n) == 0)
		snprintf(mapped, sizeof(mapped), "%s%s", to, label + n);
	if (strlen(mapped) >= IF_NAMESIZE)
		snprintf(mapped, sizeof(mapped), "%s", to);
	put(w, IFA_LABEL, mapped, strlen(mapped) + 1);
}

static void
write_addr(struct writer *w, struct cursor *c)
{
	struct ifaddrmsg *out = mnl_nlmsg_put_extra_header(w->head, sizeof(*out));
	struct attrs a;
	cursor_copy(c, out, sizeof(*out));
	attrs_read(&a, c->at, cursor_left(c));
	uint32_t flags = attrs_u32(&a, IFA_FLAGS, out->ifa_flags) & ADDR_FLAGS;
	flags |= w->want->addr_flags;
	out->ifa_index = map_ifindex(w, out->ifa_index);
	out->ifa_flags = (uint8_t)flags;
	put(w, IFA_FLAGS, &flags, sizeof(flags));
	put_list(w, &a, addr_types);
	put_label(w, &a);
	c->failed |= a.bad;
}

/* The next hops of a group, in a copy where each has its own device. */
static void
put_hops(struct writer *w, const struct attr *hops, struct cursor *c)
{
	uint8_t copy[RESTORE_MESSAGE_BYTES];
	struct rtnexthop hop;
	size_t at = 0, n = hops->n_bytes;
	if (n > sizeof(copy)) {
		w->is_full = true;
		return;
	}
	memcpy(copy, hops->data, n);
	while (n - at >= sizeof(hop)) {
		memcpy(&hop, copy + at, sizeof(hop));
		if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > n - at)
			break;
		hop.rtnh_ifindex = (int)map_ifindex(w, (uint32_t)hop.rtnh_ifindex);
		hop.rtnh_flags &= RTNH_F_ONLINK | RTNH_F_PERVASIVE;
		memcpy(copy + at, &hop, sizeof(hop));
		at += MIN_OF((size_t)RTNH_ALIGN(hop.rtnh_len), n - at);
	}
	c->failed |= at != n;
	put(w, RTA_MULTIPATH, copy, n);
}

/* IPv6 routes of router advertisements end; the kernel tells it in ticks and takes seconds. */
static void
put_expiry(struct writer *w, const struct attrs *a)
{
	struct rta_cacheinfo info;
	long ticks_per_s = sysconf(_SC_CLK_TCK);
	if (!attrs_has(a, RTA_CACHEINFO) || a->at[RTA_CACHEINFO].n_bytes < sizeof(info))
		return;
	memcpy(&info, a->at[RTA_CACHEINFO].data, sizeof(info));
	if (info.rta_expires <= 0 || ticks_per_s <= 0)
		return;
	uint32_t seconds = (uint32_t)(info.rta_expires / ticks_per_s);
	seconds += !seconds;
	put(w, RTA_EXPIRES, &seconds, sizeof(seconds));
}

static void
write_route(struct writer *w, struct cursor *c)
{
	struct rtmsg *out = mnl_nlmsg_put_extra_header(w->head, sizeof(*out));
	struct attrs a;
	cursor_copy(c, out, sizeof(*out));
	attrs_read(&a, c->at, cursor_left(c));
	out->rtm_flags &= RTNH_F_ONLINK | RTNH_F_PERVASIVE;
	put_list(w, &a, route_types);
	if (attrs_has(&a, RTA_MULTIPATH)) {
		put_hops(w, &a.at[RTA_MULTIPATH], c);
	} else {
		uint32_t ifindex = map_ifindex(w, attrs_u32(&a, RTA_OIF, 0));
		put(w, RTA_OIF, &ifindex, sizeof(ifindex));
	}
	if (out->rtm_family == AF_INET6)
		put_expiry(w, &a);
	c->failed |= a.bad;
}

/* One that is known is used at once and asked for again: its MAC address may have changed. */
static void
write_neigh(struct writer *w, struct cursor *c)
{
	struct ndmsg *out = mnl_nlmsg_put_extra_header(w->head, sizeof(*out));
	struct attrs a;
	cursor_copy(c, out, sizeof(*out));
	attrs_read(&a, c->at, cursor_left(c));
	out->ndm_ifindex = (int)map_ifindex(w, (uint32_t)out->ndm_ifindex);
	out->ndm_state = out->ndm_state & NUD_PERMANENT ? NUD_PERMANENT : NUD_STALE;
	out->ndm_flags &= NTF_ROUTER;
	put_list(w, &a, neigh_types);
	c->failed |= a.bad;
}

static void
put_rule_device(struct writer *w, struct attrs *a, uint16_t type)
{
	char name[IF_NAMESIZE];
	attrs_text(a, type, name, sizeof(name));
	const char *mapped = strcmp(name, w->want->from->name) == 0 ? w->want->to->name : name;
	if (*mapped)
		put(w, type, mapped, strlen(mapped) + 1);
}

static void
write_rule(struct writer *w, struct cursor *c)
{
	struct fib_rule_hdr *out = mnl_nlmsg_put_extra_header(w->head, sizeof(*out));
	struct attrs a;
	cursor_copy(c, out, sizeof(*out));
	attrs_read(&a, c->at, cursor_left(c));
	out->flags &= RULE_FLAGS;
	put_list(w, &a, rule_types);
	put_rule_device(w, &a, FRA_IIFNAME);
	put_rule_device(w, &a, FRA_OIFNAME);
	c->failed |= a.bad;
}

bool
adopt_make_request(const struct nlmsghdr *dump, const struct adopt_request *want,
	uint8_t out[RESTORE_MESSAGE_BYTES])
{
	struct cursor c = cursor_of(mnl_nlmsg_get_payload(dump), mnl_nlmsg_get_payload_len(dump));
	memset(out, 0, RESTORE_MESSAGE_BYTES);
	struct writer w = {.head = mnl_nlmsg_put_header(out), .want = want};
	w.head->nlmsg_type = want->type;
	w.head->nlmsg_flags = NLM_F_REQUEST | want->flags;
	switch (dump->nlmsg_type) {
	case RTM_NEWADDR:
		write_addr(&w, &c);
		break;
	case RTM_NEWROUTE:
		write_route(&w, &c);
		break;
	case RTM_NEWNEIGH:
		write_neigh(&w, &c);
		break;
	case RTM_NEWRULE:
		write_rule(&w, &c);
		break;
	default:
		return false;
	}
	return !c.failed && !w.is_full;
}
