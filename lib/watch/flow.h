/* SPDX-License-Identifier: BSD-3-Clause */
/* Who talks to whom: what is shown of a packet's headers. */
#pragma once

#include <stdint.h>

#include "base/addr.h"

struct flow {
	uint8_t family;        /* ADDR_NONE: no IP packet, the rest is 0 */
	uint8_t protocol;
	uint16_t n_bytes;      /* of the IP packet, as it says itself */
	uint16_t source_port, destination_port; /* 0 without ports, or in a later fragment */
	uint8_t source[16], destination[16];
};

/* What can be read of the IP packet in the n_bytes at ip, which may be anything. */
void flow_parse(const uint8_t *ip, uint32_t n_bytes, struct flow *out);
/* The same of an Ethernet frame, with at most one VLAN tag. */
void flow_parse_frame(const uint8_t *frame, uint32_t n_bytes, struct flow *out);
