/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an IP packet carries: the way past IPv4 options or a chain of IPv6 extension headers
 * (RFC 8200, 4; AH: RFC 4302) to the upper layer's header. For rare cases; the fast path looks
 * at packets without a chain only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	IP_UPPER_MAX_HEADERS = 8, /* a longer chain is nobody's honest packet */
	IP_PROTO_FRAGMENT = 44,
	IPV6_FRAGMENT_BYTES = 8,
};

struct ip_upper {
	uint32_t offset; /* from the IP header; at most n_bytes */
	uint8_t proto;
	bool is_later_fragment; /* not a packet's first: no header of proto stands at offset */
};

/* Whether it names an extension header of IPv6, and so no upper layer there. */
bool ip_upper_is_extension(uint8_t proto);
/*
 * ip: a packet of n_bytes that ip_check believed, or the beginning of one. False: an extension
 * header reaches past n_bytes, or there are too many of them. What stands at offset may still be
 * shorter than proto's header.
 */
bool ip_upper_find(const uint8_t *ip, uint8_t family, uint32_t n_bytes, struct ip_upper *out);
