/* SPDX-License-Identifier: BSD-3-Clause */
/* Drops by peer in a table of fixed size, samples of all counters, and the names of verdicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "telemetry/drop_peers.h"
#include "telemetry/drop_sample.h"
#include "telemetry/verdict.h"

/* Peers below this id are gone. */
static bool
is_below(const void *ctx, uint32_t id, uint32_t generation)
{
	return id < *(const uint32_t *)ctx;
}

static int
setup(void **state)
{
	static uint32_t gone;
	struct drop_peers *t = calloc(1, sizeof(*t));
	gone = 0;
	t->is_gone = is_below;
	t->ctx = &gone;
	*state = t;
	return t ? 0 : -1;
}

static int
teardown(void **state)
{
	free(*state);
	return 0;
}

/* What the table counts under that name; generation 0: any. */
static uint64_t
counted(const struct drop_peers *t, uint32_t id, uint32_t generation, enum drop_reason reason)
{
	struct drop_peers_row row;
	uint64_t n = 0;
	for (unsigned at = 0; at < DROP_PEERS_SLOTS; at++) {
		if (drop_peers_read(t, at, &row) && row.id == id && row.reason == reason &&
			(!generation || row.generation == generation))
			n += row.n_pkts;
	}
	return n;
}

static uint64_t
sum(const struct drop_peers *t, enum drop_reason reason)
{
	struct drop_peers_row row;
	uint64_t n = t->n_other[reason];
	for (unsigned at = 0; at < DROP_PEERS_SLOTS; at++)
		n += drop_peers_read(t, at, &row) && row.reason == reason ? row.n_pkts : 0;
	return n;
}

static void
by_peer_and_reason(void **state)
{
	struct drop_peers *t = *state;
	drop_peers_count(t, 1, 10, DROP_WG_AUTH, 1);
	drop_peers_count(t, 1, 10, DROP_WG_AUTH, 2);
	drop_peers_count(t, 1, 10, DROP_WG_REPLAY, 5);
	drop_peers_count(t, 2, 11, DROP_WG_AUTH, 7);
	assert_int_equal(counted(t, 1, 10, DROP_WG_AUTH), 3);
	assert_int_equal(counted(t, 1, 10, DROP_WG_REPLAY), 5);
	assert_int_equal(counted(t, 2, 11, DROP_WG_AUTH), 7);
	assert_int_equal(counted(t, 2, 11, DROP_WG_REPLAY), 0);
	assert_int_equal(t->n_other[DROP_WG_AUTH], 0);
	/* The same slot of the tables, another peer. */
	drop_peers_count(t, 1, 12, DROP_WG_AUTH, 1);
	assert_int_equal(counted(t, 1, 10, DROP_WG_AUTH), 3);
	assert_int_equal(counted(t, 1, 12, DROP_WG_AUTH), 1);
}

static void
ids_at_the_edge(void **state)
{
	struct drop_peers *t = *state;
	drop_peers_count(t, 0, 1, DROP_TTL, 1);
	drop_peers_count(t, 1u << 24, 1, DROP_TTL, 1);
	assert_int_equal(t->n_other[DROP_TTL], 2);
	drop_peers_count(t, (1u << 24) - 1, UINT32_MAX, (enum drop_reason)(DROP_REASONS - 1), 1);
	assert_int_equal(counted(t, (1u << 24) - 1, UINT32_MAX,
				 (enum drop_reason)(DROP_REASONS - 1)), 1);
}

static void
overflow_counts_as_others(void **state)
{
	struct drop_peers *t = *state;
	enum { PEERS = 3 * DROP_PEERS_SLOTS };
	for (uint32_t id = 1; id <= PEERS; id++)
		drop_peers_count(t, id, id, DROP_WG_AUTH, 1);
	assert_true(t->n_other[DROP_WG_AUTH] >= PEERS - DROP_PEERS_SLOTS);
	assert_int_equal(sum(t, DROP_WG_AUTH), PEERS);
	assert_int_equal(sum(t, DROP_WG_REPLAY), 0);
}

static void
removed_peers_make_room(void **state)
{
	struct drop_peers *t = *state;
	enum { PEERS = 3 * DROP_PEERS_SLOTS };
	uint64_t n_other, n = 0;
	for (uint32_t id = 1; id <= PEERS; id++)
		drop_peers_count(t, id, id, DROP_WG_AUTH, 1);
	n_other = t->n_other[DROP_WG_AUTH];
	drop_peers_count(t, PEERS + 1, 9, DROP_WG_AUTH, 1);
	n += counted(t, PEERS + 1, 9, DROP_WG_AUTH);
	assert_int_equal(sum(t, DROP_WG_AUTH), PEERS + 1);
	*(uint32_t *)(uintptr_t)t->ctx = PEERS + 1; /* all of those go */
	for (uint32_t id = PEERS + 2; id < PEERS + 100; id++) {
		drop_peers_count(t, id, 9, DROP_WG_AUTH, 4);
		assert_int_equal(counted(t, id, 9, DROP_WG_AUTH), 4);
	}
	/* Those whose place was taken are among the others now: nothing is lost. */
	assert_true(t->n_other[DROP_WG_AUTH] > n_other);
	assert_int_equal(sum(t, DROP_WG_AUTH), PEERS + 1 + 98 * 4);
	assert_true(n <= 1);
}

static void
samples_add_up(void **state)
{
	static const struct drop_cell cells[] = {
		{DROP_BY_PEER, DROP_TTL, 7, 1, 10},
		{DROP_IN_ALL, DROP_TTL, 0, 0, 4},
		{DROP_BY_LINK, DROP_TTL, 7, 0, 3},
		{DROP_IN_ALL, DROP_TTL, 0, 0, 5}, /* another worker's */
		{DROP_BY_PEER, DROP_TTL, 7, 2, 1},
		{DROP_BY_PEER, DROP_ECN, 7, 1, 0}, /* nothing */
	};
	struct drop_sample s = {0};
	drop_sample_settle(&s);
	assert_int_equal(drop_sample_count(&s, &cells[0]), 0);
	for (unsigned i = 0; i < ARRAY_COUNT(cells); i++)
		drop_sample_add(&s, &cells[i]);
	drop_sample_settle(&s);
	assert_int_equal(s.n_cells, 4);
	assert_int_equal(drop_sample_count(&s, &cells[0]), 10);
	assert_int_equal(drop_sample_count(&s, &cells[1]), 9);
	assert_int_equal(drop_sample_count(&s, &cells[2]), 3);
	assert_int_equal(drop_sample_count(&s, &cells[4]), 1);
	assert_int_equal(drop_sample_count(&s, &cells[5]), 0);
	drop_sample_clear(&s);
	assert_int_equal(drop_sample_count(&s, &cells[1]), 0);
	drop_sample_fini(&s);
}

static void
names(void **state)
{
	for (unsigned v = 0; v < VERDICTS; v++)
		assert_true(verdict_name((enum verdict)v) && verdict_name((enum verdict)v)[0]);
	for (unsigned s = 0; s < STAGES; s++)
		assert_true(stage_name((enum stage)s) && stage_name((enum stage)s)[0]);
	assert_string_equal(verdict_name(VERDICT_DROP), "dropped");
	assert_string_equal(stage_name(STAGE_VERIFY), "verify");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_peer_and_reason, setup, teardown),
		cmocka_unit_test_setup_teardown(ids_at_the_edge, setup, teardown),
		cmocka_unit_test_setup_teardown(overflow_counts_as_others, setup, teardown),
		cmocka_unit_test_setup_teardown(removed_peers_make_room, setup, teardown),
		cmocka_unit_test(samples_add_up),
		cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
