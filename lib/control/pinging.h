/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `headgate ping`: somebody at a ctl socket waits for a pong of a node. The reacher pings it, and
 * each turn of the loop looks whether one has come.
 */
#pragma once

#include <jansson.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/key.h"

struct control;
struct pinging;

/* Pings the peer of the tailnet with that key. NULL with a sentence. The control thread, always. */
struct pinging *pinging_begin(struct control *c, const struct key *peer, struct err *err);
/* The answer, the caller's, once there is one or the time is over; NULL: not yet. */
json_t *pinging_answer(struct pinging *p, ns_t now);
/* NULL is allowed. */
void pinging_end(struct pinging *p);
