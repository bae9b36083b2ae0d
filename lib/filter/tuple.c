/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter/tuple.h"

#include "wire/upper.h"

enum {
	/* The longest IPv4 header and the shortest of TCP: before this a fragment may hide one. */
	LATER_MIN_OFFSET_BYTES = 60 + 20,

	TCP_MIN_BYTES = 20,
	TCP_FLAGS_AT = 13,
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_ACK = 16,
	SCTP_MIN_BYTES = 12,
	ICMP_MIN_BYTES = 4,
};

/* Echo reply, unreachable, time exceeded, parameter problem; in IPv6 packet too big as well. */
static bool
icmp_is_answer(uint8_t family, uint8_t type)
{
	if (family == ADDR_V4)
		return type == 0 || type == 3 || type == 11 || type == 12;
	return type == 129 || (type >= 1 && type <= 4);
}

static void
parse_tcp(const uint8_t *at, struct tuple *out)
{
	uint8_t flags = at[TCP_FLAGS_AT];
	out->kind = (flags & (TCP_SYN | TCP_ACK)) == TCP_SYN ? TUPLE_TCP_OPENING : TUPLE_TCP;
	out->ends_tcp = (flags & (TCP_FIN | TCP_RST)) != 0;
}

/* at: n_bytes from the transport header on. */
static inline void
parse_upper(const uint8_t *at, uint32_t n_bytes, struct tuple *out)
{
	bool is_tcp = out->proto == IP_PROTO_TCP, is_udp = out->proto == IP_PROTO_UDP;
	bool is_icmp = out->proto == (out->family == ADDR_V4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6);
	if (is_tcp || is_udp || out->proto == IP_PROTO_SCTP) {
		uint32_t least = is_tcp ? TCP_MIN_BYTES : is_udp ? UDP_BYTES : SCTP_MIN_BYTES;
		if (n_bytes < least)
			return;
		out->src_port = load_be16(at);
		out->dst_port = load_be16(at + 2);
		out->kind = TUPLE_DATAGRAM;
		if (is_tcp)
			parse_tcp(at, out);
	} else if (is_icmp) {
		if (n_bytes >= ICMP_MIN_BYTES)
			out->kind = icmp_is_answer(out->family, at[0]) ? TUPLE_ICMP_ANSWER
								       : TUPLE_ICMP;
	} else if (out->family == ADDR_V4 || !ip_upper_is_extension(out->proto)) {
		out->kind = TUPLE_OTHER;
	}
}

static inline uint8_t
kind_of_later(uint32_t offset_bytes)
{
	return offset_bytes >= LATER_MIN_OFFSET_BYTES ? TUPLE_LATER : TUPLE_BROKEN;
}

static inline void
parse_v4(const uint8_t *ip, uint32_t n_bytes, struct tuple *out)
{
	uint32_t offset = (load_be16(ip + 6) & 0x1fffu) * 8;
	uint32_t header = ipv4_header_bytes(ip);
	out->proto = ip[9];
	if (unlikely_true(offset != 0))
		out->kind = kind_of_later(offset);
	else
		parse_upper(ip + header, n_bytes - header, out);
}

static inline void
parse_v6(const uint8_t *ip, uint32_t n_bytes, struct tuple *out)
{
	const uint8_t *at = ip + IPV6_BYTES;
	n_bytes -= IPV6_BYTES;
	out->proto = ip[6];
	if (unlikely_true(out->proto == IP_PROTO_FRAGMENT)) {
		if (n_bytes < IPV6_FRAGMENT_BYTES)
			return;
		out->proto = at[0];
		uint32_t offset = load_be16(at + 2) & 0xfff8u;
		if (offset) {
			out->kind = kind_of_later(offset);
			return;
		}
		at += IPV6_FRAGMENT_BYTES;
		n_bytes -= IPV6_FRAGMENT_BYTES;
	}
	parse_upper(at, n_bytes, out);
}

void
tuple_parse_any(const uint8_t *ip, uint8_t family, uint32_t n_bytes, struct tuple *out)
{
	*out = (struct tuple){
		.src = ip_source(ip, family),
		.dst = ip_destination(ip, family),
		.family = family,
		.kind = TUPLE_BROKEN,
	};
	if (family == ADDR_V4)
		parse_v4(ip, n_bytes, out);
	else
		parse_v6(ip, n_bytes, out);
}
