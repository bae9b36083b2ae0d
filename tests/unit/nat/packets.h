/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets with right checksums, and the plainest check of them: both from scratch, all bytes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "wire/ip.h"

struct made {
	uint8_t bytes[512];
	uint32_t n_bytes;
	uint8_t family;
};

static inline uint16_t
plain_sum(uint32_t sum, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (n & 1)
		sum += (uint32_t)(p[n - 1] << 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static inline uint32_t
header_bytes_of(const struct made *m)
{
	return m->family == ADDR_V4 ? IPV4_BYTES : IPV6_BYTES;
}

static inline uint8_t
proto_of(const struct made *m)
{
	return m->bytes[m->family == ADDR_V4 ? 9 : 6];
}

/* The upper layer's sum, pseudo header and all; 0xffff: its checksum is right. */
static inline uint16_t
upper_sum(const struct made *m)
{
	uint32_t header = header_bytes_of(m), n = m->n_bytes - header, sum = 0;
	if (proto_of(m) != IP_PROTO_ICMP) {
		sum = n + proto_of(m);
		sum = plain_sum(sum, ip_source(m->bytes, m->family),
			2 * addr_n_bytes(m->family));
	}
	return plain_sum(sum, m->bytes + header, n);
}

static inline uint32_t
checksum_offset(const struct made *m)
{
	uint8_t proto = proto_of(m);
	return proto == IP_PROTO_TCP ? 16 : proto == IP_PROTO_UDP ? 6 : 2;
}

static inline void
finish_checksums(struct made *m)
{
	uint8_t *at = m->bytes + header_bytes_of(m) + checksum_offset(m);
	store_be16(at, 0);
	uint16_t sum = (uint16_t)~upper_sum(m);
	store_be16(at, sum ? sum : 0xffff);
	if (m->family == ADDR_V4) {
		store_be16(m->bytes + 10, 0);
		store_be16(m->bytes + 10, (uint16_t)~plain_sum(0, m->bytes, IPV4_BYTES));
	}
}

static inline bool
is_sound(const struct made *m)
{
	return upper_sum(m) == 0xffff &&
	       (m->family == ADDR_V6 || plain_sum(0, m->bytes, IPV4_BYTES) == 0xffff);
}

struct side {
	const char *address;
	uint16_t port;
};

/* upper_bytes of payload behind src's and dst's header; checksums are not there yet. */
static inline struct made
make_ip(const char *src, const char *dst, uint8_t proto, uint32_t upper_bytes)
{
	struct addr s, d;
	struct made m = {.n_bytes = 0};
	(void)addr_parse(src, &s);
	(void)addr_parse(dst, &d);
	m.family = s.family;
	m.n_bytes = header_bytes_of(&m) + upper_bytes;
	if (m.family == ADDR_V4) {
		m.bytes[0] = 0x45;
		store_be16(m.bytes + 2, (uint16_t)m.n_bytes);
		m.bytes[8] = 64;
		m.bytes[9] = proto;
	} else {
		m.bytes[0] = 0x60;
		store_be16(m.bytes + 4, (uint16_t)upper_bytes);
		m.bytes[6] = proto;
		m.bytes[7] = 64;
	}
	memcpy(m.bytes + (ip_source(m.bytes, m.family) - m.bytes), s.bytes, addr_n_bytes(s.family));
	memcpy(m.bytes + (ip_destination(m.bytes, m.family) - m.bytes), d.bytes,
		addr_n_bytes(d.family));
	return m;
}

static inline uint8_t *
upper_of(struct made *m)
{
	return m->bytes + header_bytes_of(m);
}

/* TCP with flags, or UDP, with a payload of 5. */
static inline struct made
make_ports(struct side src, struct side dst, uint8_t proto, uint8_t tcp_flags)
{
	uint32_t header = proto == IP_PROTO_TCP ? 20 : 8;
	struct made m = make_ip(src.address, dst.address, proto, header + 5);
	uint8_t *u = upper_of(&m);
	store_be16(u, src.port);
	store_be16(u + 2, dst.port);
	if (proto == IP_PROTO_TCP) {
		u[12] = 5 << 4;
		u[13] = tcp_flags;
	} else {
		store_be16(u + 4, (uint16_t)(header + 5));
	}
	memcpy(u + header, "hello", 5);
	finish_checksums(&m);
	return m;
}

static inline struct made
make_echo(const char *src, const char *dst, bool is_reply, uint16_t id)
{
	bool is_v6 = strchr(src, ':');
	struct made m = make_ip(src, dst, is_v6 ? IP_PROTO_ICMPV6 : IP_PROTO_ICMP, 12);
	uint8_t *u = upper_of(&m);
	u[0] = (uint8_t)(is_v6 ? 128 + is_reply : is_reply ? 0 : 8);
	store_be16(u + 4, id);
	finish_checksums(&m);
	return m;
}

/* An unreachable by src about a packet, of which quoted_bytes are shown, to the packet's source. */
static inline struct made
make_error(const char *src, const char *dst, const struct made *about, uint32_t quoted_bytes)
{
	bool is_v6 = strchr(src, ':');
	struct made m = make_ip(src, dst, is_v6 ? IP_PROTO_ICMPV6 : IP_PROTO_ICMP,
		8 + quoted_bytes);
	upper_of(&m)[0] = is_v6 ? 1 : 3;
	memcpy(upper_of(&m) + 8, about->bytes, quoted_bytes);
	finish_checksums(&m);
	return m;
}
