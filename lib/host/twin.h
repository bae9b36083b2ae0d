/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Twins: the kernel's view of what is ours. A port has a TAP device with its MAC address
 * (`hg-wan`), a WireGuard interface has a TUN device of its own name (`hg0`). Addresses, routes,
 * ARP, ND and local sockets live there as on a real NIC and on a kernel's `wg0`.
 *
 * A twin lives as long as its file descriptor: it is gone when the process ends, however it ends.
 * It has no offloads, so the kernel completes checksums and segments before a packet reaches us.
 * The control side owns a twin; its descriptor is lent to the exception thread (host/exception.h)
 * and must be taken back there before twin_destroy.
 *
 * Set beside what the config says: accept_dad=0, since the port's MAC address is the twin's own
 * and its link-local address shall be usable at once; addresses from the config carry NODAD
 * (host/netlink.h); a TUN gets addr_gen_mode=1 (none), for like a kernel's `wg0` it has no
 * link-local address but one from the config. Nothing else of the kernel's settings is touched, but
 * where the twin adopts a netdev (host/adopt.h).
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "host/netlink.h"

enum twin_kind {
	TWIN_TAP, /* Ethernet frames */
	TWIN_TUN, /* IP packets */
};

struct twin {
	int fd; /* non-blocking; one packet a read or write; -1: destroyed */
	uint32_t ifindex;
	enum twin_kind kind;
	char name[IF_NAMESIZE];
};

/*
 * A TAP named hg-<port_name>, down, with that MAC address. The port's name has at most 12 bytes.
 * 0, or a negative errno with a sentence that says what to do, when the name is taken for instance.
 */
int twin_create_tap(struct twin *out, struct netlink *nl, const char *port_name,
	const struct mac *mac, struct err *err);
/* A TUN of exactly that name, down. */
int twin_create_tun(struct twin *out, struct netlink *nl, const char *name, struct err *err);
/* Closes the descriptor, by which the kernel removes the device with its addresses and routes. */
void twin_destroy(struct twin *t);

/* mtu: L3 bytes, as the kernel counts them. */
int twin_set_mtu(struct twin *t, struct netlink *nl, uint32_t mtu, struct err *err);
int twin_set_up(struct twin *t, struct netlink *nl, bool is_up, struct err *err);
/* Whether the twin has a carrier: a port that lost its link takes it from its twin. */
int twin_set_carrier(struct twin *t, bool has_carrier, struct err *err);
