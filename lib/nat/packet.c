/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat/packet.h"

#include <stddef.h>

#include "wire/ip.h"
#include "wire/upper.h"

enum {
	TCP_MIN_BYTES = 20,
	TCP_FLAGS_AT = 13,
	TCP_CHECKSUM_AT = 16,
	UDP_CHECKSUM_AT = 6,
	ICMP_BYTES = 8,
	ICMP_CHECKSUM_AT = 2,
	ICMP_ID_AT = 4,
	QUOTED_UPPER_BYTES = 8, /* RFC 792: that much at least is quoted */
	IPV4_CHECKSUM_AT = 10,
};

/* ---- Reading ---- */

static bool
is_icmp(const struct nat_header *h)
{
	return h->proto == (h->family == ADDR_V4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6);
}

/* Unreachable, time exceeded, parameter problem; in IPv6 packet too big as well. */
static bool
icmp_is_error(uint8_t family, uint8_t type)
{
	if (family == ADDR_V4)
		return type == 3 || type == 11 || type == 12;
	return type >= 1 && type <= 4;
}

static uint8_t
icmp_kind(const struct nat_header *h)
{
	uint8_t type = h->upper[0];
	if (icmp_is_error(h->family, type))
		return NAT_KIND_ERROR;
	if (type == (h->family == ADDR_V4 ? 8 : 128))
		return NAT_KIND_ASKS;
	return type == (h->family == ADDR_V4 ? 0 : 129) ? NAT_KIND_ANSWERS : NAT_KIND_OTHER;
}

/* upper_bytes are there, of a header that may be cut only if it is quoted. */
static void
read_upper(struct nat_header *h, bool is_quoted)
{
	bool is_tcp = h->proto == IP_PROTO_TCP, is_udp = h->proto == IP_PROTO_UDP;
	uint32_t least = is_tcp && !is_quoted ? TCP_MIN_BYTES : QUOTED_UPPER_BYTES;
	if (!is_tcp && !is_udp && !is_icmp(h))
		return;
	h->kind = NAT_KIND_BROKEN;
	if (h->upper_bytes < least)
		return;
	if (is_icmp(h)) {
		h->kind = icmp_kind(h);
		h->src_port = h->dst_port = load_be16(h->upper + ICMP_ID_AT);
		return;
	}
	h->kind = NAT_KIND_PORTS;
	h->src_port = load_be16(h->upper);
	h->dst_port = load_be16(h->upper + 2);
	h->tcp_flags = is_tcp && !is_quoted ? h->upper[TCP_FLAGS_AT] : 0;
}

/* ip: the family's header is there, and n_bytes in all. */
static void
read_header(uint8_t *ip, uint8_t family, uint32_t n_bytes, bool is_quoted, struct nat_header *h)
{
	enum { EXT_FRAGMENT = 44 };
	struct ip_upper upper;
	*h = (struct nat_header){.ip = ip, .family = family, .kind = NAT_KIND_BROKEN};
	if (!ip_upper_find(ip, family, n_bytes, &upper))
		return;
	bool is_piece = family == ADDR_V4 ? ipv4_is_fragment(ip) : ip[6] == EXT_FRAGMENT;
	h->proto = upper.proto;
	h->upper = ip + upper.offset;
	h->upper_bytes = n_bytes - upper.offset;
	h->kind = NAT_KIND_OTHER;
	if (!upper.is_later_fragment)
		read_upper(h, is_quoted);
	/* An error about a packet that was cut tells its ports if it quotes the first piece. */
	if (upper.is_later_fragment || (is_piece && !is_quoted))
		h->kind = NAT_KIND_FRAGMENT;
}

void
nat_parse(uint8_t *ip, uint8_t family, uint32_t n_bytes, struct nat_packet *out)
{
	struct nat_header *h = &out->outer;
	read_header(ip, family, n_bytes, false, h);
	if (h->kind != NAT_KIND_ERROR)
		return;
	uint8_t *quoted = h->upper + ICMP_BYTES;
	uint32_t left = h->upper_bytes - ICMP_BYTES;
	if (left < (family == ADDR_V4 ? IPV4_BYTES : IPV6_BYTES) ||
		ip_version(quoted) != family) {
		h->kind = NAT_KIND_BROKEN;
		return;
	}
	read_header(quoted, family, left, true, &out->quoted);
}

/* ---- Writing ---- */

/*
 * What checksums have to follow: the sum of all words, in memory order, that have become others,
 * as ~old + new (RFC 1624, equation 3). Every field stands at an even offset of its header, and
 * headers at even offsets of each other.
 */
struct delta {
	uint64_t sum;
};

static void
put16(uint8_t *at, uint16_t now, struct delta *d)
{
	d->sum += (uint16_t)~load_le16(at);
	d->sum += now;
	store_le16(at, now);
}

static void
put_address(uint8_t *at, const uint8_t *address, uint8_t family, struct delta *d)
{
	for (unsigned i = 0; i < addr_n_bytes(family); i += 2)
		put16(at + i, load_le16(address + i), d);
}

/* The field at `at` follows; what that changes in turn goes into `outer` (NULL: nowhere). */
static void
follow(uint8_t *at, const struct delta *d, struct delta *outer)
{
	struct delta nowhere = {0};
	uint64_t sum = (uint16_t)~load_le16(at) + d->sum;
	put16(at, (uint16_t)~ip_sum_fold(sum), outer ? outer : &nowhere);
}

/* 0: it has none that is there. */
static uint32_t
checksum_at(const struct nat_header *h)
{
	uint32_t at = h->proto == IP_PROTO_TCP ? TCP_CHECKSUM_AT :
		h->proto == IP_PROTO_UDP ? UDP_CHECKSUM_AT : ICMP_CHECKSUM_AT;
	return at + 2 <= h->upper_bytes ? at : 0;
}

/* The upper layer's checksum, of which address is a part but in ICMPv4. */
static void
follow_upper(const struct nat_header *h, const struct delta *address, const struct delta *port,
	struct delta *outer)
{
	uint32_t at = checksum_at(h);
	struct delta d = {port->sum + (h->proto == IP_PROTO_ICMP ? 0 : address->sum)};
	bool is_udp = h->proto == IP_PROTO_UDP;
	if (!at || (is_udp && !load_le16(h->upper + at)))
		return; /* cut off; or the sender made none (RFC 768) */
	follow(h->upper + at, &d, outer);
	if (is_udp && !load_le16(h->upper + at))
		put16(h->upper + at, UINT16_MAX, outer ? outer : &(struct delta){0});
}

static uint8_t *
source_of(const struct nat_header *h)
{
	return h->ip + (ip_source(h->ip, h->family) - h->ip);
}

static uint8_t *
destination_of(const struct nat_header *h)
{
	return h->ip + (ip_destination(h->ip, h->family) - h->ip);
}

/* The address at `at` of h and, if port_at is, the port there; outer takes all changes in it. */
static void
put_end(const struct nat_header *h, uint8_t *at, uint8_t *port_at, const struct nat_end *end,
	struct delta *outer)
{
	struct delta address = {0}, port = {0}, inner = {0};
	put_address(at, end->address, h->family, &address);
	if (port_at)
		put16(port_at, __builtin_bswap16(end->port), &port);
	if (h->family == ADDR_V4)
		follow(h->ip + IPV4_CHECKSUM_AT, &address, &inner);
	follow_upper(h, &address, &port, &inner);
	if (outer)
		outer->sum += address.sum + port.sum + inner.sum;
}

/* Where the port of an end stands. */
static uint8_t *
port_of(const struct nat_header *h, bool is_source)
{
	if (is_icmp(h))
		return h->upper + ICMP_ID_AT;
	return is_source ? h->upper : h->upper + 2;
}

void
nat_set_source(struct nat_packet *p, const struct nat_end *end)
{
	struct nat_header *h = &p->outer;
	put_end(h, source_of(h), port_of(h, true), end, NULL);
}

void
nat_set_destination(struct nat_packet *p, const struct nat_end *end)
{
	struct nat_header *h = &p->outer;
	put_end(h, destination_of(h), port_of(h, false), end, NULL);
}

/* The quoted packet has changed: the error's own checksum follows. */
static void
follow_error(struct nat_header *h, const struct delta *quoted)
{
	follow(h->upper + ICMP_CHECKSUM_AT, quoted, NULL);
}

void
nat_set_error_in(struct nat_packet *p, const struct nat_end *end)
{
	struct nat_header *h = &p->outer, *q = &p->quoted;
	struct delta changed = {0};
	put_end(q, source_of(q), port_of(q, true), end, &changed);
	follow_error(h, &changed);
	put_end(h, destination_of(h), NULL, end, NULL);
}

void
nat_set_error_out(struct nat_packet *p, const struct nat_end *end, bool keeps_source)
{
	struct nat_header *h = &p->outer, *q = &p->quoted;
	struct delta changed = {0};
	put_end(q, destination_of(q), port_of(q, false), end, &changed);
	follow_error(h, &changed);
	if (!keeps_source)
		put_end(h, source_of(h), NULL, end, NULL);
}
