/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The burst interface: every backend against libsodium over random bursts, and what a forged
 * message leaves behind. The first argument is the seed of another run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

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

/* A row of the table alone. */
static int
create(struct aead *a, unsigned row)
{
	return aead_create(a, &(struct aead_choice){.backend = aead_backends[row]}, NULL);
}

static void
random_bursts_match_the_oracle(void **state)
{
	for (unsigned b = 0; aead_backends[b]; b++) {
		struct aead a;

		if (!aead_backends[b]->is_supported())
			continue;
		assert_int_equal(create(&a, b), 0);
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
		assert_int_equal(create(&a, b), 0);
		aead_seal_burst(&a, &j, 1);
		assert_memory_equal(data, want, 65535);
		aead_open_burst(&a, &j, 1);
		assert_int_equal(j.is_ok, 1);
		aead_destroy(&a);
	}
	test_free(data);
	test_free(want);
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
		cmocka_unit_test(random_bursts_match_the_oracle),
		cmocka_unit_test(the_longest_message_is_sealed),
	};
	if (argc > 1)
		random_state = strtoull(argv[1], NULL, 0) | 1;
	return cmocka_run_group_tests_name("aead_burst", tests, set_up, NULL);
}
