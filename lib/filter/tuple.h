/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the filter looks at of an IP packet: who, to whom, and with what. Fragments and extension
 * headers are judged as Tailscale's clients judge them, so that a policy has one meaning
 * everywhere: a later fragment that cannot hold a transport header passes, for without its first
 * one it is of no use; in IPv6 nothing but one fragment header may stand before the transport's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "wire/ip.h"

enum tuple_kind {
	TUPLE_BROKEN,      /* shorter than its headers, or headers that hide what it is */
	TUPLE_LATER,       /* a later fragment */
	TUPLE_TCP_OPENING, /* SYN without ACK */
	TUPLE_TCP,
	TUPLE_DATAGRAM,    /* UDP and SCTP: ports, and state of ours */
	TUPLE_ICMP_ANSWER, /* an echo reply or an error */
	TUPLE_ICMP,
	TUPLE_OTHER,
};

struct tuple {
	const uint8_t *src, *dst; /* in the packet: 4 or 16 bytes */
	uint16_t src_port, dst_port; /* host order; 0 without ports */
	uint8_t family;
	uint8_t proto;
	uint8_t kind; /* enum tuple_kind */
	bool ends_tcp; /* TCP with FIN or RST */
};

enum {
	IP_PROTO_TSMP = 99, /* any private encryption scheme; here Tailscale's own messages */
	IP_PROTO_SCTP = 132,
};

/* The same as tuple_parse, for every packet. */
void tuple_parse_any(const uint8_t *ip, uint8_t family, uint32_t n_bytes, struct tuple *out);

/* ip: n_bytes that ip_check believed. UDP over IPv4, whole and without options, is read here. */
static inline void
tuple_parse(const uint8_t *ip, uint8_t family, uint32_t n_bytes, struct tuple *out)
{
	/* Version and header length; flags and offset but for DF; the protocol. */
	bool is_plain = family == ADDR_V4 && ip[0] == 0x45 && !(load_le16(ip + 6) & 0xffbf) &&
			ip[9] == IP_PROTO_UDP && n_bytes >= IPV4_BYTES + UDP_BYTES;
	if (unlikely_true(!is_plain)) {
		tuple_parse_any(ip, family, n_bytes, out);
		return;
	}
	*out = (struct tuple){
		.src = ip + 12,
		.dst = ip + 16,
		.src_port = load_be16(ip + IPV4_BYTES),
		.dst_port = load_be16(ip + IPV4_BYTES + 2),
		.family = ADDR_V4,
		.proto = IP_PROTO_UDP,
		.kind = TUPLE_DATAGRAM,
	};
}
