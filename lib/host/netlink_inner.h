/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of struct netlink share: a request, and the wait for its end. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "host/state.h"

struct netlink;
struct nlmsghdr;

/* Begins a request with a header of its type of n_bytes; returns that header, zeroed. */
void *netlink_begin(struct netlink *nl, struct nlmsghdr **head, uint16_t type, uint16_t flags,
	size_t n_bytes);
/*
 * Sends what was begun and waits for the acknowledgement; the last object that came before it
 * stands in out (may be NULL). what is for the sentence: "add the rule 32765".
 */
int netlink_talk(struct netlink *nl, struct net_scratch *out, const char *what, struct err *err);
