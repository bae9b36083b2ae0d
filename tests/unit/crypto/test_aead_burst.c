/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The burst interface: every backend against libsodium over random bursts and over all lengths and
 * alignments, what a forged message leaves behind, and that not one byte around a message or a key
 * is written or read. The first argument is the seed of another run.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "crypto/aead_burst.h"
#include "crypto/init.h"

enum {
	MAX_JOBS = 80,
	MAX_BYTES = 9001,
	ROUNDS = 100,
	GUARD_BYTES = 64,
	ROOM_BYTES = 2 * GUARD_BYTES + MAX_BYTES + AEAD_TAG_BYTES + GUARD_BYTES,
	GUARD = 0xa5,
};

/* One job of a burst: what stands around its data, and what the oracle says should come out. */
struct item {
	uint8_t key[AEAD_KEY_BYTES];
	uint8_t room[ROOM_BYTES] ALIGNED_LINE;
	uint8_t plain[MAX_BYTES], sealed[MAX_BYTES + AEAD_TAG_BYTES];
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

/*
 * Most up to 2048, one of eight up to 9000; every other one within 2 of a multiple of 16 or 64, or
 * of a lane's full turn.
 */
static uint32_t
random_length(void)
{
	static const unsigned grid[] = {16, 64, 256, 512, 1024};
	int32_t most = random_next() % 8 ? 2048 : 9000;
	int32_t n = (int32_t)(random_next() % (uint32_t)(most + 1));

	if (random_next() & 1) {
		int32_t step = (int32_t)grid[random_next() % ARRAY_COUNT(grid)];
		n = n / step * step + (int32_t)(random_next() % 5) - 2;
	}
	return (uint32_t)MIN_OF(MAX_OF(n, 0), MAX_BYTES);
}

/* Job i of the next burst; its data begin `align` bytes behind a cache line's start. */
static void
lay_out(unsigned i, uint32_t n_bytes, unsigned align)
{
	struct aead_job *j = &jobs[i];
	struct item *it = &items[i];
	uint8_t nonce[AEAD_NONCE_BYTES];

	random_fill(it->key, sizeof(it->key));
	*j = (struct aead_job){
		.key = it->key,
		.data = it->room + GUARD_BYTES + align % GUARD_BYTES,
		.counter = random_next() >> random_next() % 64,
		.n_bytes = n_bytes,
		.is_ok = (uint32_t)random_next() & 1, /* what stood there does not matter */
	};
	memset(it->room, GUARD, (size_t)(j->data - it->room) + n_bytes + AEAD_TAG_BYTES);
	memset(j->data + n_bytes + AEAD_TAG_BYTES, GUARD, GUARD_BYTES);
	random_fill(it->plain, n_bytes);
	memcpy(j->data, it->plain, n_bytes);
	aead_nonce_of_counter(nonce, j->counter);
	aead_seal(it->key, nonce,
		&(struct aead_message){.in = it->plain, .in_bytes = n_bytes, .out = it->sealed});
	it->is_forged = random_next() % 4 == 0;
}

/* Nothing before the data and nothing behind the tag was written. */
static void
check_guards(const struct item *it, const struct aead_job *j)
{
	const uint8_t *end = j->data + j->n_bytes + AEAD_TAG_BYTES;

	for (const uint8_t *p = it->room; p < end + GUARD_BYTES; p++) {
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

/* Seals and opens the n jobs that were laid out, a quarter of them damaged on the way. */
static void
check_burst(struct aead *a, unsigned n)
{
	aead_seal_burst(a, jobs, n);
	check_sealed(a->backend->name, n);
	aead_open_burst(a, jobs, n);
	check_opened(a->backend->name, n);
}

/* Runs `check` over every backend that this machine supports. */
static void
with_each_backend(void (*check)(struct aead *a))
{
	for (unsigned b = 0; aead_backends[b]; b++) {
		struct aead a;

		if (!aead_backends[b]->is_supported())
			continue;
		assert_int_equal(create(&a, b), 0);
		check(&a);
		aead_destroy(&a);
	}
}

static void
check_random_bursts(struct aead *a)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned n = round <= 72 ? round : (unsigned)(random_next() % (MAX_JOBS + 1));

		for (unsigned i = 0; i < n; i++)
			lay_out(i, random_length(), (unsigned)random_next());
		check_burst(a, n);
	}
}

static void
random_bursts_match_the_oracle(void **state)
{
	with_each_backend(check_random_bursts);
}

/* Equal lengths, so that every lane is in the same place, and a burst size from 1 to 32. */
static void
check_short_lengths(struct aead *a)
{
	for (uint32_t n_bytes = 0; n_bytes <= 300; n_bytes++) {
		unsigned n = 1 + n_bytes % 32;

		for (unsigned i = 0; i < n; i++)
			lay_out(i, n_bytes, n_bytes + i);
		check_burst(a, n);
	}
}

/* Up to 9000 bytes; side by side in a burst stand lengths that differ by one or two. */
static void
check_edges(struct aead *a)
{
	unsigned n = 0;

	for (uint32_t edge = 16; edge <= 9000; edge += edge < 1100 ? 16 : 64) {
		for (uint32_t k = 0; k < 3; k++)
			lay_out(n++, edge - 1 + k, (unsigned)random_next());
		if (n + 3 > 48) {
			check_burst(a, n);
			n = 0;
		}
	}
	check_burst(a, n);
}

/* One to three long ones among others that are short, in any place. */
static void
check_long_among_short(struct aead *a)
{
	for (unsigned round = 0; round < 60; round++) {
		unsigned n = 1 + round % 20, n_long = 1 + round % 3;
		uint32_t more = (uint32_t)(random_next() % 1200);

		for (unsigned i = 0; i < n; i++)
			lay_out(i, (uint32_t)(random_next() % 200), (unsigned)random_next());
		for (unsigned i = 0; i < n_long; i++)
			lay_out((unsigned)(random_next() % n), 100 + 16 * i + more, i);
		check_burst(a, n);
	}
}

static void
every_length_matches_the_oracle(void **state)
{
	with_each_backend(check_long_among_short);
	with_each_backend(check_short_lengths);
	with_each_backend(check_edges);
}

static void
check_alignments(struct aead *a)
{
	static const uint32_t lengths[] = {0, 1, 15, 16, 17, 63, 64, 65, 100, 256, 1424, 1439};

	for (unsigned k = 0; k < ARRAY_COUNT(lengths); k++) {
		for (unsigned align = 0; align < 64; align++)
			lay_out(align, lengths[k], align);
		check_burst(a, 64);
	}
}

static void
every_alignment_matches_the_oracle(void **state)
{
	with_each_backend(check_alignments);
}

/* A few pages between two that nobody may touch. */
struct fenced {
	uint8_t *start, *end;
	size_t page_bytes;
};

static struct fenced
fenced_map(size_t n_pages)
{
	struct fenced f = {.page_bytes = (size_t)sysconf(_SC_PAGESIZE)};
	uint8_t *p = mmap(NULL, (n_pages + 2) * f.page_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	f.start = p + f.page_bytes;
	f.end = f.start + n_pages * f.page_bytes;
	assert_int_equal(mprotect(p, f.page_bytes, PROT_NONE), 0);
	assert_int_equal(mprotect(f.end, f.page_bytes, PROT_NONE), 0);
	return f;
}

static void
fenced_unmap(struct fenced f)
{
	munmap(f.start - f.page_bytes, (size_t)(f.end - f.start) + 2 * f.page_bytes);
}

/*
 * Keys and data begin, or end with the tag, where the memory does: a byte too far, read or written,
 * is a signal. ipsec-mb 1.3 without AVX-512 does read past the end.
 */
static void
check_fences(struct aead *a)
{
	static const uint8_t sizes[] = {1, 2, 7, 8, 17, 40};
	enum { N_FENCED = 40 };
	struct fenced data[N_FENCED], keys;
	struct aead_job fenced[N_FENCED];

	if (strcmp(a->backend->name, "ipsecmb") == 0)
		return;
	keys = fenced_map(1);
	for (unsigned i = 0; i < N_FENCED; i++)
		data[i] = fenced_map(1);
	for (uint32_t longest = 0; longest <= 1500; longest += longest < 300 ? 1 : 37) {
		unsigned n = sizes[longest % ARRAY_COUNT(sizes)];

		for (unsigned i = 0; i < n; i++) {
			uint32_t n_bytes = i % 5 == 3 ? longest / 2 : longest - longest % (i + 1);
			bool is_last = (longest / ARRAY_COUNT(sizes) + i) % 2;

			fenced[i] = (struct aead_job){
				.key = is_last ? keys.end - AEAD_KEY_BYTES : keys.start,
				.data = is_last ? data[i].end - AEAD_TAG_BYTES - n_bytes
						: data[i].start,
				.counter = i,
				.n_bytes = n_bytes,
			};
			memset(fenced[i].data, 0, n_bytes);
		}
		aead_seal_burst(a, fenced, n);
		aead_open_burst(a, fenced, n);
		for (unsigned i = 0; i < n; i++) {
			assert_true(fenced[i].is_ok);
			assert_true(secret_is_zero(fenced[i].data, fenced[i].n_bytes));
		}
	}
	for (unsigned i = 0; i < N_FENCED; i++)
		fenced_unmap(data[i]);
	fenced_unmap(keys);
}

static void
no_byte_around_is_read(void **state)
{
	with_each_backend(check_fences);
}

/* Jobs whose keys and plain text are of `secret`; addresses, counters and lengths are the same. */
static void
lay_out_secret(unsigned n, uint32_t n_bytes, uint8_t secret)
{
	for (unsigned i = 0; i < n; i++) {
		memset(items[i].key, secret + (int)i, AEAD_KEY_BYTES);
		jobs[i] = (struct aead_job){.key = items[i].key,
			.data = items[i].room,
			.counter = i,
			.n_bytes = n_bytes - i * (n_bytes / 100)};
		memset(jobs[i].data, ~secret, jobs[i].n_bytes);
	}
}

/*
 * A state is the same behind two bursts that differ in nothing but keys and text: so nothing in it
 * depends on them, be it a key, a power of r, key stream, or a tag.
 */
static void
check_wiped(struct aead *a)
{
	static const uint32_t lengths[] = {0, 16, 64, 100, 700, 1424, 9000};
	static const uint8_t sizes[] = {1, 2, 8, 17, 33, 80};
	static uint8_t kept[65536];
	size_t n_bytes = malloc_usable_size(a->state);

	assert_in_range(n_bytes, 1, sizeof(kept));
	for (unsigned k = 0; k < 2 * ARRAY_COUNT(lengths) * ARRAY_COUNT(sizes); k++) {
		unsigned n = sizes[k / 2 % ARRAY_COUNT(sizes)];

		for (unsigned turn = 0; turn < 2; turn++) {
			lay_out_secret(n, lengths[k / 2 / ARRAY_COUNT(sizes)], turn ? 0x17 : 0x9c);
			aead_seal_burst(a, jobs, n);
			if (k % 2)
				aead_open_burst(a, jobs, n);
			if (turn == 0)
				memcpy(kept, a->state, n_bytes);
			else if (memcmp(kept, a->state, n_bytes) != 0)
				fail_msg("%s: %u jobs of %u bytes, %s: a secret is left in the "
					 "state",
					a->backend->name, n, jobs[0].n_bytes,
					k % 2 ? "opened" : "sealed");
		}
	}
}

/* Of our own backends with a state. ipsec-mb's keeps the last tag it computed, and no key. */
static void
no_secret_stays_in_a_state(void **state)
{
	for (unsigned b = 0; aead_backends[b]; b++) {
		struct aead a;

		if (strncmp(aead_backends[b]->name, "avx", 3) != 0 ||
			!aead_backends[b]->is_supported())
			continue;
		assert_int_equal(create(&a, b), 0);
		check_wiped(&a);
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
		cmocka_unit_test(every_length_matches_the_oracle),
		cmocka_unit_test(every_alignment_matches_the_oracle),
		cmocka_unit_test(no_byte_around_is_read),
		cmocka_unit_test(no_secret_stays_in_a_state),
		cmocka_unit_test(the_longest_message_is_sealed),
	};
	if (argc > 1)
		random_state = strtoull(argv[1], NULL, 0) | 1;
	return cmocka_run_group_tests_name("aead_burst", tests, set_up, NULL);
}
