/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/mss.h"

enum {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_MSS_BYTES = 4,
	TCP_CHECKSUM_AT = 16,
};

/* Where the TCP header starts; 0: not in this packet. */
static uint32_t
tcp_offset(const uint8_t *ip, uint8_t family)
{
	if (family == ADDR_V6)
		return ip[6] == IP_PROTO_TCP ? IPV6_BYTES : 0;
	bool is_later_fragment = (load_be16(ip + 6) & 0x1fff) != 0;
	return ip[9] == IP_PROTO_TCP && !is_later_fragment ? ipv4_header_bytes(ip) : 0;
}

/* The offset of the MSS option's value in the TCP header of header_bytes; 0: there is none. */
static uint32_t
find_mss(const uint8_t *tcp, uint32_t header_bytes)
{
	uint32_t at = TCP_BYTES;
	while (at < header_bytes && tcp[at] != OPTION_END) {
		if (tcp[at] == OPTION_NOP) {
			at++;
			continue;
		}
		if (at + 2 > header_bytes || tcp[at + 1] < 2 || at + tcp[at + 1] > header_bytes)
			return 0;
		if (tcp[at] == OPTION_MSS)
			return tcp[at + 1] == OPTION_MSS_BYTES ? at + 2 : 0;
		at += tcp[at + 1];
	}
	return 0;
}

/* Whether the field holds but the pseudo header's sum; a right checksum never counts as that. */
static bool
checksum_is_partial(const uint8_t *ip, uint8_t family, uint32_t tcp, uint32_t n_bytes)
{
	uint64_t pseudo = ip_sum(ip_source(ip, family), family == ADDR_V4 ? 8 : 32) +
			  __builtin_bswap16(IP_PROTO_TCP) + __builtin_bswap32(n_bytes - tcp);
	if (load_le16(ip + tcp + TCP_CHECKSUM_AT) != ip_sum_fold(pseudo))
		return false;
	return ip_sum_fold(pseudo + ip_sum(ip + tcp, n_bytes - tcp)) != 0xffff;
}

/* RFC 1624, equation 3, in memory order. A value at an odd offset counts with its bytes swapped. */
static void
adjust_checksum(uint8_t *tcp, uint32_t at, uint16_t was, uint16_t now)
{
	if (at & 1) {
		was = __builtin_bswap16(was);
		now = __builtin_bswap16(now);
	}
	uint64_t sum = (uint16_t)~load_le16(tcp + TCP_CHECKSUM_AT);
	sum += (uint16_t)~was;
	sum += now;
	store_le16(tcp + TCP_CHECKSUM_AT, (uint16_t)~ip_sum_fold(sum));
}

bool
mss_clamp(uint8_t *ip, uint8_t family, uint32_t n_bytes, uint32_t mtu_bytes)
{
	uint32_t headers = (family == ADDR_V4 ? IPV4_BYTES : IPV6_BYTES) + TCP_BYTES;
	uint32_t offset = tcp_offset(ip, family);
	if (!offset || n_bytes < offset + TCP_BYTES || mtu_bytes <= headers)
		return false;
	uint8_t *tcp = ip + offset;
	uint32_t header_bytes = (tcp[12] >> 4) * 4u;
	if (!(tcp[13] & TCP_SYN) || header_bytes < TCP_BYTES || n_bytes < offset + header_bytes)
		return false;
	uint32_t at = find_mss(tcp, header_bytes);
	uint16_t limit = (uint16_t)MIN_OF(mtu_bytes - headers, (uint32_t)UINT16_MAX);
	if (!at || load_be16(tcp + at) <= limit)
		return false;
	bool is_partial = checksum_is_partial(ip, family, offset, n_bytes);
	uint16_t was = load_le16(tcp + at);
	store_be16(tcp + at, limit);
	if (!is_partial)
		adjust_checksum(tcp, at, was, load_le16(tcp + at));
	return true;
}
