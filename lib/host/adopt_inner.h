/* SPDX-License-Identifier: BSD-3-Clause */
/* What adopt.c and its parts share: adopt_message.c (messages) and adopt_state.c (their list). */
#pragma once

#include <linux/netlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/adopt.h"

/* In the order in which they are put on a device: a route needs its source and its next hop. */
enum adopt_class {
	ADOPT_ADDR_V4,
	ADOPT_ADDR_V6,
	ADOPT_ROUTE_LINK,
	ADOPT_ROUTE_VIA,
	ADOPT_ROUTE_MULTI, /* several next hops, of which others may not be ours */
	ADOPT_NEIGH,
	ADOPT_RULE,
	ADOPT_NOT,         /* not of this device, or made by the kernel in any case */
	ADOPT_IMPOSSIBLE,  /* of this device, and cannot be moved */
};

/* ---- adopt_message.c: pure functions over messages ---- */

struct adopt_device {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
};

/* What a message of a dump is for the device. */
enum adopt_class adopt_class_of(const struct nlmsghdr *dump, const struct adopt_device *device);
/* Of an address: whether it makes the netdev worth adopting (not a mere link-local one). */
bool adopt_is_address(const struct nlmsghdr *dump);
void adopt_format_address(const struct nlmsghdr *dump, char out[PREFIX_TEXT_BYTES]);
/* "the address 10.0.0.1/24", for a person. Returns out. */
const char *adopt_describe(const struct nlmsghdr *dump, char out[96]);

struct adopt_request {
	uint16_t type;       /* RTM_NEW… or RTM_DEL… of the object */
	uint16_t flags;      /* NLM_F_ */
	uint32_t addr_flags; /* IFA_F_ bits to be set beside an address's own */
	const struct adopt_device *from, *to;
};

/*
 * The object of a dump's message as a request, with the device replaced. False when the message
 * is broken or the request does not fit.
 */
bool adopt_make_request(const struct nlmsghdr *dump, const struct adopt_request *want,
	uint8_t out[RESTORE_MESSAGE_BYTES]);

/* ---- adopt_settings.c: sysctls ---- */

/* Those by which a device forwards, filters sources, answers ARP and heeds advertisements. */
void adopt_copy_settings(const char *from_device, const char *to_device);
/* Whether a device forms its link-local address from its MAC address. */
bool adopt_has_gen_mode(const char *device);
/* That, or none at all. */
void adopt_set_gen_mode(const char *device, bool forms_addresses);

/* ---- adopt_stacked.c: what is not moved ---- */

/* Whether a VLAN, macvlan or the like stands on the device; out is its name. */
bool adopt_find_stacked(struct netlink *nl, uint32_t ifindex, char out[IF_NAMESIZE]);

/* ---- adopt_state.c: all that a device has ---- */

struct adopt_item {
	enum adopt_class class;
	unsigned at; /* its place in the dump */
	struct nlmsghdr *message;
};

struct adopt_state {
	struct adopt_device device;
	struct adopt_item *items; /* in the order in which they are put on a device */
	unsigned n, cap;
	unsigned n_addresses;     /* link-local ones aside */
	unsigned n_routes;
	unsigned n_neighbours;
	char impossible[96];      /* what cannot be moved; empty: all can */
};

int adopt_state_read(struct adopt_state *s, struct netlink *nl, const char *device,
	struct err *err);
void adopt_state_fini(struct adopt_state *s);

/* ---- adopt_move.c: one thing goes from one device to another ---- */

struct adopt_move {
	struct netlink *nl;
	struct restore *restore;
	const char *owner; /* of the steps that are noted */
	const struct adopt_device *from, *to;
};

/* Notes that it is to be put on `to` at undo; things noted later are put earlier. */
int adopt_note(const struct adopt_move *m, const struct adopt_item *it, struct err *err);
/* Notes that what adopt_put puts there is to be deleted again. */
int adopt_note_deletion(const struct adopt_move *m, const struct adopt_item *it,
	struct err *err);
/* Puts it on `to`, where it may be already. */
int adopt_put(const struct adopt_move *m, const struct adopt_item *it, struct err *err);
/* Takes it off `from`. */
void adopt_remove(const struct adopt_move *m, const struct adopt_item *it);
