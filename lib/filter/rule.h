/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Access rules as a value, as the config or a coordination server means them: each lets packets of
 * some services go from any of its sources to any of its destinations. What no rule allows is
 * denied; there are no rules that deny, so their order has no meaning.
 *
 * In text a rule is one line (filter_rule_parse):
 *
 *   10.0.0.0/24, 10.1.0.7-10.1.0.9 -> 192.168.20.0/24 : tcp/22, tcp/8000-8100, icmp
 *   SOURCES                        -> DESTINATIONS    : SERVICES
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

enum {
	FILTER_MAX_RULES = 16384,
	FILTER_MAX_RANGES = 1 << 20, /* addresses of all rules together, each a range */
	FILTER_PROTO_ANY = 256,      /* beside the numbers of IP protocols */
};

/* All addresses from first to last, which are of one family, both in it. */
struct filter_range {
	struct addr first, last;
};

/* Ports mean something with TCP, UDP and SCTP; of other protocols they are 0 to 65535. */
struct filter_service {
	uint16_t proto; /* or FILTER_PROTO_ANY */
	uint16_t first_port, last_port;
};

/* A rule matches when each of its three lists has something that does. Owns its memory. */
struct filter_rule {
	struct filter_range *sources, *destinations;
	struct filter_service *services;
	size_t n_sources, n_destinations, n_services;
	char *text; /* as it is shown to people */
};

/* What the filter should be. All of it zero: off. */
struct filter_plan {
	bool is_on;         /* and then what no rule allows is denied */
	bool is_strict_tcp; /* TCP that belongs to no known connection is denied too */
	uint32_t max_flows; /* 0: FILTER_FLOWS_DEFAULT */
	uint32_t udp_timeout_s, tcp_timeout_s; /* 0: the defaults below */
	struct filter_rule *rules;
	size_t n_rules;
	/*
	 * With bounds, nothing comes out of a tunnel, replies and errors neither, but from a source
	 * of a bound or rule to a destination of the same one; their services have no say in that.
	 */
	struct filter_rule *bounds;
	size_t n_bounds;
	bool takes_tsmp; /* what Tailscale's nodes say to each other inside tunnels ends here */
};

enum {
	FILTER_FLOWS_DEFAULT = 1000000,
	FILTER_FLOWS_MIN = 1024,
	FILTER_FLOWS_MAX = 1 << 26,
	FILTER_UDP_TIMEOUT_S = 180, /* RFC 4787, REQ-5: at least two minutes, better five */
	FILTER_TCP_TIMEOUT_S = 7440, /* RFC 5382, REQ-5: at least two hours and four minutes */
	FILTER_TIMEOUT_MAX_S = 30 * 24 * 3600,
};

/* Each add appends to a list of the rule. 0, -EINVAL (first past last, families) or -ENOMEM. */
int filter_rule_add_source(struct filter_rule *r, const struct filter_range *range);
int filter_rule_add_destination(struct filter_rule *r, const struct filter_range *range);
int filter_rule_add_service(struct filter_rule *r, const struct filter_service *s);
/* TCP, UDP, ICMP and ICMPv6, ports first to last of the former two: 0 or -ENOMEM. */
int filter_rule_add_defaults(struct filter_rule *r, uint16_t first_port, uint16_t last_port);
void filter_rule_fini(struct filter_rule *r);

/*
 * A rule of a line as above into a zeroed *out; text may be written into. Sources and destinations
 * are addresses, prefixes, ranges or *. Services are tcp, udp, sctp, each with /PORT or
 * /FIRST-LAST or for all ports, icmp (of both families), proto/NUMBER, or * for everything;
 * without ": SERVICES" they are TCP, UDP and ICMP. 0, -EINVAL with a sentence, or -ENOMEM; then
 * *out holds nothing.
 */
int filter_rule_parse(char *text, struct filter_rule *out, struct err *err);
/* An address, a prefix, a range or *, which is two: the number of ranges written, or -EINVAL. */
int filter_range_parse(const char *text, struct filter_range out[2]);

/* Appends the rule, whose memory the plan takes over. 0, -ENOSPC past the limit, or -ENOMEM. */
int filter_plan_add(struct filter_plan *p, struct filter_rule *r);
/* The same for a bound. */
int filter_plan_add_bound(struct filter_plan *p, struct filter_rule *r);
/* A deep copy, or NULL when memory is short. */
struct filter_plan *filter_plan_copy(const struct filter_plan *p);
/* Frees what the plan holds; it is then off. */
void filter_plan_fini(struct filter_plan *p);
/* The same and the plan itself. NULL is fine. */
void filter_plan_destroy(struct filter_plan *p);
bool filter_rule_is_equal(const struct filter_rule *a, const struct filter_rule *b);
bool filter_plan_is_equal(const struct filter_plan *a, const struct filter_plan *b);
