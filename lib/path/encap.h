/* SPDX-License-Identifier: BSD-3-Clause */
/* Pieces of the encap stage that other stages, orders and parked packets use as well. */
#pragma once

#include "mailbox/mail.h"
#include "path/burst.h"
#include "wire/ip.h"

struct worker;

/* Puts the outer IP and UDP header in front of p->ip; p->outer_tos and p->counter are set. */
void encap_outer(struct packet *p, const struct encap *e);
/* The underlay's next hop with this id, a group's first member; NULL: none. */
const struct nexthop *encap_nexthop(const struct tables *t, uint32_t nexthop_id);
/*
 * Makes p's peer a new outer header, to remote from local, in the place of was, from a spare of the
 * worker's, and tells control. False: no spare is left, or another thread was faster; then control
 * has to be asked.
 */
bool encap_renew(struct worker *w, struct packet *p, struct encap *was, const struct mail_path *to);
/* Puts the link's header in front and gives p its verdict: sent, parked or dropped. */
void encap_link(struct worker *w, struct packet *p, const struct nexthop *nh);

/*
 * Puts the neighbour's Ethernet header (nh is a NEXTHOP_LINK) in front of the packet at p->ip,
 * makes the mbuf span just that, and has it sent. Copies are of fixed size: two moves each.
 */
static inline void
encap_frame(struct packet *p, const struct nexthop *nh)
{
	struct rte_mbuf *m = p->mbuf;
	uint8_t *frame = p->ip - nh->ethernet_bytes;
	if (likely_true(nh->ethernet_bytes == ETHERNET_BYTES))
		memcpy(frame, nh->ethernet, ETHERNET_BYTES - 2);
	else
		memcpy(frame, nh->ethernet, sizeof(nh->ethernet) - 2);
	store_le16(p->ip - 2, p->family == ADDR_V4 ? __builtin_bswap16(ETHERTYPE_IPV4)
						    : __builtin_bswap16(ETHERTYPE_IPV6));
	m->data_off = (uint16_t)(frame - (uint8_t *)m->buf_addr);
	m->pkt_len = p->n_bytes + nh->ethernet_bytes;
	m->data_len = (uint16_t)m->pkt_len;
	p->out_link = nh->link_id;
	p->verdict = VERDICT_TX;
}
