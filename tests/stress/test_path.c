/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tables, mailboxes, handover and replay under concurrent control updates: STRESS_SECONDS (4) of
 * everything at once, then calm, in which nothing may get lost. wire.h says what is checked all
 * the while; ThreadSanitizer, in a build with it, looks at the rest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "churn.h"
#include "gate.h"
#include "wire.h"

enum { CALM_PKTS = 4096, CALM_AT_ONCE = 64, CALM_PATIENCE_MS = 10000, SETTLE_TURNS = 500 };

static void
turn(struct churn *c)
{
	nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	churn_turn(c);
}

/* Sends in small lots, for rings are short, and waits for each. */
static unsigned
deliver_all(struct churn *c, struct wire *w)
{
	ns_t end = clock_boot_ns() + CALM_PATIENCE_MS * NS_IN_MS;
	for (unsigned n = CALM_AT_ONCE; n <= CALM_PKTS; n += CALM_AT_ONCE) {
		wire_send(w, CALM_AT_ONCE);
		while (wire_delivered(w) < N_GATES * n) {
			if (clock_boot_ns() > end)
				return (unsigned)(N_GATES * n - wire_delivered(w));
			turn(c);
		}
	}
	return 0;
}

static void
print_drops(const struct gates *g)
{
	for (unsigned r = 0; r < DROP_REASONS; r++) {
		uint64_t n = 0;
		for (unsigned i = 0; i < N_GATES * GATE_WORKERS; i++)
			n += g->gate[i / GATE_WORKERS].workers[i % GATE_WORKERS]->drops.n_pkts[r];
		if (n)
			printf("  %-18s %llu\n", drop_name((enum drop_reason)r),
				(unsigned long long)n);
	}
}

int
main(void)
{
	static struct gates g;
	const char *seconds = getenv("STRESS_SECONDS");
	struct wire_counts counts;
	uint64_t n_sessions, n_changes;

	gates_begin(&g);
	gates_start_workers(&g);
	struct wire *w = wire_start(&g);
	struct churn *c = churn_start(&g);
	ns_t end = clock_boot_ns() + (ns_t)(seconds ? atoi(seconds) : 4) * NS_IN_S;
	while (clock_boot_ns() < end)
		turn(c);

	wire_calm(w);
	churn_calm(c);
	for (unsigned i = 0; i < SETTLE_TURNS; i++)
		turn(c);
	unsigned n_missing = deliver_all(c, w);

	gates_stop_workers(&g);
	wire_stop(w, &counts);
	churn_stop(c, &n_sessions, &n_changes);
	printf("%llu packets sent, %llu delivered, %llu messages sealed, %llu repeated; "
	       "%llu sessions, %llu changes\n",
		(unsigned long long)counts.n_sent, (unsigned long long)counts.n_delivered,
		(unsigned long long)counts.n_sealed, (unsigned long long)counts.n_repeated,
		(unsigned long long)n_sessions, (unsigned long long)n_changes);
	print_drops(&g);
	gates_end(&g);
	if (n_missing)
		fprintf(stderr, "calm, and yet %u packets were lost\n", n_missing);
	return n_missing != 0 || counts.n_delivered < 2 * CALM_PKTS;
}
