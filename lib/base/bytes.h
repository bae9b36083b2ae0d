/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes of the wire. Loads and stores of a stated byte order at any alignment, and a cursor
 * through which every parser reads: it never moves past its end, and once it has failed it
 * stays failed, so a parser checks it once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CACHE_LINE_BYTES 64
#define ALIGNED_LINE __attribute__((aligned(CACHE_LINE_BYTES)))
#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define likely_true(x) __builtin_expect(!!(x), 1)
#define unlikely_true(x) __builtin_expect(!!(x), 0)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "byte order of the host");

#define BYTES_LOAD_STORE(bits)                                                                     \
	static inline uint##bits##_t load_le##bits(const void *p)                                  \
	{                                                                                          \
		uint##bits##_t v;                                                                  \
		memcpy(&v, p, sizeof(v));                                                          \
		return v;                                                                          \
	}                                                                                          \
	static inline void store_le##bits(void *p, uint##bits##_t v)                               \
	{                                                                                          \
		memcpy(p, &v, sizeof(v));                                                          \
	}                                                                                          \
	static inline uint##bits##_t load_be##bits(const void *p)                                  \
	{                                                                                          \
		return __builtin_bswap##bits(load_le##bits(p));                                    \
	}                                                                                          \
	static inline void store_be##bits(void *p, uint##bits##_t v)                               \
	{                                                                                          \
		store_le##bits(p, __builtin_bswap##bits(v));                                       \
	}
BYTES_LOAD_STORE(16)
BYTES_LOAD_STORE(32)
BYTES_LOAD_STORE(64)
#undef BYTES_LOAD_STORE

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

static inline struct cursor
cursor_of(const void *data, size_t n_bytes)
{
	/* No bytes at all may come as NULL, to which C lets nobody add, not even 0. */
	const uint8_t *p = data ? data : (const uint8_t *)"";
	return (struct cursor){.at = p, .end = p + (data ? n_bytes : 0)};
}

static inline size_t
cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

/* The next n_bytes, or NULL (and the cursor has failed) when fewer are left. */
static inline const uint8_t *
cursor_take(struct cursor *c, size_t n_bytes)
{
	if (c->failed || cursor_left(c) < n_bytes) {
		c->failed = true;
		return NULL;
	}
	const uint8_t *p = c->at;
	c->at += n_bytes;
	return p;
}

static inline uint8_t
cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 1);
	return p ? *p : 0;
}

static inline uint16_t
cursor_be16(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 2);
	return p ? load_be16(p) : 0;
}

static inline uint32_t
cursor_le32(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 4);
	return p ? load_le32(p) : 0;
}

/* Copies n_bytes to out; on failure out is zeroed. */
static inline void
cursor_copy(struct cursor *c, void *out, size_t n_bytes)
{
	const uint8_t *p = cursor_take(c, n_bytes);
	if (p)
		memcpy(out, p, n_bytes);
	else
		memset(out, 0, n_bytes);
}
