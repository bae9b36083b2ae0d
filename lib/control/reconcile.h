/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes of the intent made real, one by one, whoever wants them: the first start (everything is
 * new), a reload, or the `wg` tool. What succeeded stands in c->running afterwards, what failed
 * does not, so the next difference is against what really runs.
 */
#pragma once

#include "control/core.h"

struct reconcile_report {
	unsigned n_applied;
	unsigned n_failed;
	unsigned n_restart; /* left alone: they need a restart */
	int rc;             /* of the first that failed, else 0 */
	struct err first;   /* its sentence */
};

/* Applies all it can; failures are logged. Costs time in proportion to the list. */
void reconcile_list(struct control *c, const struct change_list *list,
	struct reconcile_report *report);

/* Peers and their prefixes (CHANGE_PEER_*, CHANGE_ALLOWED_*), before the intent has the change. */
int reconcile_peer(struct control *c, const struct change *change, struct err *err);
/* The name of a peer's endpoint was found: struct resolver's callback; ctx: struct control. */
void reconcile_endpoint_found(void *ctx, const struct resolver_answer *answer);
/* A handshake went unanswered: struct timing's callback; ctx: struct control. */
void reconcile_peer_unanswered(void *ctx, struct control_peer *p, bool is_given_up);
