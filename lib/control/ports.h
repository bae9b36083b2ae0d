/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports as the kernel sees them: a TAP twin for each attached port, with the addresses and the
 * gateway that the config gives it. With Host = no the same goes to the static routes instead.
 */
#pragma once

#include "control/core.h"

/* Applies a change on a port (CHANGE_PORT_*, CHANGE_NEIGHBOUR_*), before the intent has it. */
int ports_change(struct control *c, const struct change *change, struct err *err);
/* Tries to attach ports that were not there; about every second. */
void ports_tick(struct control *c);
/* Removes all twins. */
void ports_fini(struct control *c);
/* A port's netdev got or lost its carrier; called by routes. ctx: struct control. */
void ports_set_link(void *ctx, unsigned port_idx, bool is_up);
