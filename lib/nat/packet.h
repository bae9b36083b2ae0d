/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet as address translation sees it: its two ends, and the fields to rewrite. TCP, UDP and
 * ICMP echo have ends; an ICMP error has those of the packet that it quotes (RFC 5508). Pure; every
 * length is checked here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

enum nat_kind {
	NAT_KIND_OTHER,    /* of a protocol, or an ICMP message, without ends */
	NAT_KIND_BROKEN,   /* shorter than its headers */
	NAT_KIND_FRAGMENT, /* one of several pieces; the first has ports, others 0 */
	NAT_KIND_PORTS,    /* TCP, UDP */
	NAT_KIND_ASKS,     /* ICMP echo request: the identifier is the source's */
	NAT_KIND_ANSWERS,  /* ICMP echo reply: it is the destination's */
	NAT_KIND_ERROR,    /* ICMP error; quoted is what it speaks of */
};

/* A header with its upper layer. Pointers are into the packet. */
struct nat_header {
	uint8_t *ip;
	uint8_t *upper;
	uint32_t upper_bytes; /* that are there */
	uint8_t family;
	uint8_t proto;
	uint8_t kind;         /* enum nat_kind */
	uint8_t tcp_flags;
	uint16_t src_port, dst_port; /* host order; an identifier stands in both */
};

struct nat_packet {
	struct nat_header outer;  /* of the packet itself */
	struct nat_header quoted; /* of NAT_KIND_ERROR; one that was cut has 8 bytes at least */
};

/* ip: n_bytes that ip_check believed. */
void nat_parse(uint8_t *ip, uint8_t family, uint32_t n_bytes, struct nat_packet *out);

/* One end of a packet, as it is to be. address: 4 or 16 bytes. */
struct nat_end {
	const uint8_t *address;
	uint16_t port;
};

/* Give the packet that source, or destination; all checksums follow (RFC 1624). Not of an error. */
void nat_set_source(struct nat_packet *p, const struct nat_end *end);
void nat_set_destination(struct nat_packet *p, const struct nat_end *end);
/*
 * Of an error that comes from outside: the quoted source, and the error's destination; of one that
 * goes there: the quoted destination, and the error's source unless keeps_source.
 */
void nat_set_error_in(struct nat_packet *p, const struct nat_end *end);
void nat_set_error_out(struct nat_packet *p, const struct nat_end *end, bool keeps_source);
