/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Backends that leak, so that the constant-time run is seen to fail: libsodium's cipher with a
 * branch on a bit of the key, a look-up by a byte of it, or a tag compared byte by byte. CT_LEAK
 * says which.
 */
#include "base/secret.h"
#include "crypto/aead_backends.h"

extern const struct aead_backend ct_leaky;

enum {
	LEAK_BRANCH = 1,
	LEAK_ADDRESS,
	LEAK_TAG,
};

static volatile unsigned sink;

static bool
is_supported(void)
{
	return true;
}

static void *
create(void)
{
	return (void *)&ct_leaky;
}

static void
destroy(void *state)
{
}

static void
leak(const struct aead_job *j)
{
	static const uint8_t table[256] = {1, 2, 3};

	if (CT_LEAK == LEAK_BRANCH && (j->key[3] & 4))
		sink++;
	if (CT_LEAK == LEAK_ADDRESS)
		sink = table[j->key[5]];
}

static bool
tag_is_equal(const uint8_t *a, const uint8_t *b)
{
	for (unsigned i = 0; i < AEAD_TAG_BYTES; i++) {
		if (a[i] != b[i])
			return false;
	}
	return true;
}

static void
seal_burst(void *state, struct aead_job *jobs, unsigned n)
{
	for (struct aead_job *j = jobs; j < jobs + n; j++)
		leak(j);
	aead_portable.seal(NULL, jobs, n);
}

static void
open_burst(void *state, struct aead_job *jobs, unsigned n)
{
	uint8_t none[AEAD_TAG_BYTES] = {0};

	for (struct aead_job *j = jobs; CT_LEAK == LEAK_TAG && j < jobs + n; j++)
		sink = tag_is_equal(j->data + j->n_bytes, none);
	aead_portable.open(NULL, jobs, n);
}

const struct aead_backend ct_leaky = {
	.name = "leaky",
	.needs = "nothing",
	.is_supported = is_supported,
	.create = create,
	.destroy = destroy,
	.seal = seal_burst,
	.open = open_burst,
};
