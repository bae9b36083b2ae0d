/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/icmp.h"

#include "wire/ip.h"
#include "wire/upper.h"

enum {
	ICMP_BYTES = 8,
	ICMP_TTL = 64,
	ICMPV6_FIRST_QUERY = 128,
	ICMPV6_REDIRECT = 137,
	IPV4_DF = 0x4000,
	/* Precedence 6, the packet's own TOS bits, no ECN: RFC 1812 4.3.2.5. */
	TOS_PRECEDENCE = 0xc0,
	TOS_KEPT = 0x1c,
};

static const struct {
	uint8_t type, code;
} numbers[][2] = { /* v4, v6 */
	[ICMP_TOO_BIG] = {{3, 4}, {2, 0}},
	[ICMP_TIME_EXCEEDED] = {{11, 0}, {3, 0}},
	[ICMP_NO_ROUTE] = {{3, 0}, {1, 0}},
	[ICMP_HOST_UNREACHABLE] = {{3, 1}, {1, 3}},
};

/* RFC 1122 3.2.2: unreachable, source quench, redirect, time exceeded, parameter problem. */
static bool
type_is_error(uint8_t family, uint8_t type)
{
	if (family == ADDR_V6)
		return type < ICMPV6_FIRST_QUERY || type == ICMPV6_REDIRECT;
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

bool
icmp_may_answer(const uint8_t *ip, uint8_t family, uint32_t n_bytes)
{
	struct ip_upper upper;
	if (ip_source_is_martian(ip, family) || ip_destination_is_multicast(ip, family) ||
		!ip_upper_find(ip, family, n_bytes, &upper) || upper.is_later_fragment)
		return false;
	if (upper.proto != (family == ADDR_V4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6))
		return true;
	return upper.offset < n_bytes && !type_is_error(family, ip[upper.offset]);
}

static void
put_v4(uint8_t *ip, const struct icmp_request *q, uint32_t n_bytes)
{
	memset(ip, 0, IPV4_BYTES);
	ip[0] = 0x45;
	ip[1] = (uint8_t)(TOS_PRECEDENCE | (q->ip[1] & TOS_KEPT));
	store_be16(ip + 2, (uint16_t)n_bytes);
	store_be16(ip + 6, IPV4_DF); /* never in pieces, so the identification may be 0: RFC 6864 */
	ip[8] = ICMP_TTL;
	ip[9] = IP_PROTO_ICMP;
	memcpy(ip + 12, q->source.bytes, 4);
	memcpy(ip + 16, ip_source(q->ip, ADDR_V4), 4);
	store_le16(ip + 10, (uint16_t)~ip_sum_fold(ip_sum(ip, IPV4_BYTES)));
}

static void
put_v6(uint8_t *ip, const struct icmp_request *q, uint32_t n_bytes)
{
	memset(ip, 0, 8);
	ip[0] = 0x60;
	store_be16(ip + 4, (uint16_t)(n_bytes - IPV6_BYTES));
	ip[6] = IP_PROTO_ICMPV6;
	ip[7] = ICMP_TTL;
	memcpy(ip + 8, q->source.bytes, 16);
	memcpy(ip + 24, ip_source(q->ip, ADDR_V6), 16);
}

/* The IPv6 checksum covers a pseudo header as well (RFC 4443, 2.3). */
static void
put_checksum(uint8_t *ip, const struct icmp_request *q, uint32_t header, uint32_t n_bytes)
{
	uint64_t sum = ip_sum(ip + header, n_bytes - header);
	if (q->family == ADDR_V6)
		sum += ip_sum(ip + 8, 32) + __builtin_bswap16(IP_PROTO_ICMPV6) +
		       __builtin_bswap32(n_bytes - header);
	store_le16(ip + header + 2, (uint16_t)~ip_sum_fold(sum));
}

uint32_t
icmp_error_build(uint8_t *out, const struct icmp_request *q)
{
	bool is_v4 = q->family == ADDR_V4;
	uint32_t header = is_v4 ? IPV4_BYTES : IPV6_BYTES;
	uint32_t max = is_v4 ? ICMP_ERROR_V4_MAX_BYTES : ICMP_ERROR_V6_MAX_BYTES;
	uint32_t quoted = MIN_OF(q->n_bytes, max - header - ICMP_BYTES);
	uint32_t n_bytes = header + ICMP_BYTES + quoted;
	uint8_t *icmp = out + header;
	if (is_v4)
		put_v4(out, q, n_bytes);
	else
		put_v6(out, q, n_bytes);
	memset(icmp, 0, ICMP_BYTES);
	icmp[0] = numbers[q->error][!is_v4].type;
	icmp[1] = numbers[q->error][!is_v4].code;
	if (q->error == ICMP_TOO_BIG)
		store_be16(icmp + 6, q->mtu);
	memcpy(icmp + ICMP_BYTES, q->ip, quoted);
	put_checksum(out, q, header, n_bytes);
	return n_bytes;
}
