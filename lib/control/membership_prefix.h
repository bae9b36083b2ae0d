/* SPDX-License-Identifier: BSD-3-Clause */
/* Which addresses and networks a server may give us or our peers: inside the membership. */
#pragma once

#include "control/core.h"
#include "source/headscale/node.h"

/*
 * Whether a prefix of the node's may be a peer's on the interface. Never is what no host has, what
 * ports are in, and where the server is; networks only with AcceptRoutes, and not our own; the
 * internet of the node of ExitNode alone.
 */
bool membership_lets_in(const struct control *c, const struct interface_intent *i,
	const struct tailnet_node *n, const struct prefix *p);
/* Whether a peer of another interface has addresses in it, with which its rights would go. */
bool membership_covers_a_peer(const struct control *c, const struct interface_intent *i,
	const struct prefix *p);
/*
 * Our own addresses that the interface may have, into an empty list: single ones, beside the
 * networks that ports are in. self may be NULL.
 */
void membership_own_addresses(const struct control *c, const struct tailnet_node *self,
	struct prefix_list *out);
