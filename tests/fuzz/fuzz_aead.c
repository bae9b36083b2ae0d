/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The burst AEAD: an input is a list of choices (how many jobs; the length, key, alignment,
 * counter and damage of each), every backend that runs here seals and opens that burst, and
 * libsodium says what must come out. A byte behind the tag or before the data is never written,
 * and never read either where AddressSanitizer sees the code.
 */
#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/aead_burst.h"
#include "crypto/init.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "fuzz_aead: line %d: not so: %s\n", __LINE__, #condition); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

enum {
	MAX_JOBS = 70,
	MAX_BYTES = 9000,
	MAX_AAD_BYTES = 64,
	MAX_BACKENDS = 8,
	GUARD_BYTES = 128,
	GUARD = 0xa5,
};

struct item {
	uint8_t key_room[AEAD_KEY_BYTES + 8];
	uint8_t plain[MAX_BYTES], sealed[MAX_BYTES + AEAD_TAG_BYTES];
	uint8_t room[GUARD_BYTES + 64 + MAX_BYTES + AEAD_TAG_BYTES + GUARD_BYTES];
	uint32_t damaged_bit; /* of the sealed text and tag; UINT32_MAX: none */
};

/* What the input still has to choose; once it is used up, pseudo-random numbers choose. */
struct choices {
	const uint8_t *next, *end;
	uint64_t random_state;
};

static struct item items[MAX_JOBS];
static struct aead_job jobs[MAX_JOBS];
static struct aead backends[MAX_BACKENDS];
static unsigned n_backends;

/* xorshift64* */
static uint64_t
random_next(struct choices *c)
{
	c->random_state ^= c->random_state >> 12;
	c->random_state ^= c->random_state << 25;
	c->random_state ^= c->random_state >> 27;
	return c->random_state * 0x2545f4914f6cdd1dull;
}

/* 0 to bound - 1 (at most 65536), of two bytes of the input. */
static uint32_t
choose(struct choices *c, uint32_t bound)
{
	if (c->end - c->next < 2)
		return (uint32_t)(random_next(c) >> 32) % bound;
	uint32_t value = load_le16(c->next);
	c->next += 2;
	return value % bound;
}

static void
random_fill(struct choices *c, uint8_t *out, size_t n_bytes)
{
	size_t at = 0;

	for (; at + 8 <= n_bytes; at += 8)
		store_le64(out + at, random_next(c));
	for (; at < n_bytes; at++)
		out[at] = (uint8_t)(random_next(c) >> 32);
}

/* Mostly short; half of all within 2 of a multiple of what some loop counts in. */
static uint32_t
choose_length(struct choices *c)
{
	static const uint16_t grid[] = {16, 64, 256, 512, 1024};
	static const uint16_t limit[] = {80, 320, 320, 1500, 1500, 2100, 4200, MAX_BYTES};
	uint32_t n = choose(c, limit[choose(c, ARRAY_COUNT(limit))] + 1u);
	uint32_t kind = choose(c, 2 * ARRAY_COUNT(grid));

	if (kind < ARRAY_COUNT(grid))
		n = n / grid[kind] * grid[kind] + choose(c, 5);
	return MIN_OF(n < 2 ? n : n - 2, (uint32_t)MAX_BYTES);
}

/* Small, around 2^32 (where ChaCha20's 96-bit nonce carries over), the end, or anything. */
static uint64_t
choose_counter(struct choices *c)
{
	switch (choose(c, 4)) {
	case 0:
		return choose(c, 65536);
	case 1:
		return 0xfffffff0ull + choose(c, 32);
	case 2:
		return UINT64_MAX - choose(c, 32);
	default:
		return random_next(c);
	}
}

static void
guards_set(const struct aead_job *j, struct item *it, bool is_on)
{
	uint8_t *end = j->data + j->n_bytes + AEAD_TAG_BYTES;
	size_t behind = (size_t)(it->room + sizeof(it->room) - end);

	if (is_on) {
		ASAN_POISON_MEMORY_REGION(it->room, (size_t)(j->data - it->room) & ~(size_t)7);
		ASAN_POISON_MEMORY_REGION(end, behind);
	} else {
		ASAN_UNPOISON_MEMORY_REGION(it->room, sizeof(it->room));
	}
}

static void
lay_out_one(struct choices *c, struct aead_job *j, struct item *it, unsigned i)
{
	uint8_t nonce[AEAD_NONCE_BYTES];
	uint8_t *key = it->key_room + choose(c, 8);

	random_fill(c, key, AEAD_KEY_BYTES);
	*j = (struct aead_job){
		.key = i && choose(c, 3) == 0 ? jobs[choose(c, i)].key : key,
		.data = it->room + GUARD_BYTES + choose(c, 64),
		.counter = choose_counter(c),
		.n_bytes = choose_length(c),
	};
	random_fill(c, it->plain, j->n_bytes);
	aead_nonce_of_counter(nonce, j->counter);
	aead_seal(j->key, nonce,
		&(struct aead_message){.in = it->plain, .in_bytes = j->n_bytes, .out = it->sealed});
	it->damaged_bit = UINT32_MAX;
	if (choose(c, 4) == 0) /* in the tag as often as anywhere */
		it->damaged_bit = choose(c, 2) ? (uint32_t)random_next(c) %
							 ((j->n_bytes + AEAD_TAG_BYTES) * 8)
					       : j->n_bytes * 8 + choose(c, AEAD_TAG_BYTES * 8);
}

static bool
guards_hold(const struct aead_job *j, const struct item *it)
{
	const uint8_t *end = j->data + j->n_bytes + AEAD_TAG_BYTES;

	for (const uint8_t *p = it->room; p < j->data; p++) {
		if (*p != GUARD)
			return false;
	}
	for (const uint8_t *p = end; p < it->room + sizeof(it->room); p++) {
		if (*p != GUARD)
			return false;
	}
	return true;
}

static void
seal_and_check(struct aead *a, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		memset(items[i].room, GUARD, sizeof(items[i].room));
		memcpy(jobs[i].data, items[i].plain, jobs[i].n_bytes);
		jobs[i].is_ok = 0;
		guards_set(&jobs[i], &items[i], true);
	}
	aead_seal_burst(a, jobs, n);
	for (unsigned i = 0; i < n; i++) {
		guards_set(&jobs[i], &items[i], false);
		must(jobs[i].is_ok == 1);
		must(memcmp(jobs[i].data, items[i].sealed, jobs[i].n_bytes + AEAD_TAG_BYTES) == 0);
		must(guards_hold(&jobs[i], &items[i]));
	}
}

static void
open_and_check(struct aead *a, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t bit = items[i].damaged_bit;

		if (bit != UINT32_MAX)
			jobs[i].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		jobs[i].is_ok = bit != UINT32_MAX; /* the opposite of what must come */
		guards_set(&jobs[i], &items[i], true);
	}
	aead_open_burst(a, jobs, n);
	for (unsigned i = 0; i < n; i++) {
		const struct aead_job *j = &jobs[i];
		bool is_damaged = items[i].damaged_bit != UINT32_MAX;

		guards_set(j, &items[i], false);
		must(j->is_ok == !is_damaged);
		must(is_damaged ? secret_is_zero(j->data, j->n_bytes)
				: memcmp(j->data, items[i].plain, j->n_bytes) == 0);
		must(guards_hold(j, &items[i]));
	}
}

/* The last job's key and text once more as a single message, with a nonce and data of any kind. */
static void
check_one(struct aead *a, struct choices c, const struct aead_job *j, const struct item *it)
{
	static uint8_t want[MAX_BYTES + AEAD_TAG_BYTES], got[MAX_BYTES + AEAD_TAG_BYTES];
	uint8_t nonce[AEAD_NONCE_BYTES], aad[MAX_AAD_BYTES];
	struct aead_message m = {aad, choose(&c, sizeof(aad) + 1), it->plain, j->n_bytes, want};
	uint32_t n_bytes = j->n_bytes;

	if (!a->backend->seal_one)
		return;
	random_fill(&c, nonce, sizeof(nonce));
	random_fill(&c, aad, sizeof(aad));
	aead_seal(j->key, nonce, &m);
	m.out = got;
	must(a->backend->seal_one(a->state, j->key, nonce, &m) == 0);
	must(memcmp(got, want, n_bytes + AEAD_TAG_BYTES) == 0);
	m = (struct aead_message){aad, m.aad_bytes, got, n_bytes + AEAD_TAG_BYTES, got};
	must(a->backend->open_one(a->state, j->key, nonce, &m) == 0);
	must(memcmp(got, it->plain, n_bytes) == 0);
	uint32_t bit = (uint32_t)random_next(&c) % ((n_bytes + AEAD_TAG_BYTES) * 8);
	want[bit / 8] ^= (uint8_t)(1u << bit % 8);
	m.in = want;
	must(a->backend->open_one(a->state, j->key, nonce, &m) == -EBADMSG);
	must(secret_is_zero(got, n_bytes));
}

static void
start(void)
{
	must(crypto_init(NULL) == 0);
	for (unsigned i = 0; aead_backends[i]; i++) {
		if (!aead_backends[i]->is_supported()) {
			fprintf(stderr, "fuzz_aead: %s left out: no %s\n", aead_backends[i]->name,
				aead_backends[i]->needs);
			continue;
		}
		must(n_backends < MAX_BACKENDS);
		must(aead_create(&backends[n_backends++],
			     &(struct aead_choice){.backend = aead_backends[i]}, NULL) == 0);
	}
	must(n_backends > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct choices c = {data, data + n_bytes, 0x9e3779b97f4a7c15ull};

	if (!n_backends)
		start();
	for (size_t i = 0; i < n_bytes; i++)
		c.random_state = (c.random_state ^ data[i]) * 0x100000001b3ull | 1;
	unsigned n = 1 + choose(&c, MAX_JOBS);
	for (unsigned i = 0; i < n; i++)
		lay_out_one(&c, &jobs[i], &items[i], i);
	for (unsigned b = 0; b < n_backends; b++) {
		seal_and_check(&backends[b], n);
		open_and_check(&backends[b], n);
		check_one(&backends[b], c, &jobs[n - 1], &items[n - 1]);
	}
	return 0;
}
