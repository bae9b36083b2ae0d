/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What control and handshake threads do to the tables while packets flow, all of it and much
 * faster than any real ones: sessions reserved, installed, confirmed, wiped; outer headers, next
 * hops, routes, addresses, allowed-ips, peers and ports changed. The mail of the workers is
 * answered as lib/control does.
 */
#pragma once

#include "gate.h"

struct churn;

struct churn *churn_start(struct gates *g);
/* One turn of the control thread: the workers' mail, then, unless it is calm, one change. */
void churn_turn(struct churn *c);
/* Makes all as it was at first, with a new session in each tunnel; from then on only mail. */
void churn_calm(struct churn *c);
/* Ends the handshake thread; how many sessions were installed and changes made. */
void churn_stop(struct churn *c, uint64_t *n_sessions, uint64_t *n_changes);
