/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many messages at once: the interface through which the packet path seals and opens. A burst is
 * an array of jobs whose keys, lengths and alignments may all differ; a backend is free to mix
 * their blocks in its SIMD lanes. Associated data is empty and the nonce is a counter, as in
 * WireGuard's data packets (whitepaper 5.4.6).
 *
 * Start: crypto_init, then aead_choose once (crypto/aead_choose.h); every thread makes its own
 * struct aead of the choice.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "crypto/aead.h"

enum {
	AEAD_JOB_MAX_BYTES = 65519, /* of plain text: 65535 with the tag */
};

struct aead_job {
	const uint8_t *key; /* 32 bytes */
	uint8_t *data;    /* in place; seal: n_bytes and room for the tag; open: n_bytes and tag */
	uint64_t counter; /* nonce = 4 zero bytes, then this, little endian */
	uint32_t n_bytes; /* of plain text, 0 to AEAD_JOB_MAX_BYTES */
	uint32_t is_ok;   /* open: the tag was right; seal: 1 */
};
_Static_assert(sizeof(struct aead_job) == 32, "two jobs a cache line");

enum aead_direction {
	AEAD_SEAL,
	AEAD_OPEN,
	AEAD_N_DIRECTIONS,
};

/*
 * One implementation. seal and open set is_ok in every job. Open zeroes the n_bytes of a job whose
 * tag is wrong: plain text of a forged message is never released. It may stand in the data until
 * open returns, so nobody else may read them meanwhile. Seal clears is_ok and zeroes the data only
 * should the library fail: such a message must be dropped. Neither allocates, logs or keeps a key
 * in the state after it returns, nor writes any data but a job's own n_bytes and, sealing, its tag:
 * another thread may work on what stands beside them. n may be 0 and has no upper bound. A state is
 * one thread's.
 */
struct aead_backend {
	const char *name;
	const char *needs; /* what a machine lacks when it is not supported: "AVX-512 with IFMA" */
	bool (*is_supported)(void);
	void *(*create)(void); /* NULL: no memory, or the library's own test failed */
	void (*destroy)(void *state);
	void (*seal)(void *state, struct aead_job *jobs, unsigned n);
	void (*open)(void *state, struct aead_job *jobs, unsigned n);
	/*
	 * Any nonce and associated data through the same code, for known answers. May be NULL.
	 * They keep to aead_seal and aead_open of crypto/aead.h; seal_one gives 0 or -EIO.
	 */
	int (*seal_one)(void *state, const uint8_t key[AEAD_KEY_BYTES],
		const uint8_t nonce[AEAD_NONCE_BYTES], const struct aead_message *m);
	int (*open_one)(void *state, const uint8_t key[AEAD_KEY_BYTES],
		const uint8_t nonce[AEAD_NONCE_BYTES], const struct aead_message *m);
};

/* Every backend of this build, the best first, the portable one last, then NULL. */
extern const struct aead_backend *const aead_backends[];
/* RFC 8439's vector, then bursts of mixed lengths and keys against libsodium. 0, -ENOMEM, -EIO. */
int aead_self_test(const struct aead_backend *backend, struct err *err)
	__attribute__((warn_unused_result));

enum {
	AEAD_SMALL_MAX_JOBS = 8,  /* by number, so many bursts differ; all longer ones are alike */
	AEAD_SIZE_CLASSES = 6,    /* of the mean n_bytes: to 64, 128, 256, 512, 1024, and beyond */
	AEAD_SIZE_MIN_BYTES = 64, /* of the first class; each next one goes to twice as much */
	AEAD_SIZE_MAX_JOBS = 64,  /* of a longer burst the first so many tell the class */
};

/* Which bursts a second backend does, because it measured cheaper at them: mostly small ones. */
struct aead_second {
	const struct aead_backend *backend; /* NULL: none, and the rest is 0 */
	uint32_t max_jobs;                  /* the longest burst that it does */
	/* Bit n: bursts of n; bit 0: all that are longer than AEAD_SMALL_MAX_JOBS. */
	uint16_t jobs[AEAD_N_DIRECTIONS][AEAD_SIZE_CLASSES];
};

/*
 * What was chosen, and why, in sentences for a person. Made once by aead_choose and read-only from
 * then on. With nothing but .backend set it is that backend alone, as benches and tests want it.
 */
struct aead_choice {
	const struct aead_backend *backend;
	struct aead_second second;
	char why[384];
	char second_why[320]; /* of second.backend, or of there being none */
};

/* The choice and its states: one a thread, by that thread alone. */
struct aead {
	const struct aead_backend *backend;
	void *state;
	void *second_state; /* NULL without second.backend */
	struct aead_second second;
};

/* 0 or -ENOMEM. The choice is copied. */
int aead_create(struct aead *a, const struct aead_choice *choice, struct err *err)
	__attribute__((warn_unused_result));
/* Wipes and frees the states. A zeroed struct aead is left alone. */
void aead_destroy(struct aead *a);

/* The class of a burst by its mean length; no division, n times each edge is compared. */
static inline unsigned
aead_size_class(const struct aead_job *jobs, unsigned n)
{
	uint32_t sum = 0;
	unsigned class = 0;

	n = MIN_OF(n, (unsigned)AEAD_SIZE_MAX_JOBS);
	for (unsigned i = 0; i < n; i++)
		sum += jobs[i].n_bytes;
	for (unsigned i = 0; i < AEAD_SIZE_CLASSES - 1; i++)
		class += sum > (n * AEAD_SIZE_MIN_BYTES) << i;
	return class;
}

/* Whether the second backend does this burst. One comparison where it does none of that length. */
static inline bool
aead_is_second(const struct aead_second *s, enum aead_direction d, const struct aead_job *jobs,
	unsigned n)
{
	if (n > s->max_jobs)
		return false;
	unsigned bit = n <= AEAD_SMALL_MAX_JOBS ? n : 0;
	return s->jobs[d][aead_size_class(jobs, n)] >> bit & 1;
}

static inline void
aead_seal_burst(struct aead *a, struct aead_job *jobs, unsigned n)
{
	if (aead_is_second(&a->second, AEAD_SEAL, jobs, n))
		a->second.backend->seal(a->second_state, jobs, n);
	else
		a->backend->seal(a->state, jobs, n);
}

static inline void
aead_open_burst(struct aead *a, struct aead_job *jobs, unsigned n)
{
	if (aead_is_second(&a->second, AEAD_OPEN, jobs, n))
		a->second.backend->open(a->second_state, jobs, n);
	else
		a->backend->open(a->state, jobs, n);
}
