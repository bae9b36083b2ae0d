/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors of a router about a packet that it cannot pass on, from that packet alone:
 * RFC 792, 1191 (the MTU), 1812 4.3.2 for IPv4, RFC 4443 for IPv6. Pure: whether one may be sent,
 * and its bytes. When to send one, and how often, is path/answer.h's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

enum icmp_error {
	ICMP_TOO_BIG,          /* fragmentation needed; packet too big */
	ICMP_TIME_EXCEEDED,
	ICMP_NO_ROUTE,         /* net unreachable; no route to destination */
	ICMP_HOST_UNREACHABLE, /* host unreachable; address unreachable */
};

enum {
	ICMP_ERROR_V4_MAX_BYTES = 576,  /* RFC 1812 4.3.2.3 */
	ICMP_ERROR_V6_MAX_BYTES = 1280, /* RFC 4443 2.4 (c) */
	ICMP_ERROR_MAX_BYTES = ICMP_ERROR_V6_MAX_BYTES,
};

struct icmp_request {
	enum icmp_error error;
	uint8_t family;
	uint16_t mtu;        /* TOO_BIG: what would fit */
	const uint8_t *ip;   /* the packet: n_bytes that ip_check believed */
	uint32_t n_bytes;
	struct addr source;  /* of the error, same family */
};

/*
 * Whether a router may send an error about the packet (RFC 1812 4.3.2.7, RFC 4443 2.4 (e)): not
 * about an ICMP error, a later fragment, a multicast or broadcast, nor to a source that is no
 * single host; nor about what cannot be told to be none of these.
 */
bool icmp_may_answer(const uint8_t *ip, uint8_t family, uint32_t n_bytes);

/*
 * Writes the whole error packet, IP header included, to out (room for ICMP_ERROR_MAX_BYTES; not
 * overlapping the packet). Returns its length. The caller has asked icmp_may_answer.
 */
uint32_t icmp_error_build(uint8_t *out, const struct icmp_request *q);
