/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cutting an IP packet into fragments: IPv4 in transit (RFC 791, 3.2; options that are not to be
 * copied become padding, so that all headers are equally long), IPv6 at its source only (RFC 8200,
 * 4.5), for packets without extension headers. Pure: how to cut, and each fragment's header.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	FRAGMENT_HEADER_MAX_BYTES = 60,
	FRAGMENT_EXTENSION_BYTES = 8, /* what IPv6 fragments carry more than the packet */
};

struct fragment_plan {
	const uint8_t *ip;       /* the packet, n_bytes */
	uint8_t family;
	uint32_t n_bytes;
	uint32_t header_bytes;   /* of the packet */
	uint32_t fragment_header_bytes; /* of each fragment */
	uint32_t chunk_bytes;    /* of payload in each fragment but the last */
	uint32_t n;              /* fragments */
	uint32_t identification; /* IPv6; IPv4 packets have theirs */
};

/*
 * How the packet (n_bytes that ip_check believed, more than mtu_bytes) is cut for the MTU. False:
 * it must not be (DF), or the MTU is too small for any. identification: fresh, for IPv6.
 */
bool fragment_plan(struct fragment_plan *plan, const uint8_t *ip, uint8_t family,
	uint32_t mtu_bytes, uint32_t identification);

/* Where in the packet the payload of fragment k (below n) starts, and how long it is. */
uint32_t fragment_payload(const struct fragment_plan *plan, uint32_t k, uint32_t *n_bytes);

/*
 * Writes fragment_header_bytes for fragment k to out, checksum included. The packet's own header
 * is still as it was: so the first fragment, if cut in place, comes last.
 */
void fragment_header(const struct fragment_plan *plan, uint32_t k, uint8_t *out);
