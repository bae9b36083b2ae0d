/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The filter as workers see it: compiled rules, the flow table, and what becomes of a burst.
 *
 * What comes out of a tunnel is judged as Tailscale's clients judge it:
 *   TCP      passes unless it opens a connection, which needs a rule; with strict TCP only
 *            what belongs to a connection that was seen to open does
 *   UDP, SCTP  a reply to what went into a tunnel passes; the rest needs a rule
 *   ICMP     echo replies and errors pass; the rest needs a rule
 *   others   need a rule that names the protocol
 * With bounds all of this holds within them alone: what passes without a rule, for it is part or
 * answer of something, too has to be for somebody it may be for. What goes into a tunnel is never
 * denied; it is what makes replies pass.
 *
 * A flow that a rule let in remembers which set of rules that was. Under another set its next
 * packet asks again: so a reload cuts what is no longer allowed, and nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/rcu.h"
#include "filter/classify.h"
#include "filter/flow.h"

/* Immutable once published, but for the flows and the counts. */
struct filter {
	struct classifier rules;
	struct classifier bounds;
	bool has_bounds;
	bool takes_tsmp;
	struct flow_table *flows;   /* goes on from one filter to the next */
	struct flow_times times;
	uint16_t generation;        /* of the rules; never 0 */
	bool is_strict_tcp;
	bool owns_flows;            /* set by who retires it together with its table */
	uint64_t *hits;             /* by rule: new packets it has allowed (relaxed) */
	struct rcu_node rcu;        /* the owner's */
};

enum filter_verdict {
	FILTER_PASS,
	FILTER_DENIED,       /* no rule allows it, and it is no reply */
	FILTER_NO_FLOW,      /* strict TCP: of no connection that is known */
	FILTER_FLOWS_FULL,   /* no room for its flow, without which replies would not pass */
	FILTER_NOT_READABLE, /* headers that hide what it is */
	FILTER_NOT_LOCAL,    /* out of bounds: whatever it is, it is not for us */
	FILTER_TAKEN,        /* TSMP: nobody else's */
	FILTER_SKIP,
};

/* One packet of a burst: ip_check has believed its n_bytes. */
struct filter_query {
	const uint8_t *ip;
	uint32_t n_bytes;
	uint8_t family;
	uint8_t verdict;     /* enum filter_verdict; FILTER_SKIP: it is not asked about any more */
	struct tuple tuple;  /* what filter_look has found */
	struct flow_key key;
};
_Static_assert(sizeof(struct filter_query) == 56, "a packet's question: within a line");

/*
 * Compiles a plan that is on. flows: the table of the filter before, or NULL for a new one;
 * generation differs from that of any filter its flows may remember. NULL with a sentence.
 */
struct filter *filter_create(const struct filter_plan *plan, struct flow_table *flows,
	uint16_t generation, struct err *err);
/* No reader is left; its flow table goes along if owns_flows. NULL is fine. */
void filter_destroy(struct filter *f);

/*
 * Reads the packets and asks for their flows' lines, which are far away when there are many: the
 * longer before they are judged, the better. Any worker; RCU reader.
 */
void filter_look(const struct filter *f, struct filter_query *queries, uint32_t n);
/* Judges packets that came out of tunnels, and were looked at. Any worker; RCU reader. */
void filter_from_tunnel(struct filter *f, struct filter_query *queries, uint32_t n, ns_t now_ns);
/* The same for packets on their way into tunnels: PASS, or FLOWS_FULL. */
void filter_into_tunnel(struct filter *f, struct filter_query *queries, uint32_t n, ns_t now_ns);
