/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's networking state as values: links, addresses, rules, routes and neighbours, as
 * far as a gateway looks at them. Addresses are in network order, all else in host order.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum net_kind {
	NET_LINK,
	NET_ADDR,
	NET_RULE,
	NET_ROUTE,
	NET_NEIGH,
	NET_N_KINDS,
};

enum { NET_MAX_HOPS = 64 };

struct net_link {
	uint32_t ifindex;
	uint32_t flags;          /* IFF_ */
	uint32_t mtu;
	uint32_t parent_ifindex; /* the link below a VLAN or the like; 0: none */
	uint32_t master_ifindex; /* the bridge or VRF it belongs to; 0: none */
	uint16_t arp_type;       /* ARPHRD_ */
	uint16_t vlan_id;        /* with kind "vlan" */
	uint8_t operstate;       /* IF_OPER_ */
	uint8_t has_carrier;
	struct mac mac;          /* zero where the link has none of 6 bytes */
	char name[IF_NAMESIZE];
	char kind[32];           /* "tun", "veth", "vlan"; empty for hardware */
};

static inline bool
net_link_is_up(const struct net_link *l)
{
	return l->flags & IFF_UP;
}

struct net_addr {
	uint32_t ifindex;
	uint32_t flags;       /* IFA_F_ */
	struct prefix prefix; /* the address itself with its prefix length */
	struct addr peer;     /* the far end of a point-to-point address, else none */
	uint8_t scope;        /* RT_SCOPE_ */
};

struct net_hop {
	uint32_t ifindex; /* 0: none */
	struct addr via;  /* of any family; none: on link */
	uint16_t weight;  /* 1 and up */
	uint8_t flags;    /* RTNH_F_ */
	uint8_t has_encap; /* light-weight tunnel: cannot be expressed here */
};

struct net_route {
	uint32_t table;
	uint32_t metric;
	uint32_t mtu;          /* 0: the link's */
	uint32_t nexthop_id;   /* 0: no nexthop object */
	struct prefix dst;     /* masked; length 0: the default route */
	struct prefix src;     /* IPv6 source routing; length 0: any */
	struct addr preferred_src;
	uint8_t tos;
	uint8_t type;          /* RTN_UNICAST, _LOCAL, _BLACKHOLE, _UNREACHABLE, _PROHIBIT ... */
	uint8_t protocol;      /* RTPROT_ */
	uint8_t scope;
	uint8_t is_truncated;  /* had more than NET_MAX_HOPS hops */
	uint16_t n_hops;
	struct net_hop hops[]; /* more than one: ECMP, in the kernel's order */
};

struct net_rule {
	uint32_t priority;
	uint32_t table;
	uint32_t fwmark;
	uint32_t fwmask;             /* 0: the mark does not matter */
	uint32_t goto_priority;
	int32_t suppress_prefix_len; /* -1: nothing is suppressed */
	uint64_t others;             /* bit t: FRA_ attribute t is set and not understood here */
	struct prefix src;           /* length 0: any */
	struct prefix dst;
	char iif[IF_NAMESIZE];
	char oif[IF_NAMESIZE];
	uint8_t family;              /* enum addr_family */
	uint8_t action;              /* FR_ACT_ */
	uint8_t tos;
	uint8_t is_inverted;         /* "not" */
};

struct net_neigh {
	uint32_t ifindex;
	uint16_t state; /* NUD_ */
	uint8_t flags;  /* NTF_ */
	uint8_t has_mac;
	struct addr addr;
	struct mac mac;
};

struct net_object {
	uint8_t kind; /* enum net_kind */
	union {
		struct net_link link;
		struct net_addr addr;
		struct net_rule rule;
		struct net_route route;
		struct net_neigh neigh;
	};
};

/* An object with room for all the hops a route may have. */
struct net_scratch {
	union {
		struct net_object object;
		uint8_t room[sizeof(struct net_object) + NET_MAX_HOPS * sizeof(struct net_hop)];
	};
};

enum { NET_KEY_BYTES = 128 };

/* The bytes that tell one object of its kind from another; returns how many. */
unsigned net_object_key(const struct net_object *o, uint8_t out[NET_KEY_BYTES]);
/* The bytes that the object really has, a route's hops included. */
unsigned net_object_n_bytes(const struct net_object *o);
/* Whether two objects of one kind are equal in all they say. */
bool net_object_is_equal(const struct net_object *a, const struct net_object *b);
bool net_hop_is_equal(const struct net_hop *a, const struct net_hop *b);
