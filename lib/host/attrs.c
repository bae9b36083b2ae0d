/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/attrs.h"

#include <linux/netlink.h>
#include <string.h>

#include "base/bytes.h"

enum { HEADER_BYTES = 4 };

/* The next attribute, or false at the end or when the list is broken. */
static bool
next(struct cursor *c, uint16_t *type, struct attr *out)
{
	const uint8_t *h = cursor_take(c, HEADER_BYTES);
	if (!h)
		return false;
	uint16_t n = load_le16(h);
	*type = load_le16(h + 2) & NLA_TYPE_MASK;
	out->n_bytes = n - HEADER_BYTES;
	out->data = n < HEADER_BYTES ? NULL : cursor_take(c, n - HEADER_BYTES);
	if (!out->data) {
		c->failed = true;
		return false;
	}
	/* The padding of the last one may be missing. */
	cursor_take(c, MIN_OF((size_t)(-n & 3), cursor_left(c)));
	return true;
}

void
attrs_read(struct attrs *out, const void *data, size_t n_bytes)
{
	struct cursor c = cursor_of(data, n_bytes);
	struct attr attr;
	uint16_t type;
	memset(out, 0, sizeof(*out));
	while (!c.failed && cursor_left(&c) && next(&c, &type, &attr)) {
		if (type >= ATTRS_MAX)
			continue;
		out->at[type] = attr;
		out->seen |= 1ull << type;
	}
	out->bad = c.failed;
}

/* The payload when it has exactly n_bytes; NULL when it is not there or not so. */
static const uint8_t *
sized(struct attrs *a, unsigned type, size_t n_bytes)
{
	if (!attrs_has(a, type))
		return NULL;
	if (a->at[type].n_bytes == n_bytes)
		return a->at[type].data;
	a->bad = true;
	return NULL;
}

uint8_t
attrs_u8(struct attrs *a, unsigned type, uint8_t fallback)
{
	const uint8_t *p = sized(a, type, 1);
	return p ? *p : fallback;
}

uint16_t
attrs_u16(struct attrs *a, unsigned type, uint16_t fallback)
{
	const uint8_t *p = sized(a, type, 2);
	return p ? load_le16(p) : fallback;
}

uint32_t
attrs_u32(struct attrs *a, unsigned type, uint32_t fallback)
{
	const uint8_t *p = sized(a, type, 4);
	return p ? load_le32(p) : fallback;
}

struct addr
attrs_addr(struct attrs *a, unsigned type, uint8_t family)
{
	const uint8_t *p = sized(a, type, addr_n_bytes(family));
	return p ? addr_from_bytes(family, p) : (struct addr){.family = ADDR_NONE};
}

void
attrs_text(struct attrs *a, unsigned type, char *out, size_t cap_bytes)
{
	memset(out, 0, cap_bytes);
	if (!attrs_has(a, type))
		return;
	size_t n = strnlen((const char *)a->at[type].data, a->at[type].n_bytes);
	if (n >= cap_bytes) {
		a->bad = true;
		return;
	}
	memcpy(out, a->at[type].data, n);
}

void
attrs_nested(struct attrs *a, unsigned type, struct attrs *out)
{
	attrs_read(out, a->at[type].data, a->at[type].n_bytes);
	a->bad |= out->bad;
}
