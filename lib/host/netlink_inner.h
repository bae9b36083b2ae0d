/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of struct netlink share: its socket, a request, and the wait for its end. */
#pragma once

#include <libmnl/libmnl.h>

#include "host/netlink.h"

enum {
	NETLINK_REQUEST_BYTES = 512,
	NETLINK_ANSWER_BYTES = 32 << 10,
	NETLINK_WAIT_S = 5,
};

struct netlink {
	struct mnl_socket *socket;
	uint32_t seq;
	bool can_manage; /* the kernel knows NTF_EXT_MANAGED */
	uint8_t request[NETLINK_REQUEST_BYTES] __attribute__((aligned(8)));
	uint8_t answer[NETLINK_ANSWER_BYTES] __attribute__((aligned(8)));
};

struct netlink_exchange {
	char what[256]; /* for the error: "cannot WHAT: …" */
	int (*take)(void *ctx, const struct nlmsghdr *message); /* NULL: answers do not matter */
	void *ctx;
};

/* Sends a request that carries nl->seq and reads what comes to its end. */
int netlink_exchange(struct netlink *nl, const struct nlmsghdr *request,
	struct netlink_exchange *x, struct err *err);

/* Begins a request with a header of its type of n_bytes; returns that header, zeroed. */
void *netlink_begin(struct netlink *nl, struct nlmsghdr **head, uint16_t type, uint16_t flags,
	size_t n_bytes);
/*
 * Sends what was begun and waits for the acknowledgement; the last object that came before it
 * stands in out (may be NULL). what is for the sentence: "add the rule 32765".
 */
int netlink_talk(struct netlink *nl, struct net_scratch *out, const char *what, struct err *err);
