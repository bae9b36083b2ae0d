/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The burst interface: every backend against libsodium over random bursts, what a forged message
 * leaves behind, and how a backend is chosen. The first argument is the seed of another run.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/secret.h"
#include "crypto/aead_burst.h"
#include "crypto/init.h"

enum {
	MAX_JOBS = 80,
	ROUNDS = 150,
	GUARD_BYTES = 64,
	ROOM_BYTES = GUARD_BYTES + 2048 + AEAD_TAG_BYTES + 2 * GUARD_BYTES,
	GUARD = 0xa5,
};

/* One job of a burst: what stands around its data, and what the oracle says should come out. */
struct item {
	uint8_t key[AEAD_KEY_BYTES];
	uint8_t room[ROOM_BYTES];
	uint8_t plain[2048], sealed[2048 + AEAD_TAG_BYTES];
	bool is_forged;
};

static struct item items[MAX_JOBS];
static struct aead_job jobs[MAX_JOBS];
static uint64_t random_state = 20261122;

/* xorshift64*: the same run for the same seed. */
static uint64_t
random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

static void
random_fill(uint8_t *out, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes; i++)
		out[i] = (uint8_t)(random_next() >> 32);
}

/* Any length, with every other one within 2 of a multiple of 16 or 64, or of a lane's full turn. */
static uint32_t
random_length(void)
{
	static const unsigned grid[] = {16, 64, 256, 1024};
	int32_t n = (int32_t)(random_next() % 2049);

	if (random_next() & 1) {
		int32_t step = (int32_t)grid[random_next() % ARRAY_COUNT(grid)];
		n = n / step * step + (int32_t)(random_next() % 5) - 2;
	}
	return (uint32_t)MIN_OF(MAX_OF(n, 0), 2048);
}

static void
make_item(struct item *it, struct aead_job *j)
{
	uint8_t nonce[AEAD_NONCE_BYTES];

	random_fill(it->key, sizeof(it->key));
	memset(it->room, GUARD, sizeof(it->room));
	*j = (struct aead_job){
		.key = it->key,
		.data = it->room + GUARD_BYTES + random_next() % GUARD_BYTES,
		.counter = random_next() >> random_next() % 64,
		.n_bytes = random_length(),
		.is_ok = (uint32_t)random_next() & 1, /* what stood there does not matter */
	};
	random_fill(it->plain, j->n_bytes);
	memcpy(j->data, it->plain, j->n_bytes);
	aead_nonce_of_counter(nonce, j->counter);
	aead_seal(it->key, nonce,
		&(struct aead_message){.in = it->plain, .in_bytes = j->n_bytes, .out = it->sealed});
	it->is_forged = random_next() % 4 == 0;
}

/* Nothing before the data and nothing behind the tag was written. */
static void
check_guards(const struct item *it, const struct aead_job *j)
{
	const uint8_t *end = j->data + j->n_bytes + AEAD_TAG_BYTES;

	for (const uint8_t *p = it->room; p < it->room + ROOM_BYTES; p++) {
		if ((p < j->data || p >= end) && *p != GUARD)
			fail_msg("%u bytes: wrote at %td of the data", j->n_bytes, p - j->data);
	}
}

static void
check_sealed(const char *name, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!jobs[i].is_ok || memcmp(jobs[i].data, items[i].sealed,
					      jobs[i].n_bytes + AEAD_TAG_BYTES) != 0)
			fail_msg("%s: job %u of %u, %u bytes: sealed wrongly", name, i, n,
				jobs[i].n_bytes);
		check_guards(&items[i], &jobs[i]);
		if (items[i].is_forged) {
			uint64_t bit = random_next() % ((jobs[i].n_bytes + AEAD_TAG_BYTES) * 8ull);
			jobs[i].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		jobs[i].is_ok = items[i].is_forged; /* the opposite of what must come */
	}
}

static void
check_opened(const char *name, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct aead_job *j = &jobs[i];

		if (j->is_ok != !items[i].is_forged)
			fail_msg("%s: job %u of %u, %u bytes: is_ok %u", name, i, n, j->n_bytes,
				j->is_ok);
		if (items[i].is_forged ? !secret_is_zero(j->data, j->n_bytes)
				       : memcmp(j->data, items[i].plain, j->n_bytes) != 0)
			fail_msg("%s: job %u of %u, %u bytes: opened wrongly", name, i, n,
				j->n_bytes);
		check_guards(&items[i], j);
	}
}

static void
random_bursts_match_the_oracle(void **state)
{
	for (unsigned b = 0; aead_backends[b]; b++) {
		struct aead a;

		if (!aead_backends[b]->is_supported())
			continue;
		assert_int_equal(aead_create(&a, aead_backends[b], NULL), 0);
		for (unsigned round = 0; round < ROUNDS; round++) {
			unsigned n = round < 4 ? round : (unsigned)(random_next() % (MAX_JOBS + 1));
			for (unsigned i = 0; i < n; i++)
				make_item(&items[i], &jobs[i]);
			aead_seal_burst(&a, jobs, n);
			check_sealed(a.backend->name, n);
			aead_open_burst(&a, jobs, n);
			check_opened(a.backend->name, n);
		}
		aead_destroy(&a);
	}
}

static void
the_longest_message_is_sealed(void **state)
{
	const uint8_t key[32] = {7};
	uint8_t nonce[12];
	uint8_t *data = test_malloc(65535), *want = test_malloc(65535);

	aead_nonce_of_counter(nonce, UINT64_MAX);
	for (unsigned b = 0; aead_backends[b]; b++) {
		struct aead a;
		struct aead_job j = {key, data, UINT64_MAX, AEAD_JOB_MAX_BYTES, 0};

		if (!aead_backends[b]->is_supported())
			continue;
		memset(data, 0x5a, AEAD_JOB_MAX_BYTES);
		aead_seal(key, nonce,
			&(struct aead_message){
				.in = data, .in_bytes = AEAD_JOB_MAX_BYTES, .out = want});
		assert_int_equal(aead_create(&a, aead_backends[b], NULL), 0);
		aead_seal_burst(&a, &j, 1);
		assert_memory_equal(data, want, 65535);
		aead_open_burst(&a, &j, 1);
		assert_int_equal(j.is_ok, 1);
		aead_destroy(&a);
	}
	test_free(data);
	test_free(want);
}

static void *
create_dummy(void)
{
	return &random_state;
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

static const struct aead_backend *
portable(void)
{
	unsigned i = 0;

	while (aead_backends[i + 1])
		i++;
	assert_string_equal(aead_backends[i]->name, "portable");
	return aead_backends[i];
}

static void
open_all(void *state, struct aead_job *j, unsigned n)
{
	portable()->open(NULL, j, n);
	call_it_done(state, j, n);
}

static void
seal_well(void *state, struct aead_job *j, unsigned n)
{
	uint8_t nonce[AEAD_NONCE_BYTES];

	for (unsigned i = 0; i < n; i++) {
		aead_nonce_of_counter(nonce, j[i].counter);
		aead_seal(j[i].key, nonce,
			&(struct aead_message){
				.in = j[i].data, .in_bytes = j[i].n_bytes, .out = j[i].data});
		j[i].is_ok = 1;
	}
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

static void
the_first_that_works_is_chosen(void **state)
{
	const struct aead_backend *table[] = {
		&elsewhere, &null_cipher, &takes_forgeries, portable(), NULL};
	const struct aead_backend *got = NULL;
	struct err err;

	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(aead_choose_from(table, NULL, &got, &err), 0);
	assert_ptr_equal(got, portable());
	table[3] = NULL;
	got = NULL;
	assert_int_equal(aead_choose_from(table, NULL, &got, &err), -EIO);
	assert_null(got);
	assert_non_null(strstr(err.text, "trusting"));
	log_set_level(LOG_LEVEL_INFO);
}

static void
a_forced_backend_is_taken_or_refused(void **state)
{
	const struct aead_backend *table[] = {&elsewhere, &null_cipher, portable(), NULL};
	const struct aead_backend *got = NULL;
	struct err err;

	assert_int_equal(aead_choose_from(table, "portable", &got, &err), 0);
	assert_ptr_equal(got, portable());
	got = NULL;
	assert_int_equal(aead_choose_from(table, "elsewhere", &got, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "another machine"));
	assert_int_equal(aead_choose_from(table, "null", &got, &err), -EIO);
	assert_non_null(strstr(err.text, "self-test"));
	assert_int_equal(aead_choose_from(table, "rot13", &got, &err), -ENOENT);
	assert_string_equal(err.text,
		"no aead backend is called 'rot13'; known are: elsewhere, null, portable");
	assert_int_equal(aead_choose_from(table, "", &got, &err), -ENOENT);
	assert_null(got);
}

static void
every_backend_here_passes_its_self_test(void **state)
{
	const struct aead_backend *got;
	struct err err;

	for (unsigned i = 0; aead_backends[i]; i++) {
		if (!aead_backends[i]->is_supported())
			continue;
		if (aead_self_test(aead_backends[i], &err) != 0)
			fail_msg("%s", err.text);
		assert_int_equal(aead_choose(aead_backends[i]->name, &got, &err), 0);
		assert_ptr_equal(got, aead_backends[i]);
	}
	assert_int_equal(aead_choose(NULL, &got, &err), 0);
	print_message("chosen here: %s\n", got->name);
}

static int
set_up(void **state)
{
	return crypto_init(NULL);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_backend_here_passes_its_self_test),
		cmocka_unit_test(random_bursts_match_the_oracle),
		cmocka_unit_test(the_longest_message_is_sealed),
		cmocka_unit_test(the_first_that_works_is_chosen),
		cmocka_unit_test(a_forced_backend_is_taken_or_refused),
	};
	if (argc > 1)
		random_state = strtoull(argv[1], NULL, 0) | 1;
	return cmocka_run_group_tests_name("aead_burst", tests, set_up, NULL);
}
