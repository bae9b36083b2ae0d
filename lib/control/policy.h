/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's routing rules, and what they come to for packets with a given mark: the tables to
 * look in, in order. With wg-quick's rules of `AllowedIPs = 0.0.0.0/0`, say,
 *
 *   0:     lookup local                          steps for mark 0:      local, main (> /0), 51820
 *   32764: lookup main suppress_prefixlength 0   steps for mark 51820:  local, main (> /0), main
 *   32765: not fwmark 51820 lookup 51820
 *   32766: lookup main
 *
 * A rule that looks at more than the mark cannot be followed by a table from prefixes to next
 * hops: it is left out, and a warning names it, once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/state.h"

enum { POLICY_STEPS_MAX = 31 };

struct policy_step {
	uint32_t table;
	int16_t suppress_len; /* routes of at most this length do not count; -1: all count */
};

struct policy {
	struct policy_step steps[POLICY_STEPS_MAX];
	unsigned n_steps;
};

struct policy_rule {
	struct net_rule net;
	bool is_told; /* that it is left out */
};

/* All rules, by priority, and among equals in the order in which they came. */
struct policy_rules {
	struct policy_rule *items;
	unsigned n;
};

void policy_rules_fini(struct policy_rules *rules);
/* 0 or -ENOMEM. */
int policy_rules_add(struct policy_rules *rules, const struct net_rule *rule);
void policy_rules_remove(struct policy_rules *rules, const struct net_rule *rule);

struct policy_packet {
	uint8_t family;
	bool is_own;   /* the box itself sends it: rules for incoming device lo apply */
	uint32_t mark;
};

/* The steps for such packets. Warns of rules that are left out. */
void policy_compile(struct policy_rules *rules, const struct policy_packet *packet,
	struct policy *out);
