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
#include "telemetry/verdict.h"

enum { BURST_MAX = 64 };
_Static_assert((int)BURST_MAX <= (int)ROUTE_BULK_MAX, "a burst is looked up at once");

struct packet {
	struct rte_mbuf *mbuf;
	uint8_t *ip; /* the IP header looked at: outer at first, inner once opened */
	struct session *session;
	struct peer_entry *peer;
	const struct nexthop *nexthop;
	uint64_t counter;
	uint32_t n_bytes;               /* of the IP packet at ip */
	uint32_t peer_id;
	uint16_t in_link;               /* port or tunnel it came from */
	uint16_t out_link;              /* tunnel it goes into, then port it leaves by */
	uint8_t family;                 /* of the packet at ip */
	uint8_t outer_tos; /* opening: the outer ECN bits; sealing: the outer traffic class */
	uint8_t verdict;                /* enum verdict */
	uint8_t reason_or_target;       /* enum drop_reason, or the worker handed to */
};
_Static_assert(sizeof(struct packet) == 64, "a packet's facts: one line");

/* Of pointers: a stage then knows its packet's address without working it out at each use. */
struct stage_list {
	uint32_t n;
	struct packet *packets[BURST_MAX];
};

/*
 * A stage's bulk look-up: packets that follow each other with the same key share one query, for
 * traffic comes in trains. The k-th packet asked for has its answer at queries[of[k]].
 */
struct lookup {
	uint32_t n_queries; /* the first stands at 1 */
	uint16_t of[BURST_MAX];
	struct route_query queries[BURST_MAX + 1];
};

struct burst {
	struct packet packets[BURST_MAX] ALIGNED_LINE;
	uint32_t n;
	bool is_closed;            /* takes nothing more: what waits must not be overtaken */
	uint32_t n_ready;          /* the first so many were put into a list already */
	uint32_t n_handed;         /* up to here they came from other workers */

	struct stage_list data;    /* WireGuard data messages, to be opened */
	struct stage_list routed;  /* IP packets whose next hop is to be found */
	struct stage_list tunnel;  /* IP packets whose peer in out_link is to be found */
	struct stage_list seal;    /* peer and session are known */
	struct stage_list sealed;  /* complete with outer header; the underlay's next hop is due */

	struct aead_job jobs[BURST_MAX];
	struct lookup lookup;
	const struct nexthop *nexthops[BURST_MAX + 1]; /* of route's look-up, by query */
};

/* Where a stage is in filling a look-up: a local of its own, so that it stays in registers. */
struct lookup_fill {
	struct lookup *lookup;
	uint32_t n;             /* packets */
	uint32_t n_queries;
	uint32_t first_word;    /* of the last query's address */
	const struct route_table *table;
};

static inline struct lookup_fill
lookup_begin(struct lookup *l)
{
	return (struct lookup_fill){.lookup = l};
}

/* addr: 4 or 16 bytes in the packet; table NULL: the answer is 0. */
static inline void
lookup_add(struct lookup_fill *f, const struct route_table *table, const uint8_t *addr,
	uint8_t family)
{
	struct route_query *last = &f->lookup->queries[f->n_queries];
	uint32_t word = load_le32(addr);
	bool is_same = f->n_queries && f->table == table && f->first_word == word &&
		       (family == ADDR_V4 || memcmp(last->addr + 4, addr + 4, 12) == 0);
	if (!is_same) {
		f->n_queries++;
		last[1].table = f->table = table;
		last[1].addr = addr;
		f->first_word = word;
	}
	f->lookup->of[f->n++] = (uint16_t)f->n_queries;
}

static inline void
lookup_run(const struct lookup_fill *f)
{
	f->lookup->n_queries = f->n_queries;
	route_lookup_bulk(f->lookup->queries + 1, f->n_queries);
}

/* The value for the k-th packet that was added. */
static inline uint32_t
lookup_value(const struct lookup *l, uint32_t k)
{
	return l->queries[l->of[k]].value;
}

static inline void
list_add(struct stage_list *list, struct packet *p)
{
	list->packets[list->n++] = p;
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
	b->n = b->n_ready = b->n_handed = 0;
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
