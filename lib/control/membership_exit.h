/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ExitNode: what hosts behind us have for the internet goes by way of one node of the tailnet. Its
 * default route stands for as long as the config names a node, whatever becomes of that one, so
 * nothing leaves by another way because the node is gone:
 *
 *   ExitNode = NAME ─► default route into the interface, for what passes through alone
 *   a node of that name that offers the internet ─► 0.0.0.0/0 and ::/0 among its allowed-ips
 *
 * What the box itself sends, outer packets and the way to the server too, keeps its own routes.
 */
#pragma once

#include "control/core.h"
#include "source/headscale/node.h"

enum { EXIT_SENTENCE_BYTES = 512 };

/* Whether the node is the one of ExitNode: of several that are called so the first of the map. */
bool membership_exit_is(const struct control *c, const struct headscale_intent *h,
	const struct tailnet_node *n);
/* Whether it has been let offer the internet, to us. */
bool membership_exit_offers(const struct tailnet_node *n);
/* Whether the default route is not that of the peer's allowed-ips: nodes' never are. */
bool membership_exit_decides(const struct control *c, const struct control_iface *i,
	const struct key *peer);
/* The interface's default route becomes what the intent that runs says. Twice is once. */
int membership_exit_follow(struct control *c, struct control_iface *i, struct err *err);
/* The interface goes. */
void membership_exit_leave(struct control *c, struct control_iface *i);
/* A map has been taken in: who it is now, and a line in the log if that is news. */
void membership_exit_note(struct control *c);
/* Why nobody reaches the internet, or "". Returns out. */
const char *membership_exit_trouble(const struct control *c, char out[EXIT_SENTENCE_BYTES]);
