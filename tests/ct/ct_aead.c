/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Constant time of a backend: seals and opens bursts whose keys and texts valgrind takes for
 * undefined memory, so that it reports every branch and every address that depends on them.
 * Lengths, counters, alignments and the order of jobs are public. What comes out is compared with
 * libsodium's, lest something else than the cipher was watched. The build names one backend a
 * program (CT_BACKEND); tests/ct/run runs it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "base/secret.h"
#include "crypto/aead_backends.h"
#include "crypto/init.h"

extern const struct aead_backend CT_BACKEND;

enum {
	ROUNDS = 10,
	MAX_JOBS = 70,
	MAX_BYTES = 9000,
	ROOM_BYTES = MAX_BYTES + AEAD_TAG_BYTES + 64,
	SKIP = 77,
};

static const uint8_t bursts[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, MAX_JOBS};
/* Beside any length up to 320: what a wire carries, and edges of a lane's whole turn. */
static const uint16_t wire_lengths[] = {
	512, 576, 1008, 1023, 1024, 1025, 1280, 1424, 1440, 2048, 4095, MAX_BYTES};

struct item {
	uint8_t key[AEAD_KEY_BYTES];
	uint8_t plain[MAX_BYTES], sealed[MAX_BYTES + AEAD_TAG_BYTES]; /* as they should come out */
	uint8_t room[ROOM_BYTES];
	bool is_forged;
};

static struct item items[MAX_JOBS];
static struct aead_job jobs[MAX_JOBS];
static uint64_t random_state = 20261122;

/* xorshift64*: the same run each time. */
static uint32_t
random_below(uint32_t bound)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1dull) >> 32) % bound;
}

static void
random_fill(uint8_t *out, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes; i++)
		out[i] = (uint8_t)random_below(256);
}

static _Noreturn void
fail(const char *what, unsigned i, uint32_t n_bytes)
{
	fprintf(stderr, "%s: job %u of %u bytes: %s\n", CT_BACKEND.name, i, n_bytes, what);
	exit(1);
}

/* Long messages are rare: a run under valgrind is a hundred times slower. */
static uint32_t
random_length(void)
{
	return random_below(12) ? random_below(321)
				: wire_lengths[random_below(ARRAY_COUNT(wire_lengths))];
}

static void
lay_out(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct item *it = &items[i];
		struct aead_job *j = &jobs[i];
		uint8_t nonce[AEAD_NONCE_BYTES];

		random_fill(it->key, sizeof(it->key));
		*j = (struct aead_job){.key = items[random_below(3) ? i : i / 2].key,
			.data = it->room + random_below(64),
			.counter = random_below(3) ? random_below(1000) : 0xfffffffeull + i,
			.n_bytes = random_length()};
		random_fill(it->plain, j->n_bytes);
		memcpy(j->data, it->plain, j->n_bytes);
		aead_nonce_of_counter(nonce, j->counter);
		aead_seal(j->key, nonce,
			&(struct aead_message){
				.in = it->plain, .in_bytes = j->n_bytes, .out = it->sealed});
		it->is_forged = random_below(4) == 0;
	}
	for (unsigned i = 0; i < n; i++) {
		secret_is_secret(items[i].key, sizeof(items[i].key));
		secret_is_secret(jobs[i].data, jobs[i].n_bytes);
	}
}

/* A copy is looked at, so that the job's own bytes stay secret. */
static void
check(unsigned i, const uint8_t *want, uint32_t n_bytes, const char *what)
{
	static uint8_t copy[MAX_BYTES + AEAD_TAG_BYTES];

	memcpy(copy, jobs[i].data, n_bytes);
	secret_is_public(copy, n_bytes);
	if (memcmp(copy, want, n_bytes) != 0)
		fail(what, i, jobs[i].n_bytes);
}

static void
check_sealed(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t sealed_bytes = jobs[i].n_bytes + AEAD_TAG_BYTES;

		if (jobs[i].is_ok != 1)
			fail("not sealed", i, jobs[i].n_bytes);
		check(i, items[i].sealed, sealed_bytes, "sealed wrongly");
		/* What came over a wire is as unknown to the code as the key: stricter than needed.
		 */
		secret_is_secret(jobs[i].data, sealed_bytes);
		jobs[i].data[random_below(sealed_bytes)] ^=
			(uint8_t)(items[i].is_forged << random_below(8));
	}
}

static void
check_opened(unsigned n)
{
	static const uint8_t zeros[MAX_BYTES];

	for (unsigned i = 0; i < n; i++) {
		if (jobs[i].is_ok != !items[i].is_forged)
			fail("wrong verdict", i, jobs[i].n_bytes);
		check(i, items[i].is_forged ? zeros : items[i].plain, jobs[i].n_bytes,
			"opened wrongly");
	}
}

static void
run_burst(struct aead *a, unsigned n)
{
	lay_out(n);
	aead_seal_burst(a, jobs, n);
	check_sealed(n);
	aead_open_burst(a, jobs, n);
	check_opened(n);
	for (unsigned i = 0; i < n; i++)
		secret_is_public(&items[i], sizeof(items[i]));
}

/* The entries for one message, with associated data, which is public. */
static void
run_one(struct aead *a, uint32_t n_bytes, uint32_t aad_bytes)
{
	static uint8_t data[1024 + AEAD_TAG_BYTES], aad[64];
	uint8_t key[AEAD_KEY_BYTES], nonce[AEAD_NONCE_BYTES];
	struct aead_message m = {aad, aad_bytes, data, n_bytes, data};

	random_fill(key, sizeof(key));
	random_fill(nonce, sizeof(nonce));
	random_fill(data, n_bytes);
	secret_is_secret(key, sizeof(key));
	secret_is_secret(data, n_bytes);
	if (a->backend->seal_one(a->state, key, nonce, &m) < 0)
		fail("not sealed alone", 0, n_bytes);
	m.in_bytes += AEAD_TAG_BYTES;
	if (a->backend->open_one(a->state, key, nonce, &m) < 0)
		fail("not opened alone", 0, n_bytes);
	data[n_bytes] ^= 0x10;
	if (a->backend->open_one(a->state, key, nonce, &m) != -EBADMSG)
		fail("opened alone although forged", 0, n_bytes);
}

int
main(void)
{
	struct err err = {""};
	struct aead a;

	if (!RUNNING_ON_VALGRIND) {
		fprintf(stderr, "this shows nothing outside valgrind: tests/ct/run PROGRAM\n");
		return SKIP;
	}
	if (!CT_BACKEND.is_supported()) {
		printf("%s: left out: the CPU that valgrind shows has no %s\n", CT_BACKEND.name,
			CT_BACKEND.needs);
		return SKIP;
	}
	struct aead_choice choice = {.backend = &CT_BACKEND};
	if (crypto_init(&err) < 0 || aead_create(&a, &choice, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (unsigned i = 0; i < ROUNDS * ARRAY_COUNT(bursts); i++)
		run_burst(&a, bursts[i % ARRAY_COUNT(bursts)]);
	for (unsigned n_bytes = 0; a.backend->seal_one && n_bytes <= 1024; n_bytes += 73)
		run_one(&a, n_bytes, n_bytes % 5 * 7);
	aead_destroy(&a);
	printf("%s: %u bursts sealed and opened; no branch and no address depends on a secret\n",
		CT_BACKEND.name, (unsigned)(ROUNDS * ARRAY_COUNT(bursts)));
	return 0;
}
