/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Netlink attributes, read without trust: a list of {length, type, payload} is indexed by type,
 * each length checked against what is left. A getter that meets a payload of the wrong size marks
 * the list bad, so a parser asks for all it wants and checks `bad` once. No alignment is assumed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum { ATTRS_MAX = 64 };

struct attr {
	const uint8_t *data; /* NULL: not there */
	uint16_t n_bytes;
};

struct attrs {
	struct attr at[ATTRS_MAX];
	uint64_t seen; /* bit t: an attribute of type t is there */
	bool bad;
};

/* Indexes the attributes of a list; the data must outlive out. Types past 63 are left out. */
void attrs_read(struct attrs *out, const void *data, size_t n_bytes);

static inline bool
attrs_has(const struct attrs *a, unsigned type)
{
	return a->seen >> type & 1;
}

/* The value of an attribute of exactly that size, or fallback when there is none. */
uint8_t attrs_u8(struct attrs *a, unsigned type, uint8_t fallback);
uint16_t attrs_u16(struct attrs *a, unsigned type, uint16_t fallback);
uint32_t attrs_u32(struct attrs *a, unsigned type, uint32_t fallback);
/* An address of the family's size; one of family ADDR_NONE when there is none. */
struct addr attrs_addr(struct attrs *a, unsigned type, uint8_t family);
/* A device name or the like, which must end within cap bytes; empty when there is none. */
void attrs_text(struct attrs *a, unsigned type, char *out, size_t cap_bytes);
/* The list nested in an attribute; an empty one when there is none. A bad one makes a bad. */
void attrs_nested(struct attrs *a, unsigned type, struct attrs *out);
