/* SPDX-License-Identifier: BSD-3-Clause */
/* Secrets: wiped on every way out, compared in constant time, never logged. */
#pragma once

#include <sodium/randombytes.h>
#include <sodium/utils.h>
#include <stdbool.h>
#include <stddef.h>

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
	return sodium_memcmp(a, b, n_bytes) == 0;
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
