/* SPDX-License-Identifier: BSD-3-Clause */
/* What a node of the tailnet means for the interface: inside the membership, nobody else's. */
#pragma once

#include "control/core.h"
#include "source/headscale/node.h"

/* A node of one id before and after; NULL: there was, or is, none. */
struct node_pair {
	struct tailnet_node *was, *now;
};

/* Appends what makes the interface have pair->now in the place of pair->was. 0 or -ENOMEM. */
int membership_peer_changes(struct control *c, const struct node_pair *pair,
	struct change_list *out);
/* Appends what gives the interface these addresses by the tailnet in the place of the old. */
void membership_address_changes(struct control *c, const struct prefix_list *now,
	struct change_list *out);
/* Where peers reach us: the ports' addresses with the interface's port. How many. */
size_t membership_endpoints(struct control *c, struct endpoint *out, size_t max);
