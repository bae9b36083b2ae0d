/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/ip.h"

/* Where the L4 header starts, or 0 when this packet can carry no partial checksum. */
static uint32_t
l4_offset(const uint8_t *ip, uint8_t family, uint8_t *proto)
{
	if (family == ADDR_V6) {
		*proto = ip[6];
		return IPV6_BYTES;
	}
	*proto = ip[9];
	return ipv4_is_fragment(ip) ? 0 : ipv4_header_bytes(ip);
}

void
ip_l4_checksum_complete(uint8_t *ip, uint8_t family, uint32_t n_bytes)
{
	uint8_t proto;
	uint32_t l4 = l4_offset(ip, family, &proto);
	uint32_t field = proto == IP_PROTO_TCP ? 16 : proto == IP_PROTO_UDP ? 6 : 0;
	uint32_t header = proto == IP_PROTO_TCP ? 20 : UDP_BYTES;
	if (!l4 || !field || n_bytes < l4 + header)
		return;
	uint32_t l4_bytes = n_bytes - l4;
	unsigned addr_bytes = family == ADDR_V4 ? 8 : 32;
	uint64_t pseudo = ip_sum(ip_source(ip, family), addr_bytes);
	pseudo += __builtin_bswap16(proto);
	pseudo += __builtin_bswap32(l4_bytes);
	if (load_le16(ip + l4 + field) != ip_sum_fold(pseudo))
		return;
	/* The field holds the pseudo header's sum, so the sum over everything includes it. */
	uint16_t sum = (uint16_t)~ip_sum_fold(ip_sum(ip + l4, l4_bytes));
	if (proto == IP_PROTO_UDP && sum == 0)
		sum = 0xffff;
	store_le16(ip + l4 + field, sum);
}
