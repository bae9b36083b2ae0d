/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Setting the kernel's network state by rtnetlink: links, addresses, routes, neighbours. Each call
 * sends one request and waits for its acknowledgement (at most 5 s); each error is a sentence that
 * names the object and the kernel's reason. One thread owns a struct netlink; the control thread
 * and the start use it, never a worker.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "host/state.h"

/* The origin of our routes, as `ip route show proto 104` tells them. */
enum { NETLINK_ROUTE_PROTOCOL = 0x68 };

struct netlink;
struct nlmsghdr;

/* Opens a socket in the caller's network namespace. NULL with a sentence in err. */
struct netlink *netlink_open(struct err *err);
void netlink_close(struct netlink *nl); /* NULL is allowed */

/* What the kernel says of a link. -ENODEV when there is none of that name or index. */
int netlink_link_by_name(struct netlink *nl, const char *name, struct net_link *out,
	struct err *err);
int netlink_link_by_index(struct netlink *nl, uint32_t ifindex, struct net_link *out,
	struct err *err);

/* Sets those IFF_ bits of mask to the values they have in flags; IFF_UP and IFF_PROMISC mostly. */
int netlink_link_set_flags(struct netlink *nl, uint32_t ifindex, uint32_t flags, uint32_t mask,
	struct err *err);
int netlink_link_set_up(struct netlink *nl, uint32_t ifindex, bool is_up, struct err *err);
int netlink_link_set_mtu(struct netlink *nl, uint32_t ifindex, uint32_t mtu, struct err *err);
int netlink_link_set_mac(struct netlink *nl, uint32_t ifindex, const struct mac *mac,
	struct err *err);

/*
 * Adds an address with its prefix length, or keeps the one that is there. An IPv6 address is
 * usable at once: it comes from the config, so duplicate address detection is left out (NODAD).
 */
int netlink_addr_add(struct netlink *nl, uint32_t ifindex, const struct prefix *p,
	struct err *err);
int netlink_addr_del(struct netlink *nl, uint32_t ifindex, const struct prefix *p,
	struct err *err);

/* A unicast route of our own protocol number. */
struct netlink_route {
	struct prefix dst;   /* length 0: the default route */
	struct addr via;     /* none: on link */
	struct addr source;  /* preferred for what the box sends there; none: the kernel's choice */
	uint32_t ifindex;
	uint32_t table;      /* 0: main */
	uint32_t metric;     /* 0: the kernel's default */
};

/* Adds the route; one of the same destination, table and metric is replaced. */
int netlink_route_add(struct netlink *nl, const struct netlink_route *r, struct err *err);
/* -ESRCH when it is not there. */
int netlink_route_del(struct netlink *nl, const struct netlink_route *r, struct err *err);

/* A rule that sends packets to a table: of a mark, or with all but that mark. */
struct netlink_rule {
	uint32_t priority;
	uint32_t table;
	uint32_t fwmark;             /* 0: the mark does not matter */
	int32_t suppress_prefix_len; /* routes of at most this length do not count; -1: all do */
	uint8_t family;              /* enum addr_family */
	bool is_for_own;             /* what the box itself sends matches, and nothing else */
	bool is_inverted;            /* what does not match is sent there */
};

/* -EEXIST when there is the same already. */
int netlink_rule_add(struct netlink *nl, const struct netlink_rule *r, struct err *err);
/* -ENOENT when it is not there. */
int netlink_rule_del(struct netlink *nl, const struct netlink_rule *r, struct err *err);

/*
 * The MTU of the route that the box's own packets with that mark take to an address: the route's
 * if it has one, else its link's. -ENETUNREACH and the like when there is none.
 */
int netlink_route_mtu(struct netlink *nl, const struct addr *to, uint32_t fwmark, uint32_t *mtu,
	struct err *err);

/*
 * Asks the kernel to resolve a neighbour and to keep it resolved (NTF_EXT_MANAGED, Linux 5.16).
 * Returns 0 when it will be kept; 1 when the kernel is older and was asked once (NTF_USE), so the
 * caller asks again while it needs the neighbour; or a negative errno. The mirror hears of it when
 * the neighbour has been found or given up, not while the kernel searches.
 */
int netlink_neigh_resolve(struct netlink *nl, uint32_t ifindex, const struct addr *addr,
	struct err *err);
/* Forgets a neighbour, managed ones too. -ENOENT when it is not there. */
int netlink_neigh_del(struct netlink *nl, uint32_t ifindex, const struct addr *addr,
	struct err *err);

/*
 * A request that is made elsewhere (a message copied from the kernel for instance): sent with a
 * sequence number of our own and an acknowledgement asked for. what: "put back the route to …".
 */
int netlink_send(struct netlink *nl, const struct nlmsghdr *message, const char *what,
	struct err *err);
/*
 * An RTM_GET… request; take is called for each message of the answer, whose attributes nobody has
 * looked at. With NLM_F_DUMP in its flags it is a dump. Ends early with what take returns when
 * that is negative; -EINTR: the dump is not of one moment.
 */
int netlink_ask(struct netlink *nl, const struct nlmsghdr *request,
	int (*take)(void *ctx, const struct nlmsghdr *message), void *ctx, struct err *err);
