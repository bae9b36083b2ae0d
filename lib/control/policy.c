/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules in order; each one decided by the mark, or left out. */
#include "control/policy.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

void
policy_rules_fini(struct policy_rules *rules)
{
	free(rules->items);
	*rules = (struct policy_rules){0};
}

int
policy_rules_add(struct policy_rules *rules, const struct net_rule *rule)
{
	struct policy_rule *items = realloc(rules->items, (rules->n + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	unsigned at = rules->n;
	while (at > 0 && items[at - 1].net.priority > rule->priority)
		at--;
	memmove(&items[at + 1], &items[at], (rules->n - at) * sizeof(*items));
	items[at] = (struct policy_rule){.net = *rule};
	rules->items = items;
	rules->n++;
	return 0;
}

static bool
is_same(const struct net_rule *a, const struct net_rule *b)
{
	struct net_object x = {.kind = NET_RULE, .rule = *a}, y = {.kind = NET_RULE, .rule = *b};
	uint8_t kx[NET_KEY_BYTES], ky[NET_KEY_BYTES];
	unsigned n = net_object_key(&x, kx);
	return n == net_object_key(&y, ky) && memcmp(kx, ky, n) == 0;
}

void
policy_rules_remove(struct policy_rules *rules, const struct net_rule *rule)
{
	for (unsigned i = 0; i < rules->n; i++) {
		if (!is_same(&rules->items[i].net, rule))
			continue;
		rules->n--;
		memmove(&rules->items[i], &rules->items[i + 1],
			(rules->n - i) * sizeof(rules->items[0]));
		return;
	}
}

/* What of the rule a table of prefixes cannot express, or NULL. */
static const char *
inexpressible(const struct net_rule *r)
{
	if (r->src.len)
		return "selects by source address (from)";
	if (r->dst.len)
		return "selects by destination (to)";
	if (r->iif[0] && strcmp(r->iif, "lo") != 0)
		return "selects by incoming device (iif)";
	if (r->oif[0])
		return "selects by outgoing device (oif)";
	if (r->tos)
		return "selects by type of service (tos)";
	if (r->others)
		return "selects by protocol, port, user, VRF or the like";
	return NULL;
}

static bool
has_match(const struct net_rule *r, const struct policy_packet *packet)
{
	bool matches = ((r->fwmark ^ packet->mark) & r->fwmask) == 0;
	if (r->iif[0] && !packet->is_own)
		matches = false;
	return matches != r->is_inverted;
}

static void
tell_left_out(struct policy_rule *rule, const char *why)
{
	const struct net_rule *r = &rule->net;
	if (rule->is_told)
		return;
	rule->is_told = true;
	log_warn("routing rule %u of IPv%u (lookup %u) %s: headgate cannot follow it and leaves it "
		 "out; use a rule on the firewall mark alone, or routes in table main",
		r->priority, r->family, r->table, why);
}

/* Takes one step; false when no later rule can matter. */
static bool
add_step(struct policy *p, struct policy_rule *rule)
{
	const struct net_rule *r = &rule->net;
	int suppress = r->suppress_prefix_len < 0 ? -1 : r->suppress_prefix_len;
	if (p->n_steps == POLICY_STEPS_MAX) {
		tell_left_out(rule, "is one more than the 31 that can be followed");
		return true;
	}
	p->steps[p->n_steps++] = (struct policy_step){.table = r->table,
		.suppress_len = (int16_t)(suppress > 128 ? 128 : suppress)};
	return true;
}

void
policy_compile(struct policy_rules *rules, const struct policy_packet *packet, struct policy *out)
{
	uint32_t from_priority = 0;
	bool goes_on = true;
	out->n_steps = 0;
	for (unsigned i = 0; i < rules->n && goes_on; i++) {
		struct policy_rule *rule = &rules->items[i];
		const struct net_rule *r = &rule->net;
		if (r->family != packet->family || r->priority < from_priority)
			continue;
		const char *why = inexpressible(r);
		if (why) {
			tell_left_out(rule, why);
			continue;
		}
		if (!has_match(r, packet))
			continue;
		if (r->action == FR_ACT_TO_TBL)
			goes_on = add_step(out, rule);
		else if (r->action == FR_ACT_GOTO)
			from_priority = r->goto_priority;
		else if (r->action != FR_ACT_NOP)
			goes_on = false; /* blackhole, unreachable, prohibit: nothing after it */
	}
}
