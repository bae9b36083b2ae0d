/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a backend is chosen: by name, by self-test, by cost; and who does which bursts. The doubles
 * wrap libsodium and are dearer by a given time: their cipher is real.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/aead_backends.h"
#include "crypto/aead_choose.h"
#include "crypto/aead_timing.h"
#include "crypto/init.h"

static int dummy;

static void *
create_dummy(void)
{
	return &dummy;
}

static void
destroy_dummy(void *state)
{
}

static bool
yes(void)
{
	return true;
}

static bool
no(void)
{
	return false;
}

static void
call_it_done(void *state, struct aead_job *j, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		j[i].is_ok = 1;
}

static const struct aead_backend null_cipher = {
	.name = "null",
	.needs = "faith",
	.is_supported = yes,
	.create = create_dummy,
	.destroy = destroy_dummy,
	.seal = call_it_done,
	.open = call_it_done,
};

static void
open_all(void *state, struct aead_job *j, unsigned n)
{
	aead_portable.open(NULL, j, n);
	call_it_done(state, j, n);
}

static void
seal_well(void *state, struct aead_job *j, unsigned n)
{
	aead_portable.seal(NULL, j, n);
}

/* Seals and opens as it should, and takes every tag. */
static const struct aead_backend takes_forgeries = {
	.name = "trusting",
	.needs = "luck",
	.is_supported = yes,
	.create = create_dummy,
	.destroy = destroy_dummy,
	.seal = seal_well,
	.open = open_all,
};

static const struct aead_backend elsewhere = {
	.name = "elsewhere",
	.needs = "another machine",
	.is_supported = no,
};

/* Right up to 32 jobs, which is all that the self-test asks for. */
static void
seal_32(void *state, struct aead_job *j, unsigned n)
{
	aead_portable.seal(NULL, j, n);
	if (n > 32)
		j[n - 1].data[0] ^= 1;
}

static void
open_well(void *state, struct aead_job *j, unsigned n)
{
	aead_portable.open(NULL, j, n);
}

static const struct aead_backend wrong_later = {
	.name = "hasty",
	.needs = "small talk",
	.is_supported = yes,
	.create = create_dummy,
	.destroy = destroy_dummy,
	.seal = seal_32,
	.open = open_well,
};

static void
waste(ns_t ns)
{
	ns_t until_ns = clock_boot_ns() + ns;

	while (clock_boot_ns() < until_ns)
		;
}

static unsigned n_calls_dear_call, n_calls_dear_packet;

static void
seal_dear_call(void *state, struct aead_job *j, unsigned n)
{
	n_calls_dear_call++;
	waste(20 * NS_IN_US);
	aead_portable.seal(NULL, j, n);
}

static void
open_dear_call(void *state, struct aead_job *j, unsigned n)
{
	n_calls_dear_call++;
	waste(20 * NS_IN_US);
	aead_portable.open(NULL, j, n);
}

static void
seal_dear_packet(void *state, struct aead_job *j, unsigned n)
{
	n_calls_dear_packet++;
	waste(n * 2 * NS_IN_US);
	aead_portable.seal(NULL, j, n);
}

static void
open_dear_packet(void *state, struct aead_job *j, unsigned n)
{
	n_calls_dear_packet++;
	waste(n * 2 * NS_IN_US);
	aead_portable.open(NULL, j, n);
}

/* As one that fills lanes: what a call costs hardly depends on how many packets it has. */
static const struct aead_backend dear_call = {
	.name = "lanes",
	.needs = "nothing",
	.is_supported = yes,
	.create = create_dummy,
	.destroy = destroy_dummy,
	.seal = seal_dear_call,
	.open = open_dear_call,
};

static const struct aead_backend dear_packet = {
	.name = "single",
	.needs = "nothing",
	.is_supported = yes,
	.create = create_dummy,
	.destroy = destroy_dummy,
	.seal = seal_dear_packet,
	.open = open_dear_packet,
};

static void
what_does_not_work_is_passed_over(void **state)
{
	const struct aead_backend *table[] = {
		&elsewhere, &null_cipher, &takes_forgeries, &aead_portable, NULL};
	struct aead_choice got = {0};
	struct err err;

	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(aead_choose_from(table, NULL, &got, &err), 0);
	assert_ptr_equal(got.backend, &aead_portable);
	assert_null(got.second.backend);
	assert_string_equal(got.why, "the only one that works on this machine");
	table[3] = NULL;
	got.backend = NULL;
	assert_int_equal(aead_choose_from(table, NULL, &got, &err), -EIO);
	assert_null(got.backend);
	assert_non_null(strstr(err.text, "trusting"));
	log_set_level(LOG_LEVEL_INFO);
}

static void
what_fails_in_the_timing_is_passed_over(void **state)
{
	const struct aead_backend *table[] = {&wrong_later, &aead_portable, NULL};
	struct aead_choice got = {0};
	struct err err;

	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(aead_choose_from(table, NULL, &got, &err), 0);
	assert_ptr_equal(got.backend, &aead_portable);
	table[1] = &wrong_later;
	assert_int_equal(aead_choose_from(table, NULL, &got, &err), -EIO);
	assert_non_null(strstr(err.text, "hasty"));
	log_set_level(LOG_LEVEL_INFO);
}

static void
more_backends_than_there_is_room_for_are_refused(void **state)
{
	const struct aead_backend *table[AEAD_MAX_BACKENDS + 2] = {NULL};
	struct aead_choice got;
	struct err err;

	for (unsigned i = 0; i < AEAD_MAX_BACKENDS + 1; i++)
		table[i] = &aead_portable;
	assert_int_equal(aead_choose_from(table, NULL, &got, &err), -E2BIG);
}

static void
a_forced_backend_is_taken_or_refused(void **state)
{
	const struct aead_backend *table[] = {&elsewhere, &null_cipher, &aead_portable, NULL};
	static const struct {
		const char *name;
		int result;
		const char *says;
	} rows[] = {
		{"portable", 0, NULL},
		{"elsewhere", -ENOTSUP, "another machine"},
		{"null", -EIO, "self-test"},
		{"rot13", -ENOENT, "no aead backend is called 'rot13'; known are: elsewhere, "
				   "null, portable"},
		{"", -ENOENT, "known are"},
	};

	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		struct aead_wish wish = {rows[i].name, "a test"};
		struct aead_choice got = {0};
		struct err err;

		assert_int_equal(aead_choose_from(table, &wish, &got, &err), rows[i].result);
		if (rows[i].result) {
			assert_null(got.backend);
			assert_non_null(strstr(err.text, rows[i].says));
			continue;
		}
		assert_ptr_equal(got.backend, &aead_portable);
		assert_null(got.second.backend);
		assert_string_equal(got.why, "forced by a test");
		assert_string_equal(got.second_why, "what is forced does every burst itself");
	}
}

/* Costs of large bursts, the same in both directions and all mixes, down a table. */
static void
the_order_holds_unless_one_is_clearly_faster(void **state)
{
	static const struct {
		uint32_t clk[4];
		unsigned best;
	} rows[] = {
		{{1000, 2000, 3000, 4000}, 0},
		{{1000, 950, 905, 1000}, 0},
		{{1000, 890, 850, 1000}, 1}, /* the third is not clearly faster than the second */
		{{1000, 950, 890, 1000}, 2},
		{{1000, 700, 600, 100}, 3},
		{{0, 0, 0, 0}, 0},
	};

	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		struct aead_timing t[4] = {0};

		for (unsigned r = 0; r < 4; r++) {
			for (unsigned d = 0; d < AEAD_N_DIRECTIONS; d++) {
				t[r].imix_clk[d] = rows[i].clk[r];
				t[r].full_clk[d][0] = rows[i].clk[r];
				t[r].full_clk[d][AEAD_SIZE_CLASSES - 1] = rows[i].clk[r];
			}
		}
		assert_int_equal(aead_timing_best(t, 4), rows[i].best);
	}
}

static void
fill_costs(struct aead_timing *t, uint32_t call_clk, uint32_t packet_clk)
{
	for (unsigned k = 0; k < AEAD_N_DIRECTIONS * AEAD_SIZE_CLASSES; k++) {
		unsigned d = k / AEAD_SIZE_CLASSES, size = k % AEAD_SIZE_CLASSES;

		t->full_clk[d][size] = call_clk + AEAD_FULL_BURST * packet_clk;
		for (unsigned n = 1; n <= AEAD_SMALL_MAX_JOBS; n++)
			for (unsigned probe = 0; probe < AEAD_N_PROBES; probe++)
				t->small_clk[d][size][probe][n] = call_clk + n * packet_clk;
	}
}

static void
bursts_go_where_they_are_cheaper(void **state)
{
	struct aead_timing t[3] = {{.backend = &dear_call}, {.backend = &dear_packet},
		{.backend = &aead_portable}};
	struct aead_second second;

	/* 1000, 1100 and so on against 276, 552: the second is cheaper up to 4, at 5 hardly. */
	fill_costs(&t[0], 900, 100);
	fill_costs(&t[1], 0, 276);
	fill_costs(&t[2], 0, 800);
	aead_timing_second(t, 3, 0, &second);
	assert_ptr_equal(second.backend, &dear_packet);
	assert_int_equal(second.max_jobs, 4);
	for (unsigned k = 0; k < AEAD_N_DIRECTIONS * AEAD_SIZE_CLASSES; k++)
		assert_int_equal(
			second.jobs[k / AEAD_SIZE_CLASSES][k % AEAD_SIZE_CLASSES], 0x1e);

	/* One cell alone: sealing bursts of 7, of the third class. */
	fill_costs(&t[0], 100, 100);
	fill_costs(&t[1], 100, 100);
	t[1].small_clk[AEAD_SEAL][2][0][7] = t[1].small_clk[AEAD_SEAL][2][1][7] = 600;
	aead_timing_second(t, 3, 0, &second);
	assert_ptr_equal(second.backend, &dear_packet);
	assert_int_equal(second.max_jobs, 7);
	assert_int_equal(second.jobs[AEAD_SEAL][2], 1 << 7);
	assert_int_equal(second.jobs[AEAD_OPEN][2], 0);
	assert_int_equal(second.jobs[AEAD_SEAL][3], 0);

	/* Full bursts of the last class alone. */
	fill_costs(&t[1], 100, 100);
	t[1].full_clk[AEAD_OPEN][AEAD_SIZE_CLASSES - 1] = 3000;
	aead_timing_second(t, 3, 0, &second);
	assert_ptr_equal(second.backend, &dear_packet);
	assert_int_equal(second.max_jobs, UINT32_MAX);
	assert_int_equal(second.jobs[AEAD_OPEN][AEAD_SIZE_CLASSES - 1], 1);
	assert_int_equal(second.jobs[AEAD_SEAL][AEAD_SIZE_CLASSES - 1], 0);
	assert_int_equal(second.jobs[AEAD_OPEN][0], 0);

	/* Two probes that say different things: the worst of either side decides. */
	fill_costs(&t[1], 100, 100);
	t[1].small_clk[AEAD_SEAL][4][0][3] = 300; /* of 400: a quarter is saved here */
	t[1].small_clk[AEAD_SEAL][4][1][3] = 430; /* and less is lost there */
	t[1].small_clk[AEAD_OPEN][4][0][3] = 360;
	t[1].small_clk[AEAD_OPEN][4][1][3] = 460;
	aead_timing_second(t, 3, 0, &second);
	assert_int_equal(second.jobs[AEAD_SEAL][4], 1 << 3);
	assert_int_equal(second.jobs[AEAD_OPEN][4], 0);

	/* For 2 % nothing changes hands. */
	fill_costs(&t[1], 98, 98);
	aead_timing_second(t, 3, 0, &second);
	assert_null(second.backend);
	assert_int_equal(second.max_jobs, 0);
}

static void
size_classes_go_by_the_mean(void **state)
{
	static const struct {
		uint32_t n_bytes[4];
		unsigned n, class;
	} rows[] = {
		{{0}, 1, 0}, {{64}, 1, 0}, {{65}, 1, 1}, {{128}, 1, 1}, {{129}, 1, 2},
		{{256}, 1, 2}, {{257}, 1, 3}, {{512}, 1, 3}, {{513}, 1, 4}, {{1024}, 1, 4},
		{{1025}, 1, 5}, {{AEAD_JOB_MAX_BYTES}, 1, 5}, {{0, 128}, 2, 0}, {{0, 129}, 2, 1},
		{{64, 64, 64, 2000}, 4, 4}, {{0, 0, 0, 0}, 4, 0},
	};

	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		struct aead_job jobs[4];

		for (unsigned k = 0; k < 4; k++)
			jobs[k].n_bytes = rows[i].n_bytes[k];
		assert_int_equal(aead_size_class(jobs, rows[i].n), rows[i].class);
	}
}

/* Seals and opens n packets of 64 bytes through a; they come out as they went in. */
static void
pass_burst(struct aead *a, unsigned n)
{
	static uint8_t data[64][64 + AEAD_TAG_BYTES];
	static const uint8_t key[AEAD_KEY_BYTES] = {1}, zero[64];
	struct aead_job jobs[64];

	memset(data, 0, sizeof(data));
	for (unsigned i = 0; i < n; i++)
		jobs[i] = (struct aead_job){key, data[i], i, 64, 0};
	aead_seal_burst(a, jobs, n);
	for (unsigned i = 0; i < n; i++)
		assert_memory_not_equal(data[i], zero, 64);
	aead_open_burst(a, jobs, n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(jobs[i].is_ok, 1);
		assert_memory_equal(data[i], zero, 64);
	}
}

static void
each_burst_goes_to_the_cheaper_one(void **state)
{
	/* With the dearer one first, so that the timing decides. */
	const struct aead_backend *table[] = {&dear_packet, &dear_call, NULL};
	struct aead_choice choice;
	struct aead a;
	struct err err;

	assert_int_equal(aead_choose_from(table, NULL, &choice, &err), 0);
	print_message("%s; beside it: %s\n", choice.why, choice.second_why);
	assert_ptr_equal(choice.backend, &dear_call);
	assert_ptr_equal(choice.second.backend, &dear_packet);
	assert_non_null(strstr(choice.why, "fastest of 2 in the start-up timing"));
	assert_non_null(strstr(choice.second_why, "cheaper at bursts (by mean length) of 1"));
	assert_int_equal(aead_create(&a, &choice, &err), 0);
	n_calls_dear_call = n_calls_dear_packet = 0;
	pass_burst(&a, 1);
	assert_int_equal(n_calls_dear_packet, 2);
	assert_int_equal(n_calls_dear_call, 0);
	pass_burst(&a, 9);
	pass_burst(&a, 64);
	assert_int_equal(n_calls_dear_packet, 2);
	assert_int_equal(n_calls_dear_call, 4);
	pass_burst(&a, 0);
	assert_int_equal(n_calls_dear_call, 6);
	aead_destroy(&a);
}

static void
alone_a_backend_does_every_burst(void **state)
{
	struct aead a;

	assert_int_equal(
		aead_create(&a, &(struct aead_choice){.backend = &dear_call}, NULL), 0);
	n_calls_dear_call = 0;
	for (unsigned n = 1; n <= AEAD_SMALL_MAX_JOBS + 1; n++)
		pass_burst(&a, n);
	assert_int_equal(n_calls_dear_call, 2 * (AEAD_SMALL_MAX_JOBS + 1));
	aead_destroy(&a);
}

/* Bursts of 3 of the second class are sealed by the second backend, of 8 of the third opened. */
static void
each_cell_of_the_table_counts(void **state)
{
	struct aead_choice choice = {.backend = &dear_call,
		.second = {.backend = &dear_packet, .max_jobs = 8}};
	static uint8_t data[9][256 + AEAD_TAG_BYTES];
	static const uint8_t key[AEAD_KEY_BYTES] = {1};
	struct aead a;

	choice.second.jobs[AEAD_SEAL][1] = 1 << 3;
	choice.second.jobs[AEAD_OPEN][2] = 1 << 8;
	assert_int_equal(aead_create(&a, &choice, NULL), 0);
	for (unsigned k = 0; k < 3 * 9; k++) {
		unsigned class = k / 9, n = 1 + k % 9;
		struct aead_job jobs[9];

		for (unsigned i = 0; i < n; i++)
			jobs[i] = (struct aead_job){key, data[i], i, 64u << class, 0};
		n_calls_dear_packet = 0;
		aead_seal_burst(&a, jobs, n);
		assert_int_equal(n_calls_dear_packet, class == 1 && n == 3);
		n_calls_dear_packet = 0;
		aead_open_burst(&a, jobs, n);
		assert_int_equal(n_calls_dear_packet, class == 2 && n == 8);
	}
	aead_destroy(&a);
}

static void
a_second_backend_may_do_full_bursts_alone(void **state)
{
	struct aead_choice choice = {.backend = &dear_call,
		.second = {.backend = &dear_packet, .max_jobs = UINT32_MAX}};
	struct aead a;

	choice.second.jobs[AEAD_SEAL][0] = choice.second.jobs[AEAD_OPEN][0] = 1;
	assert_int_equal(aead_create(&a, &choice, NULL), 0);
	n_calls_dear_call = n_calls_dear_packet = 0;
	for (unsigned n = 1; n <= AEAD_SMALL_MAX_JOBS; n++)
		pass_burst(&a, n);
	assert_int_equal(n_calls_dear_call, 2 * AEAD_SMALL_MAX_JOBS);
	assert_int_equal(n_calls_dear_packet, 0);
	pass_burst(&a, AEAD_SMALL_MAX_JOBS + 1);
	pass_burst(&a, 64);
	assert_int_equal(n_calls_dear_call, 2 * AEAD_SMALL_MAX_JOBS);
	assert_int_equal(n_calls_dear_packet, 4);
	aead_destroy(&a);
}

static void *
create_nothing(void)
{
	return NULL;
}

static void
a_state_that_cannot_be_made_leaves_nothing(void **state)
{
	struct aead_backend poor = dear_packet;
	struct aead_choice choice = {.backend = &poor};
	struct aead a;
	struct err err;

	poor.create = create_nothing;
	assert_int_equal(aead_create(&a, &choice, &err), -ENOMEM);
	assert_null(a.backend);
	choice = (struct aead_choice){.backend = &dear_call, .second = {.backend = &poor}};
	assert_int_equal(aead_create(&a, &choice, &err), -ENOMEM);
	assert_null(a.backend);
	assert_null(a.second_state);
}

static void
the_names_are_those_of_the_table(void **state)
{
	unsigned n = 0;

	for (; aead_backends[n]; n++) {
		assert_true(aead_name_is_known(aead_backends[n]->name));
		assert_non_null(strstr(AEAD_WISHES, aead_backends[n]->name));
	}
	assert_true(n <= AEAD_MAX_BACKENDS);
	assert_string_equal(aead_backends[n - 1]->name, "portable");
	assert_false(aead_name_is_known("auto"));
	assert_false(aead_name_is_known(""));
	assert_false(aead_name_is_known("rot13"));
}

static void
every_backend_here_passes_its_self_test(void **state)
{
	struct aead_choice got;
	struct err err;

	for (unsigned i = 0; aead_backends[i]; i++) {
		struct aead_wish wish = {aead_backends[i]->name, "a test"};

		if (!aead_backends[i]->is_supported())
			continue;
		if (aead_self_test(aead_backends[i], &err) != 0)
			fail_msg("%s", err.text);
		assert_int_equal(aead_choose(&wish, &got, &err), 0);
		assert_ptr_equal(got.backend, aead_backends[i]);
	}
	assert_int_equal(aead_choose(NULL, &got, &err), 0);
	print_message("chosen here: %s (%s); beside it: %s (%s)\n", got.backend->name, got.why,
		got.second.backend ? got.second.backend->name : "none", got.second_why);
}

static int
set_up(void **state)
{
	return crypto_init(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_backend_here_passes_its_self_test),
		cmocka_unit_test(the_names_are_those_of_the_table),
		cmocka_unit_test(what_does_not_work_is_passed_over),
		cmocka_unit_test(what_fails_in_the_timing_is_passed_over),
		cmocka_unit_test(more_backends_than_there_is_room_for_are_refused),
		cmocka_unit_test(a_forced_backend_is_taken_or_refused),
		cmocka_unit_test(the_order_holds_unless_one_is_clearly_faster),
		cmocka_unit_test(bursts_go_where_they_are_cheaper),
		cmocka_unit_test(size_classes_go_by_the_mean),
		cmocka_unit_test(each_burst_goes_to_the_cheaper_one),
		cmocka_unit_test(each_cell_of_the_table_counts),
		cmocka_unit_test(a_second_backend_may_do_full_bursts_alone),
		cmocka_unit_test(alone_a_backend_does_every_burst),
		cmocka_unit_test(a_state_that_cannot_be_made_leaves_nothing),
	};
	return cmocka_run_group_tests_name("aead_choice", tests, set_up, NULL);
}
