/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Secrets: wiped on every way out, compared in constant time, never logged.
 *
 * secret_is_secret and secret_is_public tell the constant-time runs of tests/ct which bytes no
 * branch and no address may depend on. They are built with HG_CT_CHECK and run under valgrind,
 * which then takes secrets for undefined memory; everywhere else the two do nothing.
 */
#pragma once

#include <sodium/randombytes.h>
#include <sodium/utils.h>
#include <stdbool.h>
#include <stddef.h>
#ifdef HG_CT_CHECK
#include <valgrind/memcheck.h>
#endif

/* From here on n_bytes at p are secret, and so is what is computed of them. */
static inline void
secret_is_secret(const void *p, size_t n_bytes)
{
#ifdef HG_CT_CHECK
	VALGRIND_MAKE_MEM_UNDEFINED(p, n_bytes);
#endif
}

/*
 * n_bytes at p may be branched on although they were computed of secrets: whether a tag was right,
 * for all the world sees what becomes of the message. Say why at each call.
 */
static inline void
secret_is_public(const void *p, size_t n_bytes)
{
#ifdef HG_CT_CHECK
	VALGRIND_MAKE_MEM_DEFINED(p, n_bytes);
#endif
}

/* Overwrites n_bytes with zeros; the compiler may not leave it out. */
static inline void
secret_wipe(void *p, size_t n_bytes)
{
	sodium_memzero(p, n_bytes);
}

/* Whether n_bytes are equal, in time that depends on n_bytes alone. */
static inline bool
secret_is_equal(const void *a, const void *b, size_t n_bytes)
{
	int differ = sodium_memcmp(a, b, n_bytes);

	/* What is done with a wrong tag or mac shows anyway; where they differ stays unknown. */
	secret_is_public(&differ, sizeof(differ));
	return differ == 0;
}

static inline bool
secret_is_zero(const void *a, size_t n_bytes)
{
	return sodium_is_zero(a, n_bytes) == 1;
}

/* n_bytes from the system's generator. Not for workers: it may call the kernel. */
static inline void
secret_random(void *out, size_t n_bytes)
{
	randombytes_buf(out, n_bytes);
}
