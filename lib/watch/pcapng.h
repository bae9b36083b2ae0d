/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing pcapng (draft-ietf-opsawg-pcapng): a section, its interfaces, packets with nanosecond
 * stamps, direction and a comment, and statistics at the end. Each function writes one block into
 * `out`, which has room for PCAPNG_BLOCK_BYTES (a packet: and for its bytes), and returns its size.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	PCAPNG_BLOCK_BYTES = 512,
	PCAPNG_TEXT_BYTES = 256, /* of a name or comment, at most; more is cut off */
	PCAPNG_ETHERNET = 1,     /* link types */
	PCAPNG_RAW_IP = 101,
	PCAPNG_IN = 1,           /* directions */
	PCAPNG_OUT = 2,

	PCAPNG_SECTION = 0x0a0d0d0a, /* block types */
	PCAPNG_INTERFACE = 1,
	PCAPNG_STATISTICS = 5,
	PCAPNG_PACKET = 6,
};

struct pcapng_interface {
	const char *name;
	uint16_t link_type;
	uint32_t snap_bytes;
};

struct pcapng_packet {
	uint32_t interface;      /* in the order in which they were written, from 0 */
	uint64_t time_ns;        /* since 1970-01-01 UTC */
	uint32_t n_bytes;        /* on the wire */
	uint32_t n_captured;
	const uint8_t *bytes;
	uint32_t direction;
	const char *comment;     /* "": none */
};

struct pcapng_statistics {
	uint32_t interface;
	uint64_t time_ns;
	uint64_t n_received, n_dropped;
};

size_t pcapng_section(uint8_t *out, const char *application);
size_t pcapng_interface(uint8_t *out, const struct pcapng_interface *i);
size_t pcapng_packet(uint8_t *out, const struct pcapng_packet *p);
size_t pcapng_statistics(uint8_t *out, const struct pcapng_statistics *s);
