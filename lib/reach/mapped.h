/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints as disco and STUN write them: 16 bytes of address, an IPv4 one as ::ffff:a.b.c.d
 * (RFC 4291, section 2.5.5.2), and a port. Here an IPv4 address is never in that dress.
 */
#pragma once

#include <stdint.h>

#include "base/addr.h"

enum {
	MAPPED_ADDR_BYTES = 16,
	MAPPED_ENDPOINT_BYTES = MAPPED_ADDR_BYTES + 2,
};

/* The address that 16 bytes off the wire mean. */
struct addr mapped_to_addr(const uint8_t bytes[MAPPED_ADDR_BYTES]);
/* The endpoint that 18 bytes off the wire mean; without a scope. */
struct endpoint mapped_to_endpoint(const uint8_t bytes[MAPPED_ENDPOINT_BYTES]);
/* Its 18 bytes; all zero without a family. */
void mapped_from_endpoint(uint8_t out[MAPPED_ENDPOINT_BYTES], const struct endpoint *e);
