/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many messages at once: the interface through which the packet path seals and opens. A burst is
 * an array of jobs whose keys, lengths and alignments may all differ; a backend is free to mix
 * their blocks in its SIMD lanes. Associated data is empty and the nonce is a counter, as in
 * WireGuard's data packets (whitepaper 5.4.6).
 *
 * Start: crypto_init, then aead_choose once; every thread makes its own struct aead of the choice.
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

/*
 * One implementation. seal and open set is_ok in every job. Open zeroes the n_bytes of a job whose
 * tag is wrong: plain text of a forged message is never released. Seal clears is_ok and zeroes the
 * data only should the library fail: such a message must be dropped. Neither allocates, logs or
 * keeps a key after it returns; n may be 0 and has no upper bound. A state is one thread's.
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

/*
 * Picks the first backend that the machine supports and that passes its self-test; those passed
 * over are logged with the reason. A forced name is taken or refused, never replaced: -ENOENT
 * (the sentence lists the known names), -ENOTSUP, -EIO. Once, at start, by the main thread.
 */
int aead_choose(const char *forced_name, const struct aead_backend **out, struct err *err)
	__attribute__((warn_unused_result));
/* The same over another table that ends with NULL; for tests. */
int aead_choose_from(const struct aead_backend *const *table, const char *forced_name,
	const struct aead_backend **out, struct err *err) __attribute__((warn_unused_result));
/* RFC 8439's vector, then bursts of mixed lengths and keys against libsodium. 0, -ENOMEM, -EIO. */
int aead_self_test(const struct aead_backend *backend, struct err *err)
	__attribute__((warn_unused_result));

/* A backend and its state: one a thread, by that thread alone. */
struct aead {
	const struct aead_backend *backend;
	void *state;
};

/* 0 or -ENOMEM. */
int aead_create(struct aead *a, const struct aead_backend *backend, struct err *err)
	__attribute__((warn_unused_result));
/* Wipes and frees the state. A zeroed struct aead is left alone. */
void aead_destroy(struct aead *a);

static inline void
aead_seal_burst(struct aead *a, struct aead_job *jobs, unsigned n)
{
	a->backend->seal(a->state, jobs, n);
}

static inline void
aead_open_burst(struct aead *a, struct aead_job *jobs, unsigned n)
{
	a->backend->open(a->state, jobs, n);
}
