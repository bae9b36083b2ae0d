/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Source address translation's places in a turn: before route, where what came from a port for a
 * translated flow gets its inner destination, and from there on is as any packet for a tunnel;
 * within route, where what came out of a tunnel is about to be delivered to a neighbour; and
 * behind route, where flows that go into a tunnel untranslated are noted. What is said of each is
 * lib/nat's.
 */
#pragma once

#include <stdbool.h>

#include "path/burst.h"

struct worker;

/* Each only while there is something to translate, w->nat. */
void snat_incoming(struct worker *w, struct burst *b);
/* p goes to the neighbour nh. False: it has its verdict. */
bool snat_outgoing(struct worker *w, struct packet *p, const struct nexthop *nh);
void snat_note_direct(struct worker *w, struct burst *b);
