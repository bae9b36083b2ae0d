/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch/pcapng.h"

#include "base/bytes.h"

enum {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_APPLICATION = 4,
	OPTION_IF_NAME = 2,
	OPTION_IF_RESOLUTION = 9,
	OPTION_FLAGS = 2,
	OPTION_IF_RECEIVED = 4,
	OPTION_IF_DROPPED = 5,
};

/* A block under way: type and length in front, the length again behind. */
struct block {
	uint8_t *start, *at;
};

static void
put_16(struct block *b, uint32_t v)
{
	store_le16(b->at, (uint16_t)v);
	b->at += 2;
}

static void
put_32(struct block *b, uint32_t v)
{
	store_le32(b->at, v);
	b->at += 4;
}

static void
put_64(struct block *b, uint64_t v)
{
	store_le64(b->at, v);
	b->at += 8;
}

static void
put_bytes(struct block *b, const void *bytes, size_t n)
{
	memcpy(b->at, bytes, n);
	memset(b->at + n, 0, -n & 3);
	b->at += n + (-n & 3);
}

/* The upper half stands first, whatever the byte order. */
static void
put_time(struct block *b, uint64_t time_ns)
{
	put_32(b, (uint32_t)(time_ns >> 32));
	put_32(b, (uint32_t)time_ns);
}

static void
put_option(struct block *b, uint16_t code, const void *value, size_t n)
{
	put_16(b, code);
	put_16(b, (uint32_t)n);
	put_bytes(b, value, n);
}

static void
put_text(struct block *b, uint16_t code, const char *text)
{
	size_t n = strnlen(text, PCAPNG_TEXT_BYTES);
	if (n)
		put_option(b, code, text, n);
}

static void
put_count(struct block *b, uint16_t code, uint64_t n)
{
	uint8_t value[8];
	store_le64(value, n);
	put_option(b, code, value, sizeof(value));
}

static struct block
begin(uint8_t *out, uint32_t type)
{
	struct block b = {out, out};
	put_32(&b, type);
	put_32(&b, 0);
	return b;
}

static size_t
end(struct block *b)
{
	put_32(b, OPTION_END);
	uint32_t n = (uint32_t)(b->at - b->start) + 4;
	put_32(b, n);
	store_le32(b->start + 4, n);
	return n;
}

size_t
pcapng_section(uint8_t *out, const char *application)
{
	struct block b = begin(out, PCAPNG_SECTION);
	put_32(&b, 0x1a2b3c4d);
	put_16(&b, 1);
	put_16(&b, 0);
	put_64(&b, UINT64_MAX); /* how long the section is, is not said */
	put_text(&b, OPTION_APPLICATION, application);
	return end(&b);
}

size_t
pcapng_interface(uint8_t *out, const struct pcapng_interface *i)
{
	const uint8_t nanoseconds = 9;
	struct block b = begin(out, PCAPNG_INTERFACE);
	put_16(&b, i->link_type);
	put_16(&b, 0);
	put_32(&b, i->snap_bytes);
	put_text(&b, OPTION_IF_NAME, i->name);
	put_option(&b, OPTION_IF_RESOLUTION, &nanoseconds, 1);
	return end(&b);
}

size_t
pcapng_packet(uint8_t *out, const struct pcapng_packet *p)
{
	uint8_t flags[4];
	struct block b = begin(out, PCAPNG_PACKET);
	put_32(&b, p->interface);
	put_time(&b, p->time_ns);
	put_32(&b, p->n_captured);
	put_32(&b, p->n_bytes);
	put_bytes(&b, p->bytes, p->n_captured);
	store_le32(flags, p->direction);
	put_option(&b, OPTION_FLAGS, flags, sizeof(flags));
	put_text(&b, OPTION_COMMENT, p->comment);
	return end(&b);
}

size_t
pcapng_statistics(uint8_t *out, const struct pcapng_statistics *s)
{
	struct block b = begin(out, PCAPNG_STATISTICS);
	put_32(&b, s->interface);
	put_time(&b, s->time_ns);
	put_count(&b, OPTION_IF_RECEIVED, s->n_received);
	put_count(&b, OPTION_IF_DROPPED, s->n_dropped);
	return end(&b);
}
