/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The measurement. A sample is one call of seal and one of open over the same packets, which are
 * then what they were. The least of all rounds counts, so that neither a stolen time slice nor a
 * core that had to wake up its vector units decides.
 */
#include "crypto/aead_timing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "base/clock.h"

enum {
	STRIDE_BYTES = 1600, /* an odd number of cache lines: packets spread over all sets */
	ROOM_BYTES = AEAD_FULL_BURST * STRIDE_BYTES,
	ROUNDS = 8,
	FEWEST_ROUNDS = 3,
};

/* Of this thread's own time: a slower machine gets fewer rounds. */
#define ENOUGH_NS (35 * NS_IN_MS)

/* The largest of each class but the last, which has none: there it is what Ethernet carries. */
static const uint16_t full_bytes[AEAD_SIZE_CLASSES] = {64, 128, 256, 512, 1024, 1424};
static const uint16_t small_bytes[AEAD_SIZE_CLASSES][AEAD_N_PROBES] = {
	{48, 64}, {96, 128}, {160, 240}, {320, 480}, {640, 960}, {1152, 1424}};

struct bench {
	struct aead_job jobs[AEAD_FULL_BURST];
	uint8_t keys[AEAD_FULL_BURST][AEAD_KEY_BYTES];
	uint8_t *packets;    /* ROOM_BYTES */
	uint32_t empty_clk;  /* what looking at the clock costs */
	void **states;       /* a row each */
	unsigned n_rows;
};

static inline uint64_t
clk_now(void)
{
	_mm_lfence();
	uint64_t now = __rdtsc();
	_mm_lfence();
	return now;
}

static ns_t
own_time_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (ns_t)t.tv_sec * NS_IN_S + (ns_t)t.tv_nsec;
}

static void
note_least(uint32_t *least, uint64_t clk)
{
	if (clk < *least)
		*least = (uint32_t)clk;
}

static void
note_empty(struct bench *b)
{
	b->empty_clk = UINT32_MAX;
	for (unsigned i = 0; i < 64; i++) {
		uint64_t start = clk_now();
		note_least(&b->empty_clk, clk_now() - start);
	}
}

static uint64_t
call_clk(const struct bench *b, void (*call)(void *, struct aead_job *, unsigned), void *state,
	unsigned n)
{
	struct aead_job *jobs = (struct aead_job *)b->jobs;
	uint64_t start = clk_now();
	call(state, jobs, n);
	uint64_t clk = clk_now() - start;
	return clk > b->empty_clk ? clk - b->empty_clk : 1;
}

/* One sample: n jobs sealed, then opened; least[direction] is lowered. */
static void
sample(struct bench *b, struct aead_timing *row, void *state, unsigned n, uint32_t *const least[2])
{
	note_least(least[AEAD_SEAL], call_clk(b, row->backend->seal, state, n));
	note_least(least[AEAD_OPEN], call_clk(b, row->backend->open, state, n));
	for (unsigned i = 0; i < n; i++)
		row->is_broken |= !b->jobs[i].is_ok;
}

/*
 * All rows, one behind the other, with small bursts of every number of packets of one length: the
 * long ones first, so that the short ones find their code and tables in the cache.
 */
static void
small_round(struct bench *b, struct aead_timing *rows, unsigned size, unsigned probe)
{
	for (unsigned i = 0; i < AEAD_SMALL_MAX_JOBS; i++)
		b->jobs[i].n_bytes = small_bytes[size][probe];
	for (unsigned k = 0; k < b->n_rows * AEAD_SMALL_MAX_JOBS; k++) {
		unsigned r = k / AEAD_SMALL_MAX_JOBS;
		unsigned n = AEAD_SMALL_MAX_JOBS - k % AEAD_SMALL_MAX_JOBS;

		sample(b, &rows[r], b->states[r], n,
			(uint32_t *const[]){&rows[r].small_clk[AEAD_SEAL][size][probe][n],
				&rows[r].small_clk[AEAD_OPEN][size][probe][n]});
	}
}

static void
full_round(struct bench *b, struct aead_timing *rows, unsigned size)
{
	for (unsigned i = 0; i < AEAD_FULL_BURST; i++)
		b->jobs[i].n_bytes = full_bytes[size];
	for (unsigned r = 0; r < b->n_rows; r++)
		sample(b, &rows[r], b->states[r], AEAD_FULL_BURST,
			(uint32_t *const[]){&rows[r].full_clk[AEAD_SEAL][size],
				&rows[r].full_clk[AEAD_OPEN][size]});
}

static void
imix_round(struct bench *b, struct aead_timing *rows)
{
	static const uint16_t imix[12] = {64, 576, 64, 64, 576, 64, 1424, 64, 576, 64, 64, 576};

	for (unsigned i = 0; i < AEAD_FULL_BURST; i++)
		b->jobs[i].n_bytes = imix[i % ARRAY_COUNT(imix)];
	for (unsigned r = 0; r < b->n_rows; r++)
		sample(b, &rows[r], b->states[r], AEAD_FULL_BURST,
			(uint32_t *const[]){
				&rows[r].imix_clk[AEAD_SEAL], &rows[r].imix_clk[AEAD_OPEN]});
}

static void
run_rounds(struct bench *b, struct aead_timing *rows)
{
	ns_t start_ns = own_time_ns();

	for (unsigned i = 0; i < ROUNDS; i++) {
		if (i >= FEWEST_ROUNDS && own_time_ns() - start_ns > ENOUGH_NS)
			break;
		for (unsigned size = 0; size < AEAD_SIZE_CLASSES; size++) {
			for (unsigned probe = 0; probe < AEAD_N_PROBES; probe++)
				small_round(b, rows, size, probe);
			full_round(b, rows, size);
		}
		imix_round(b, rows);
	}
}

static int
bench_begin(struct bench *b, struct aead_timing *rows, unsigned n_rows, struct err *err)
{
	struct aead a;

	b->n_rows = n_rows;
	b->states = calloc(n_rows, sizeof(*b->states));
	b->packets = aligned_alloc(CACHE_LINE_BYTES, ROOM_BYTES);
	if (!b->states || !b->packets)
		return err_set(err, -ENOMEM, "no memory to time aead backends");
	memset(b->packets, 0x5c, ROOM_BYTES);
	for (unsigned r = 0; r < n_rows; r++) {
		const struct aead_backend *backend = rows[r].backend;
		int rc = aead_create(&a, &(struct aead_choice){.backend = backend}, err);
		if (rc < 0)
			return rc;
		b->states[r] = a.state;
		memset(&rows[r], 0xff, sizeof(rows[r])); /* no cost is lower yet */
		rows[r].backend = backend;
		rows[r].is_broken = false;
	}
	for (unsigned i = 0; i < AEAD_FULL_BURST; i++) {
		memset(b->keys[i], (int)(i + 1), AEAD_KEY_BYTES); /* figures, not secrets */
		b->jobs[i] = (struct aead_job){.key = b->keys[i],
			.data = b->packets + (size_t)i * STRIDE_BYTES,
			.counter = 1000 + i};
	}
	note_empty(b);
	return 0;
}

static void
bench_end(struct bench *b, const struct aead_timing *rows)
{
	for (unsigned r = 0; b->states && r < b->n_rows; r++) {
		if (b->states[r])
			rows[r].backend->destroy(b->states[r]);
	}
	free(b->states);
	free(b->packets);
}

int
aead_timing_run(struct aead_timing *rows, unsigned n_rows, struct err *err)
{
	struct bench b = {0};
	int rc = bench_begin(&b, rows, n_rows, err);

	if (rc == 0)
		run_rounds(&b, rows);
	bench_end(&b, rows);
	return rc;
}
