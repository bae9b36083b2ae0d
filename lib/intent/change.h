/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The difference between two intents as a list of changes, each of which the reconciler turns
 * into a table update and intent_apply into a new value. In a list that intent_diff made:
 *
 *   options of the process → the filter → ports → interfaces that go → for each interface that
 *   stays or comes: its own settings → addresses → peers that come or differ, each with its
 *   prefixes → prefixes that nobody has any more → peers that go
 *
 * so that a prefix moves between peers in one step and no traffic meets a gap.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "intent/intent.h"

/* A row: the kind, the member of struct change that carries its value, what needs a restart. */
#define CHANGE_KINDS(X)                                                                            \
	X(GATEWAY_WORKERS, text, "Workers")                                                        \
	X(GATEWAY_CONTROL, number, "Control")                                                      \
	X(GATEWAY_HUGEPAGES, number, "Hugepages")                                                  \
	X(GATEWAY_IDLE, number, "Idle")                                                            \
	X(GATEWAY_HOST, number, "Host")                                                            \
	X(GATEWAY_NETFILTER, number, NULL)                                                         \
	X(GATEWAY_LOG_LEVEL, number, NULL)                                                         \
	X(GATEWAY_CRYPTO, text, "Crypto")                                                          \
	X(GATEWAY_SNAT_PORTS, number, NULL)                                                        \
	X(GATEWAY_SNAT_FLOWS, number, NULL)                                                        \
	X(FILTER_SET, filter, NULL)                                                                \
	X(PORT_ADD, none, "a new port")                                                            \
	X(PORT_REMOVE, none, "a port that is gone")                                                \
	X(PORT_DEVICE, text, "a port's Device")                                                    \
	X(PORT_QUEUES, number, "a port's Queues")                                                  \
	X(PORT_MTU, number, "a port's MTU")                                                        \
	X(PORT_CHECKSUM, number, "a port's Checksum")                                              \
	X(PORT_ADOPT, number, "a port's Adopt")                                                    \
	X(PORT_GATEWAY_V4, addr, NULL)                                                             \
	X(PORT_GATEWAY_V6, addr, NULL)                                                             \
	X(PORT_ADDRESS_ADD, prefix, NULL)                                                          \
	X(PORT_ADDRESS_REMOVE, prefix, NULL)                                                       \
	X(NEIGHBOUR_ADD, neighbour, NULL)                                                          \
	X(NEIGHBOUR_REMOVE, neighbour, NULL)                                                       \
	X(INTERFACE_ADD, none, NULL)                                                               \
	X(INTERFACE_REMOVE, none, NULL)                                                            \
	X(INTERFACE_SET_HOOKS, hooks, NULL)                                                        \
	X(INTERFACE_SET_DNS, text, NULL)                                                           \
	X(INTERFACE_SET_SAVE, text, NULL)                                                          \
	X(INTERFACE_SET_KEY, key, NULL)                                                            \
	X(INTERFACE_SET_LISTEN_ADDRS, text, NULL)                                                  \
	X(INTERFACE_SET_LISTEN_PORT, number, NULL)                                                 \
	X(INTERFACE_SET_FWMARK, number, NULL)                                                      \
	X(INTERFACE_SET_MTU, number, NULL)                                                         \
	X(INTERFACE_SET_KEEP_MSS, number, NULL)                                                    \
	X(INTERFACE_SET_TABLE, table, NULL)                                                        \
	X(INTERFACE_SET_HEADSCALE, headscale, NULL)                                                \
	X(INTERFACE_ADDRESS_ADD, prefix, NULL)                                                     \
	X(INTERFACE_ADDRESS_REMOVE, prefix, NULL)                                                  \
	X(INTERFACE_SNAT_ADD, prefix, NULL)                                                        \
	X(INTERFACE_SNAT_REMOVE, prefix, NULL)                                                     \
	X(PEER_ADD, none, NULL)                                                                    \
	X(PEER_REMOVE, none, NULL)                                                                 \
	X(PEER_SET_NAME, text, NULL)                                                               \
	X(PEER_SET_PSK, key, NULL)                                                                 \
	X(PEER_SET_ENDPOINT, endpoint, NULL)                                                       \
	X(PEER_SET_KEEPALIVE, number, NULL)                                                        \
	X(ALLOWED_ADD, prefix, NULL)                                                               \
	X(ALLOWED_REMOVE, prefix, NULL)

enum change_kind {
#define X(kind, value, restart) CHANGE_##kind,
	CHANGE_KINDS(X)
#undef X
	CHANGE_N_KINDS,
};

/*
 * One change. `on` names the port or the interface; `peer` the peer in PEER_* and ALLOWED_*.
 * A zero key, number, addr or endpoint takes the setting back. PEER_REMOVE takes the prefixes that
 * the peer has at that moment along. ALLOWED_ADD moves the prefix from whoever has it;
 * ALLOWED_REMOVE does nothing when it is no longer this peer's.
 */
struct change {
	enum change_kind kind;
	char on[INTENT_NAME_BYTES];
	struct key peer;
	union {
		struct key key; /* private or preshared: secret */
		int64_t number;
		char *text; /* owned by the list */
		struct prefix prefix;
		struct addr addr;
		struct endpoint_intent endpoint; /* its host is owned by the list */
		struct neighbour_intent neighbour;
		struct hook_list hooks; /* owned by the list */
		struct filter_plan *filter; /* owned by the list; NULL: off */
		struct headscale_intent *headscale; /* NULL: none; owned by the list */
		struct {
			enum table_mode mode;
			uint32_t id;
		} table;
	};
};

struct change_list {
	struct change *items;
	size_t n;
};

void change_list_init(struct change_list *l);
/* Frees all; secrets are wiped. The list may be used again. */
void change_list_fini(struct change_list *l);
/* Appends a copy of *c, with copies of its texts. 0 or -ENOMEM. */
int change_list_add(struct change_list *l, const struct change *c)
	__attribute__((warn_unused_result));

/* "PEER_ADD" */
const char *change_name(enum change_kind kind);
/* What takes hold only after a restart, for a person; NULL when the change does at once. */
const char *change_needs_restart(const struct change *c);
/* "hg0 ALLOWED_ADD Ab3d…xY0= 10.0.0.0/8", never a secret: for logs and tests. Returns out. */
const char *change_format(const struct change *c, char out[512]);

/*
 * Appends to `out` what turns `from` into `to`. Costs time in proportion to their sizes; what is
 * equal yields nothing. Origins, warnings and the order of things are not compared. 0 or -ENOMEM,
 * and then the list is not to be used.
 */
int intent_diff(const struct intent *from, const struct intent *to, struct change_list *out)
	__attribute__((warn_unused_result));

/*
 * Applies one change to the value; what it adds has no origin. 0, -ENOENT (no such port, interface
 * or peer), -EEXIST, -EINVAL (not a value of that kind), -ENOSPC or -ENOMEM; on error the value is
 * as it was. Costs the same with many peers as with few.
 */
int intent_apply(struct intent *it, const struct change *c) __attribute__((warn_unused_result));
