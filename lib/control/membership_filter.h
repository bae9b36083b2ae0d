/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The access rules while we are a node: those of the config, and those of the tailnet. What no rule
 * allows is denied, from the first moment on. Without [Filter] in the config its own peers may do
 * what they could without a tailnet, so a rule lets all of theirs pass. Nodes of the tailnet send
 * to what is ours alone (membership_local.h), replies and errors, too; or where a rule of [Filter]
 * lets them.
 */
#pragma once

#include "base/err.h"
#include "intent/intent.h"

struct control;

/* The intent of the files gets the rules that are in force; whose its peers are is settled. */
int membership_filter_complete(struct control *c, struct intent *wanted, struct err *err);
/* The networks that we are in may have changed, and with them what an exit node keeps to itself. */
void membership_filter_tick(struct control *c);
/*
 * The view that is being taken in, or our addresses, may have changed the rules. Where new ones
 * cannot be had, nothing of the tailnet's is let in.
 */
void membership_filter_renew(struct control *c);
