/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VLAN tags (IEEE 802.1Q): out of a frame when it comes in, so that all later stages see a plain
 * one of the VLAN's own link, and in again when it leaves.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "path/burst.h"

struct worker;

/*
 * For a frame of a port that is not IP as it stands. If it bears the tag of a VLAN that is a link,
 * or a priority tag (id 0: the port's own), the tag is taken out and in_link is that link. Returns
 * the ethertype behind the tag. 0: no such tag, the frame is as it was and the twin's; a frame too
 * short for its tag has its verdict.
 */
uint16_t vlan_take_tag(struct worker *w, struct packet *p);

/*
 * Puts the tag in: priority 0, or that of a priority tag which the frame has. False: there is no
 * room in front of the frame, or it is none.
 */
bool vlan_put_tag(struct rte_mbuf *m, uint16_t vlan_id);
