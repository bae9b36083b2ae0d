/* SPDX-License-Identifier: BSD-3-Clause */
/* Pieces of the encap stage that orders and parked packets use as well. */
#pragma once

#include "path/burst.h"

struct worker;

/* Puts the outer IP and UDP header in front of p->ip; p->outer_tos and p->counter are set. */
void encap_outer(struct packet *p, const struct encap *e);
/* The underlay's next hop with this id, a group's first member; NULL: none. */
const struct nexthop *encap_nexthop(const struct tables *t, uint32_t nexthop_id);
/* Puts the link's header in front and gives p its verdict: sent, parked or dropped. */
void encap_link(struct worker *w, struct packet *p, const struct nexthop *nh);
