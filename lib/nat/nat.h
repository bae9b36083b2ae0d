/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Source address translation with ports (NAPT) as workers see it. What comes out of a tunnel for a
 * network that the tunnel's interface translates to leaves with an address and a port of this box;
 * what comes back to that port from there goes to whom it belongs. TCP, UDP, ICMP echo, and ICMP
 * errors about these (RFC 4787, 5382, 5508); IPv4 and IPv6 alike.
 *
 * Only flows that began inside have a translation: what comes from elsewhere to one of our ports
 * is the box's own, as before. A flow that somebody outside began towards an inner address, for
 * which he has a route, passes as it is in both directions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/rcu.h"
#include "nat/packet.h"
#include "nat/table.h"

/* What comes out of that tunnel, by the number of its interface, and goes there is translated. */
struct nat_network {
	uint16_t tunnel;
	bool is_exempt; /* or rather not, whatever stands behind it in the list */
	struct prefix prefix;
};

/* As the config means it. */
struct nat_plan {
	uint16_t first_port, last_port;
	uint32_t n_flows;
	const struct nat_network *networks; /* the first that matches decides */
	uint32_t n_networks;
	const uint8_t *udp_in_use; /* by port, as in struct nat_ports; outlives the nat */
};

/* A network in the form in which it is compared. */
struct nat_match {
	uint64_t bits[2], mask[2]; /* as load_le64 reads addresses */
	struct nat_network network;
};

/* Immutable once published, but for the flows. */
struct nat {
	struct nat_table *flows;   /* goes on from one to the next */
	struct nat_ports ports;
	uint32_t n_flows;          /* as asked for */
	bool owns_flows;           /* set by who retires it together with its table */
	struct rcu_node rcu;       /* the owner's */
	uint32_t n_matches;
	struct nat_match matches[]; /* as the plan has them */
};

enum nat_verdict {
	NAT_PASS,        /* as it is */
	NAT_DONE,        /* rewritten */
	NAT_FRAGMENTED,  /* cut into pieces, of which only the first has ports */
	NAT_UNSUPPORTED, /* a protocol that has no ports, or an ICMP message that asks nothing */
	NAT_BROKEN,      /* shorter than its headers */
	NAT_FULL,        /* no room for its flow, or no port */
	NAT_NO_FLOW,     /* speaks of a flow that is not known */
	NAT_VERDICTS,
};

/* One packet: n_bytes that ip_check has believed. */
struct nat_query {
	uint8_t *ip;
	uint32_t n_bytes;
	uint8_t family;
	bool is_own;             /* outgoing: its source is one of our addresses */
	const struct addr *ours; /* outgoing: the source that it gets; of the family */
};

/*
 * flows: the table of the one before, which had the same ports and n_flows, or NULL for a new one.
 * NULL with a sentence.
 */
struct nat *nat_create(const struct nat_plan *plan, struct nat_table *flows, struct err *err);
/* No reader is left; its flow table goes along if owns_flows. NULL is fine. */
void nat_destroy(struct nat *n);
/* Whether that is what the plan comes to. */
bool nat_is_as_planned(const struct nat *n, const struct nat_plan *plan);

/* Whether packets between the tunnel and that address (4 or 16 bytes) are translated. */
bool nat_serves(const struct nat *n, uint16_t tunnel, const uint8_t *address, uint8_t family);

/*
 * Each by any worker, as an RCU reader. Outgoing: out of a tunnel, for an address that it serves;
 * or of our own making, which is changed only where it quotes a translated packet.
 */
enum nat_verdict nat_outgoing(struct nat *n, const struct nat_query *q, ns_t now_ns);
/* From a port, to any address. PASS: not of a translated flow. */
enum nat_verdict nat_incoming(struct nat *n, const struct nat_query *q, ns_t now_ns);
/* From a port into a tunnel that serves its source, not translated: so that replies pass, too. */
enum nat_verdict nat_note_direct(struct nat *n, const struct nat_query *q, ns_t now_ns);
