/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the intent in force to another, with the commands that go with interfaces that come and go:
 *
 *   ports, and interfaces that go ─► PreUp of each that comes ─► all the rest ─► PostUp
 *
 * Commands may use our sockets, so each step is a difference to what runs by then. Turns the loop:
 * not to be called from one of its callbacks.
 */
#pragma once

#include "control/reconcile.h"

/* All but the last step. Does all it can; what failed is logged and in the report. */
void transition_begin(struct control *c, const struct intent *wanted,
	struct reconcile_report *report);
/* The last step, for interfaces that came: routes, DNS and PostUp. Adds to the report. */
void transition_end(struct control *c, struct reconcile_report *report);
/* PreDown and SaveConfig of all interfaces, while everything still runs. */
void transition_leave(struct control *c);
