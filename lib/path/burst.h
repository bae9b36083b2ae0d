/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A burst: the packets of one turn of one worker, the few facts that later stages need of each,
 * and the lists by which stages pass packets on. Packets stay where they are; a stage reads its
 * list, gives some a verdict and appends the others to the next list. A packet gets exactly one
 * verdict, and finish_burst acts on it: that is the one exit.
 */
#pragma once

#include <rte_mbuf.h>
#include <stdint.h>

#include "crypto/aead_burst.h"
#include "route/route.h"
#include "tables/tables.h"
#include "telemetry/drop.h"

enum { BURST_MAX = 64 };
_Static_assert((int)BURST_MAX <= (int)ROUTE_BULK_MAX, "a burst is looked up at once");

enum verdict {
	VERDICT_NONE = 0, /* on its way */
	VERDICT_TX,       /* out of the port out_link, as it stands */
	VERDICT_KERNEL,   /* to the twin of in_link */
	VERDICT_HANDOFF,  /* to the worker in `target` */
	VERDICT_KEPT,     /* parked: somebody else holds it now */
	VERDICT_DONE,     /* consumed: a keepalive, or copied into a mailbox */
	VERDICT_DROP,     /* `reason` says why */
};

struct packet {
	struct rte_mbuf *mbuf;
	uint8_t *ip;                    /* the IP header looked at: outer at first, inner once opened */
	struct session *session;
	struct peer_entry *peer;
	const struct nexthop *nexthop;
	uint64_t counter;
	uint32_t n_bytes;               /* of the IP packet at ip */
	uint32_t peer_id;
	uint16_t in_link;               /* port or tunnel it came from */
	uint16_t out_link;              /* tunnel it goes into, then port it leaves by */
	uint8_t family;                 /* of the packet at ip */
	uint8_t outer_tos;              /* opening: the outer ECN bits; sealing: the outer traffic class */
	uint8_t verdict;                /* enum verdict */
	uint8_t reason_or_target;       /* enum drop_reason, or the worker handed to */
};
_Static_assert(sizeof(struct packet) <= 72, "a packet's facts: little more than a line");

struct stage_list {
	uint32_t n;
	uint8_t at[BURST_MAX + 4];
};

struct burst {
	struct packet packets[BURST_MAX];
	uint32_t n;
	bool is_closed;            /* takes nothing more: what waits must not be overtaken */
	uint32_t n_ready;          /* the first so many were put into a list already */

	struct stage_list data;    /* WireGuard data messages, to be opened */
	struct stage_list routed;  /* IP packets whose next hop is to be found */
	struct stage_list tunnel;  /* IP packets whose peer (of the tunnel out_link) is to be found */
	struct stage_list seal;    /* peer and session are known */
	struct stage_list sealed;  /* complete with outer header; the underlay's next hop is due */

	struct aead_job jobs[BURST_MAX];
	struct route_query queries[BURST_MAX];
};

static inline void
list_add(struct stage_list *list, uint32_t at)
{
	list->at[list->n++] = (uint8_t)at;
}

static inline void
packet_drop(struct packet *p, enum drop_reason reason)
{
	p->verdict = VERDICT_DROP;
	p->reason_or_target = (uint8_t)reason;
}

/* Where a burst's lists start empty. */
static inline void
burst_clear(struct burst *b)
{
	b->n = b->n_ready = 0;
	b->is_closed = false;
	b->data.n = b->routed.n = b->tunnel.n = b->seal.n = b->sealed.n = 0;
}

/* The next packet's place; the caller has seen that b->n < BURST_MAX. */
static inline struct packet *
burst_add(struct burst *b, struct rte_mbuf *m, uint16_t in_link)
{
	struct packet *p = &b->packets[b->n++];
	p->mbuf = m;
	p->session = NULL;
	p->peer = NULL;
	p->in_link = in_link;
	p->verdict = VERDICT_NONE;
	return p;
}
