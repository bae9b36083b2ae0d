/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ethernet, IPv4, IPv6 and UDP as they lie on the wire: offsets, field access and the small
 * edits a router makes (RFC 791, 768, 8200, 1141/1624 for incremental checksums, 6040 for ECN).
 * Nothing here trusts a length: callers have checked that the bytes are there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"

enum {
	ETHERNET_BYTES = 14,
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_QINQ = 0x88a8, /* IEEE 802.1ad: a provider's tag */

	VLAN_TAG_BYTES = 4,      /* 802.1Q: 0x8100, then priority (3 bits), DEI (1), id (12) */
	VLAN_ID_MASK = 0x0fff,

	IPV4_BYTES = 20,
	IPV6_BYTES = 40,
	UDP_BYTES = 8,

	IP_PROTO_ICMP = 1,
	IP_PROTO_TCP = 6,
	IP_PROTO_UDP = 17,
	IP_PROTO_ICMPV6 = 58,

	ECN_MASK = 3,
	ECN_NOT_ECT = 0,
	ECN_ECT1 = 1,
	ECN_ECT0 = 2,
	ECN_CE = 3,
};

static inline uint8_t
ip_version(const uint8_t *ip)
{
	return ip[0] >> 4;
}

static inline unsigned
ipv4_header_bytes(const uint8_t *ip)
{
	return (ip[0] & 15u) * 4;
}

static inline bool
ipv4_is_fragment(const uint8_t *ip)
{
	return (load_be16(ip + 6) & 0x3fff) != 0;
}

/* DF: a router may not cut it into fragments (RFC 791). */
static inline bool
ipv4_is_unfragmentable(const uint8_t *ip)
{
	return (ip[6] & 0x40) != 0;
}

/* The one's complement sum of n_bytes (even) folded to 16 bits, in memory order. */
static inline uint16_t
ip_sum_fold(uint64_t sum)
{
	/* Halves added to each other, crosswise: the upper half then holds sum and carry. */
	sum += sum << 32 | sum >> 32;
	uint32_t half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return (uint16_t)(half >> 16);
}

/* The sum of n_bytes in words of memory order, an odd last byte padded; for ip_sum_fold. */
uint64_t ip_sum(const uint8_t *p, uint32_t n_bytes);

/* Whether the checksum of an IPv4 header (20 to 60 bytes) is right. */
static inline bool
ipv4_checksum_is_right(const uint8_t *ip)
{
	uint64_t sum = (uint64_t)load_le32(ip) + load_le32(ip + 4) + load_le32(ip + 8) +
		       load_le32(ip + 12) + load_le32(ip + 16);
	if (unlikely_true(ip[0] != 0x45)) {
		for (unsigned at = IPV4_BYTES; at < ipv4_header_bytes(ip); at += 4)
			sum += load_le32(ip + at);
	}
	return ip_sum_fold(sum) == 0xffff;
}

/*
 * IP version and lengths of a packet of n_bytes. Returns the packet's own length (without what
 * the link or the cipher padded), 0 when the header contradicts itself or the bytes that are
 * there; *family is ADDR_V4, ADDR_V6, or ADDR_NONE for another version.
 */
static inline uint32_t
ip_check(const uint8_t *ip, uint32_t n_bytes, uint8_t *family)
{
	*family = ADDR_NONE;
	if (n_bytes < IPV4_BYTES)
		return 0;
	if (likely_true(ip[0] == 0x45)) {
		uint32_t total = load_be16(ip + 2);
		*family = ADDR_V4;
		return total - IPV4_BYTES <= n_bytes - IPV4_BYTES ? total : 0;
	}
	if (ip_version(ip) == 4) {
		*family = ADDR_V4;
		uint32_t total = load_be16(ip + 2), header = ipv4_header_bytes(ip);
		return header >= IPV4_BYTES && total >= header && total <= n_bytes ? total : 0;
	}
	if (ip_version(ip) != 6)
		return 0;
	*family = ADDR_V6;
	if (n_bytes < IPV6_BYTES)
		return 0;
	uint32_t total = IPV6_BYTES + load_be16(ip + 4);
	return total <= n_bytes ? total : 0;
}

/* Where the addresses stand: at 12 and 16 in IPv4, at 8 and 24 in IPv6. */
_Static_assert(ADDR_V4 == 4 && ADDR_V6 == 6, "a family is its version, from which places follow");

static inline const uint8_t *
ip_source(const uint8_t *ip, uint8_t family)
{
	return ip + 20 - 2u * family;
}

static inline const uint8_t *
ip_destination(const uint8_t *ip, uint8_t family)
{
	return ip + 4u * family;
}

static inline bool
ip_destination_is_multicast(const uint8_t *ip, uint8_t family)
{
	if (family == ADDR_V4)
		return ip[16] >= 0xe0; /* class D, the reserved rest and 255.255.255.255 */
	return ip[24] == 0xff;
}

/* Addresses of no one other host: multicast, broadcast, loopback, unspecified (RFC 6890). */
static inline bool
ip_address_is_special(const uint8_t *address, uint8_t family)
{
	if (family == ADDR_V4)
		return address[0] >= 0xe0 || address[0] == 127 || address[0] == 0;
	return address[0] == 0xff || (load_le64(address) == 0 && load_le32(address + 8) == 0 &&
					     load_be32(address + 12) <= 1);
}

/* RFC 1812 5.3.7: a source that no packet may have. */
static inline bool
ip_source_is_martian(const uint8_t *ip, uint8_t family)
{
	return ip_address_is_special(ip_source(ip, family), family);
}

/* A destination that no packet is forwarded to: multicast as well. */
static inline bool
ip_destination_is_special(const uint8_t *ip, uint8_t family)
{
	return ip_address_is_special(ip_destination(ip, family), family);
}

/* DSCP and ECN. */
static inline uint8_t
ip_traffic_class(const uint8_t *ip, uint8_t family)
{
	return family == ADDR_V4 ? ip[1] : (uint8_t)((load_be16(ip) >> 4) & 0xff);
}

static inline uint8_t
ip_ecn(const uint8_t *ip, uint8_t family)
{
	return (family == ADDR_V4 ? ip[1] : ip[1] >> 4) & ECN_MASK;
}

static inline uint8_t
ip_ttl(const uint8_t *ip, uint8_t family)
{
	return family == ADDR_V4 ? ip[8] : ip[7];
}

/* One hop less; the caller has seen that it is more than one. RFC 1141 for the checksum. */
static inline void
ip_ttl_decrement(uint8_t *ip, uint8_t family)
{
	if (family == ADDR_V6) {
		ip[7]--;
		return;
	}
	ip[8]--;
	uint32_t sum = (uint32_t)load_be16(ip + 10) + 0x0100;
	store_be16(ip + 10, (uint16_t)(sum + (sum >> 16)));
}

/* Sets the ECN bits; the IPv4 checksum follows. */
static inline void
ip_ecn_set(uint8_t *ip, uint8_t family, uint8_t ecn)
{
	if (family == ADDR_V6) {
		ip[1] = (uint8_t)((ip[1] & ~(ECN_MASK << 4)) | ecn << 4);
		return;
	}
	uint32_t sum = (uint32_t)(uint16_t)~load_be16(ip + 10);
	sum += (uint16_t)~load_be16(ip);
	ip[1] = (uint8_t)((ip[1] & ~ECN_MASK) | ecn);
	sum += load_be16(ip);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	store_be16(ip + 10, (uint16_t)~sum);
}

/*
 * Completes an L4 checksum that a virtual sender left partial: the field then holds the folded
 * sum of the pseudo header alone (Linux's CHECKSUM_PARTIAL). Anything else is left as it is.
 * ip: n_bytes of one whole packet. Only TCP and UDP without extension headers or fragmentation.
 */
void ip_l4_checksum_complete(uint8_t *ip, uint8_t family, uint32_t n_bytes);
