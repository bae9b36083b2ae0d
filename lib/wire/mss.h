/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The maximum segment size that a TCP SYN announces (RFC 9293, 3.2 and 3.7.1), lowered to what a
 * tunnel's MTU leaves: path MTU discovery fails too often where ICMP is filtered.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wire/ip.h"

enum { TCP_BYTES = 20, TCP_SYN = 2 };

/*
 * Whether the packet at ip looks like a SYN or SYN-ACK: a first glance, for each packet. It may
 * read behind a short packet's end, up to 74 bytes from ip, which a buffer always has; mss_clamp
 * looks at the lengths. A TCP header behind IPv6 extension headers is not seen.
 */
static inline bool
mss_is_syn(const uint8_t *ip, uint8_t family)
{
	if (family == ADDR_V4)
		return ip[9] == IP_PROTO_TCP && ip[ipv4_header_bytes(ip) + 13] & TCP_SYN;
	return ip[6] == IP_PROTO_TCP && ip[IPV6_BYTES + 13] & TCP_SYN;
}

/*
 * Lowers the MSS option of a SYN to what fits into mtu_bytes of IP, checksum included (RFC 1624),
 * also one that is partial (only the pseudo header's sum, as virtual ports hand over). A packet of
 * n_bytes as ip_check returned. Never raises; whatever is malformed stays as it is. A SYN without
 * the option means 536 or 1220 bytes, which fit. True: it was changed.
 */
bool mss_clamp(uint8_t *ip, uint8_t family, uint32_t n_bytes, uint32_t mtu_bytes);
