/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP's SYNs through a tunnel: they announce no more than fits (wire/mss.h). */
#pragma once

struct nexthop;
struct packet;
struct worker;

/*
 * p is a SYN on its way to nh, or, with NULL, from the kernel into p->out_link. Lowers its MSS to
 * the least MTU on its way here: of the tunnels with ClampMSS that it comes from and goes into,
 * and then of the port it leaves by. Between ports it stays as it is.
 */
void clamp_syn(struct worker *w, struct packet *p, const struct nexthop *nh);
