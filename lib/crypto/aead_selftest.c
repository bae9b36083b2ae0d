/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The test that a backend passes before it may carry traffic: RFC 8439's own vector, which also
 * holds for the oracle (libsodium), then one burst of mixed lengths and keys against the oracle,
 * sealed, opened, and opened once more with a bit of every tag turned. Some 20 kB, a few
 * milliseconds at most.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/aead_backends.h"

/* Around each edge of a 16-byte, 64-byte and 16-lane block, and what a wire carries. */
static const uint16_t lengths[] = {0, 1, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128, 129,
	192, 255, 256, 257, 512, 576, 960, 1023, 1024, 1025, 1280, 1408, 1424, 1425, 1440, 2048};
enum {
	N_JOBS = ARRAY_COUNT(lengths),
	DATA_BYTES = 2048 + AEAD_TAG_BYTES,
};

struct trial {
	struct aead_job jobs[N_JOBS];
	uint8_t keys[N_JOBS][AEAD_KEY_BYTES];
	uint8_t plain[N_JOBS][DATA_BYTES];
	uint8_t sealed[N_JOBS][DATA_BYTES]; /* by the oracle */
	uint8_t data[N_JOBS][DATA_BYTES];   /* by the backend, in place */
};

/* RFC 8439 section 2.8.2. */
static const char rfc_plain[] = "Ladies and Gentlemen of the class of '99: If I could offer you "
				"only one tip for the future, sunscreen would be it.";
static const uint8_t rfc_aad[12] = {
	0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7};
static const uint8_t rfc_nonce[12] = {
	0x07, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47};
static const uint8_t rfc_tag[16] = {0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a, 0x7e, 0x90,
	0x2e, 0xcb, 0xd0, 0x60, 0x06, 0x91};
enum {
	RFC_BYTES = sizeof(rfc_plain) - 1,
};

/* The tag covers every byte of the cipher text, so it alone is kept here. */
static bool
rfc_vector_holds(const struct aead_backend *b, void *state)
{
	uint8_t key[AEAD_KEY_BYTES], sealed[RFC_BYTES + AEAD_TAG_BYTES];
	uint8_t opened[RFC_BYTES];
	struct aead_message m = {
		rfc_aad, sizeof(rfc_aad), (const uint8_t *)rfc_plain, RFC_BYTES, sealed};

	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(0x80 + i);
	if (b->seal_one(state, key, rfc_nonce, &m) < 0 ||
		memcmp(sealed + RFC_BYTES, rfc_tag, sizeof(rfc_tag)) != 0)
		return false;
	m.in = sealed;
	m.in_bytes = sizeof(sealed);
	m.out = opened;
	if (b->open_one(state, key, rfc_nonce, &m) < 0 || memcmp(opened, rfc_plain, RFC_BYTES) != 0)
		return false;
	sealed[0] ^= 1;
	return b->open_one(state, key, rfc_nonce, &m) == -EBADMSG;
}

static void
lay_out(struct trial *t)
{
	for (unsigned i = 0; i < N_JOBS; i++) {
		struct aead_job *j = &t->jobs[i];

		*j = (struct aead_job){.key = t->keys[i],
			.data = t->data[i],
			.counter = (i % 2 ? 0xfffffffful : 0x0102030405060708ul) + i,
			.n_bytes = lengths[i]};
		memset(t->keys[i], (int)(i * 7 + 1), AEAD_KEY_BYTES);
		for (unsigned k = 0; k < lengths[i]; k++)
			t->plain[i][k] = (uint8_t)(k * 31 + i);
		uint8_t nonce[AEAD_NONCE_BYTES];
		aead_nonce_of_counter(nonce, j->counter);
		aead_seal(j->key, nonce,
			&(struct aead_message){
				.in = t->plain[i], .in_bytes = j->n_bytes, .out = t->sealed[i]});
		memcpy(t->data[i], t->plain[i], j->n_bytes);
	}
}

/* The first job that does not hold what it should, or N_JOBS. */
static unsigned
first_wrong(const struct trial *t, uint8_t (*want)[DATA_BYTES], unsigned tag_bytes)
{
	for (unsigned i = 0; i < N_JOBS; i++) {
		const struct aead_job *j = &t->jobs[i];

		if (!j->is_ok || memcmp(j->data, want[i], j->n_bytes + tag_bytes) != 0)
			return i;
	}
	return N_JOBS;
}

/* The first job that was taken, or left anything behind, although its tag is wrong; or N_JOBS. */
static unsigned
first_forged(const struct trial *t)
{
	for (unsigned i = 0; i < N_JOBS; i++) {
		if (t->jobs[i].is_ok || !secret_is_zero(t->jobs[i].data, t->jobs[i].n_bytes))
			return i;
	}
	return N_JOBS;
}

static int
test_bursts(const struct aead_backend *b, void *state, struct trial *t, struct err *err)
{
	unsigned at;

	lay_out(t);
	b->seal(state, t->jobs, N_JOBS);
	if ((at = first_wrong(t, t->sealed, AEAD_TAG_BYTES)) < N_JOBS)
		return err_set(err, -EIO,
			"aead backend %s: self-test failed: seals %u bytes wrongly", b->name,
			lengths[at]);
	b->open(state, t->jobs, N_JOBS);
	if ((at = first_wrong(t, t->plain, 0)) < N_JOBS)
		return err_set(err, -EIO,
			"aead backend %s: self-test failed: opens %u bytes wrongly", b->name,
			lengths[at]);
	for (unsigned i = 0; i < N_JOBS; i++) {
		memcpy(t->data[i], t->sealed[i], lengths[i] + AEAD_TAG_BYTES);
		t->data[i][lengths[i] + i % AEAD_TAG_BYTES] ^= (uint8_t)(1u << i % 8);
	}
	b->open(state, t->jobs, N_JOBS);
	if ((at = first_forged(t)) < N_JOBS)
		return err_set(err, -EIO,
			"aead backend %s: self-test failed: takes a forged "
			"message of %u bytes",
			b->name, lengths[at]);
	return 0;
}

int
aead_self_test(const struct aead_backend *backend, struct err *err)
{
	struct aead a;
	struct trial *t = calloc(1, sizeof(*t));

	if (!t)
		return err_set(err, -ENOMEM, "aead backend %s: no memory for its self-test",
			backend->name);
	int r = aead_create(&a, &(struct aead_choice){.backend = backend}, err);
	if (r < 0)
		goto out;
	if (!rfc_vector_holds(&aead_portable, NULL) ||
		(backend->seal_one && !rfc_vector_holds(backend, a.state)))
		r = err_set(err, -EIO, "aead backend %s: self-test failed: RFC 8439's vector",
			backend->name);
	else
		r = test_bursts(backend, a.state, t, err);
	aead_destroy(&a);
out:
	free(t);
	return r;
}
